"""auth: signing up, in and out, forgotten passwords, as JSON and as the forms of signed-out pages."""

from guardian.api.auth import forms, impersonation, oauth, routes, rules, second_factor

ROUTERS = (routes.api, oauth.api, second_factor.api, rules.api, forms.forms, impersonation.forms)
