"""What a request asks for, read from its bytes, and the few changes that are ever made to them."""

from guardian.gateway.bodies.editing import with_model, with_usage_asked
from guardian.gateway.bodies.forms import Form
from guardian.gateway.bodies.wanted import Wanted, must_ask, wanted_of, wanted_of_form

__all__ = ["Form", "Wanted", "must_ask", "wanted_of", "wanted_of_form", "with_model", "with_usage_asked"]
