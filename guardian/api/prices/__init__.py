"""prices: the price book, stored usage priced anew, and the currency that dollars are shown in."""

from guardian.api.prices import currencies, reprice, routes

ROUTERS = (routes.api, reprice.api, currencies.api)
