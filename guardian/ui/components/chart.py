"""Charts: Plotly's basic bundle, loaded after the page, our colours, no template, one button (save as image)."""

from typing import Any

import plotly.graph_objects as go
import reflex as rx
from plotly.graph_objs.layout import Template

_CONFIG = {
    "displaylogo": False,
    "responsive": True,
    "displayModeBar": "hover",
    "modeBarButtons": [["toImage"]],
    "scrollZoom": False,
    "doubleClick": False,
}


# The family of assets/theme.css: Plotly measures its labels with it.
_FONT = (
    'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", "Liberation Sans", Arial, sans-serif'
)
# Labels a little below the axis, so that the first one does not touch "$0".
_BELOW = {"ticks": "outside", "ticklen": 6, "tickwidth": 0}
_SPIKE = {"spikethickness": 1, "spikedash": "solid"}
_FILL = {"width": "100%", "height": "100%"}


def _look(text: str, line: str, raised: str) -> dict[str, Any]:
    axis = {"gridcolor": line, "linecolor": line, "zerolinecolor": line, "tickcolor": line, "fixedrange": True}
    return {
        "font": {"color": text, "size": 12, "family": _FONT},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "margin": {"l": 56, "r": 8, "t": 8, "b": 32},
        "showlegend": False,
        "bargap": 0.25,
        "barmode": "relative",
        "hovermode": "x unified",
        "hoverlabel": {"bgcolor": raised, "bordercolor": line, "font": {"color": text, "size": 12, "family": _FONT}},
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": text, "activecolor": text},
        "xaxis": {
            **axis,
            "showgrid": False,
            "type": "category",
            "nticks": 5,
            "tickangle": 0,
            "automargin": True,
            **_BELOW,
            **_SPIKE,
            "spikecolor": line,
        },
        "yaxis": {**axis, "tickprefix": "$", "rangemode": "tozero", "nticks": 5, "separatethousands": True},
    }


def chart(figure: Any, description: Any) -> rx.Component:
    """A figure ({data, layout} with at most 200 points), with `description` for those who cannot see it."""
    from_dict: Any = figure.to(go.Figure)
    # Plotly's own template is 6.7 KB a figure; the colours of texts and axes are all that changes.
    template: Any = rx.color_mode_cond(  # pyright: ignore[reportUnknownVariableType]  # Var of anything
        light={"layout": _look("#57606c", "#dde2e8", "#ffffff")},
        dark={"layout": _look("#9aa5b1", "#29313b", "#1c222a")},
    )
    return rx.el.figure(
        rx.el.figcaption(description, class_name="sr-only"),
        rx.plotly.basic(data=from_dict, template=template.to(Template), config=_CONFIG, style=_FILL),
        class_name="chart",
    )
