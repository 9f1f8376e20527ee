"""A report's content as a PDF: the template beside this file, with charts as vectors."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from guardian.services.guard.reports.words import facts
from guardian.services.people.paper import set_pdf

_TEMPLATE = Path(__file__).with_name("report.typ")


def render(content: Mapping[str, Any]) -> bytes:
    """The PDF of a content of version 1; A4, some 60 kB, in 30 ms."""
    return set_pdf(_TEMPLATE, facts(content), datetime.fromisoformat(content["madeAt"]))
