"""How the page of imports and exports looks. assets/imports.js sends the files and shows how far each is."""

from functools import partial
from typing import Any

import reflex as rx

from guardian.ui.components.basics import badge, button, icon, link, moment
from guardian.ui.components.cards import card
from guardian.ui.components.forms import PlainForm, field, options_of, select_field
from guardian.ui.components.frame import frame
from guardian.ui.components.states import notice, progress_bar, skeleton_card
from guardian.ui.pages.imports.rows import FORMATS, ImportRow, LineRow

_EXPORTS = "/api/v1/exports"
# What assets/imports.js sends along with the files, by the name that the address of the upload has for it.
_OPTION = "data-import-option"
_WHERE = (
    ("Claude Code", "~/.claude/projects"),
    ("Codex", "~/.codex/sessions"),
    ("LiteLLM", "table LiteLLM_SpendLogs, as JSON lines or CSV"),
    ("OpenAI, Anthropic", "usage and cost exports of their consoles, CSV"),
    ("AI Cost Guardian", "the usage CSV from below"),
)


def imports_view(state: Any, here: str) -> rx.Component:
    """The page; `state` is the ImportsState class."""
    return frame(
        state,
        here,
        rx.cond(state.can_import, _drop(state)),
        rx.cond(state.opened != "", _refused(state, here)),
        _history(state),
        _export(),
        skeleton=rx.fragment(skeleton_card(4, "28px"), skeleton_card(3, "28px")),
        about=rx.cond(
            state.loaded,
            f"Nothing is imported twice, however often it is read. Times in {state.viewer.zone}.",
            "\u00a0",
        ),
    )


def _drop(state: Any) -> rx.Component:
    return card(
        "Import a file",
        rx.el.div(
            _target(state),
            _wishes(state),
            rx.el.div(id="import-sending", class_name="stack", role="status"),
            class_name="stack import-card",
        ),
        rx.el.details(
            rx.el.summary("Where these files are", icon("chevron-down", 14)),
            rx.el.dl(*(_place(name, where) for name, where in _WHERE), class_name="facts more-fields"),
            class_name="more",
        ),
        notice(
            rx.el.p(
                "Costs of agents' logs are imputed: what their tokens would cost through the API, though most run on a "
                "subscription. They carry the tag ",
                rx.el.code("cost_basis:imputed"),
                ", so that you can tell them from what you are billed.",
            )
        ),
    )


def _target(state: Any) -> rx.Component:
    """Where files are dropped, or chosen."""
    return rx.el.div(
        icon("file-up", 28),
        rx.el.p(
            rx.el.label("Choose files", html_for="import-files", class_name="button primary"),
            " or drop them here",
            class_name="row",
        ),
        rx.el.input(
            type="file",
            id="import-files",
            multiple=True,
            accept=".csv,.jsonl,.ndjson,.json,.zip,.tar,.gz,.tgz",
            class_name="sr-only",
            custom_attrs={"data-import-files": "true"},
        ),
        rx.el.p("CSV, JSONL, or many logs as one zip or tar", state.most, ".", class_name="muted small"),
        class_name="drop",
        custom_attrs={
            "data-import-drop": "true",
            "data-import-most": state.most_bytes,
            "data-import-too-large": state.too_large,
        },
    )


def _wishes(state: Any) -> rx.Component:
    """What is said of the files: what they are, who paid, and who used it."""
    return rx.el.div(
        select_field("Format", "import-format", options_of(FORMATS), custom_attrs={_OPTION: "format"}),
        select_field(
            "Paid by",
            "import-key",
            options_of(state.keys),
            help="The provider's key, or whose account a bill is.",
            custom_attrs={_OPTION: "key"},
        ),
        field(
            "Used by",
            "import-user",
            kind="email",
            placeholder="You",
            help="The address of a colleague, for logs that are theirs.",
            custom_attrs={_OPTION: "user", "autoComplete": "off"},
        ),
        class_name="import-options",
    )


def _place(name: str, where: str) -> rx.Component:
    return rx.el.div(rx.el.dt(name), rx.el.dd(where))


def _history(state: Any) -> rx.Component:
    return card(
        "Imports",
        rx.cond(
            state.runs.length() > 0,
            rx.el.ul(rx.foreach(state.runs, partial(_run, state)), class_name="list imports"),
            rx.el.p("No file was imported yet. What you import is listed here, with every line that was refused."),
        ),
    )


def _run(state: Any, run: ImportRow) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.div(
                rx.el.strong(run.name),
                badge(run.state, run.tone),
                rx.cond(run.kind != "", rx.el.span(run.kind, class_name="muted small")),
                class_name="row",
            ),
            rx.cond(run.running, progress_bar("Read", run.percent, run.note)),
            rx.el.p(
                rx.el.span(run.facts, custom_attrs={"data-live": "true"}),
                rx.cond(run.facts != "", ", ", ""),
                moment(run.when),
                class_name="muted small",
            ),
            rx.cond(run.notes != "", rx.el.p(run.notes, class_name="small")),
            rx.cond(run.problem != "", rx.el.p(run.problem, class_name="bad small")),
            class_name="stack tight import-run",
        ),
        rx.el.div(
            rx.cond(
                run.refused > 0,
                link(
                    rx.cond(run.current, "Hide refused lines", "Show refused lines"), to=run.href, class_name="button"
                ),
            ),
            rx.cond(
                run.may_stop,
                button("Stop", on_click=state.stop(run.id), custom_attrs={"aria-label": f"Stop importing {run.name}"}),
            ),
            class_name="row",
        ),
        key=run.id,
        custom_attrs={"data-testid": "import"},
    )


def _refused(state: Any, here: str) -> rx.Component:
    return card(
        f"Refused lines of {state.opened}",
        rx.cond(
            state.lines.length() > 0,
            rx.el.ul(rx.foreach(state.lines, _line), class_name="list"),
            rx.el.p("No line was refused.", class_name="muted"),
        ),
        rx.cond(state.left != "", rx.el.p(state.left, class_name="muted small")),
        aside=link("Close", to=here, class_name="button quiet"),
    )


def _line(row: LineRow) -> rx.Component:
    return rx.el.li(
        rx.el.div(rx.el.span(row.message), rx.el.span(row.where, class_name="muted small"), class_name="stack tight"),
        key=row.key,
    )


def _export() -> rx.Component:
    return card(
        "Export",
        PlainForm.create(
            rx.el.div(
                field("First day", "from", ident="export-from", kind="date"),
                field("Last day", "to", ident="export-to", kind="date"),
                class_name="import-options",
            ),
            rx.el.div(
                _download("Usage, CSV", "usage.csv"),
                _download("Usage, Parquet", "usage.parquet"),
                _download("FOCUS 1.2, CSV", "focus.csv"),
                _download("FOCUS 1.2, Parquet", "focus.parquet"),
                class_name="row",
            ),
            rx.el.p(
                "Usage has every row of every book, and can be imported again. FOCUS has what counts as spend, a row "
                "for each kind of token, for tools that read the FinOps specification. Without days: everything.",
                class_name="muted small",
            ),
            method="get",
            action=f"{_EXPORTS}/usage.csv",
            class_name="form",
        ),
    )


def _download(text: str, file: str) -> rx.Component:
    return rx.el.button(
        icon("download", 14),
        text,
        type="submit",
        class_name="button",
        custom_attrs={"formAction": f"{_EXPORTS}/{file}"},
    )
