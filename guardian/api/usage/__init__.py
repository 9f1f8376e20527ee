"""usage: single rows of the ledger with their bill, and what was spent, summed up."""

from guardian.api.usage import routes

ROUTERS = (routes.api,)
