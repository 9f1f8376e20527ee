"""auth: signing up, in and out, forgotten passwords, as JSON and as the forms of signed-out pages."""

from guardian.api.auth import forms, routes

ROUTERS = (routes.api, forms.forms)
