"""The seven steps that every route takes, in this order and nowhere else.

    1 rate limit    per credential and per network address
    2 authenticate  session cookie or access token; a request that only our own pages may make is checked for it
    3 validate      size, content type, then the route's Pydantic models
    4 authorize     the route's permission (the service asks again)
    5 do            the route's function
    6 audit         one row in the transaction of step 5, for whatever changes something
    7 answer        the envelope

A body that cannot even be parsed is looked at in step 3, so who is not signed in reads 401 whatever they sent.
"""

from guardian.api.steps.call import COOKIE, PER_CREDENTIAL, SIGNING, Call
from guardian.api.steps.routes import CallDep, route

__all__ = ["COOKIE", "PER_CREDENTIAL", "SIGNING", "Call", "CallDep", "route"]
