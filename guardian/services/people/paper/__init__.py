"""Documents on paper, set by typst from a template and facts; what the templates share is in base.typ beside this file.

typst (0.15, 81 MB with its fonts, one wheel without system libraries) was weighed against WeasyPrint, which needs
Pango and its fonts from the system. Nothing is fetched: a template names no package. What a document says reaches it
as data, never as markup.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).parents[2]  # of the services: a template may be beside the service that fills it


def set_pdf(template: Path, facts: Mapping[str, Any], made: datetime) -> bytes:
    """The PDF of a template of the services with these facts (`sys.inputs.facts`, JSON), the same for the same."""
    # Here: who prints nothing should not have to load it.
    import typst

    compiled = typst.compile(
        template,
        root=_ROOT,
        font_paths=[],
        # Fonts of the system only lend what the wheel's lack: names in Chinese, for example.
        ignore_system_fonts=False,
        format="pdf",
        sys_inputs={"facts": json.dumps(facts)},
        timestamp=int(made.timestamp()),
    )
    assert isinstance(compiled, bytes)
    return compiled
