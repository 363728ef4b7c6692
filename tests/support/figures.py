"""What a Plotly figure says."""

from typing import Any

import plotly.graph_objects as go


def texts_of(figure: go.Figure) -> list[str]:
    """Every text in a figure, the template's aside."""
    spec = figure.to_plotly_json()
    return _texts([spec["data"], {**spec["layout"], "template": None}])


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return [text for inner in value for text in _texts(inner)]
    return [value] if isinstance(value, str) else []
