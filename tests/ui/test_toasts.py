"""Toasts: data for a client that knows them, and a clear word when Reflex's client has changed."""

import pytest

from guardian.errors import ConfigurationError
from guardian.ui.toasts import error_toast, show_toasts, toast
from tests.ui.pages import payload

CLIENT = '  before();\n  if (event.name == "_set_value") {\n    after();\n'


def test_the_client_learns_them_once() -> None:
    taught = show_toasts(CLIENT)
    assert taught.index("_guardian_toast") < taught.index("_set_value")
    assert taught.startswith("  before();\n")
    assert taught.endswith("    after();\n")
    assert show_toasts(taught) == taught


def test_another_client_is_not_patched_blindly() -> None:
    with pytest.raises(ConfigurationError, match=r"adapt toasts\.py"):
        show_toasts("something else entirely")


def test_what_they_carry() -> None:
    assert payload(toast("Done.")) == {
        "message": "Done.",
        "tone": "success",
        "description": "",
        "duration": 4_000,
        "closeButton": False,
    }
    assert payload(error_toast("No.", "Request 1"))["description"] == "Request 1"
