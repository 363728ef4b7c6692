"""Detect: one picture in; figure, tables and exports out. The home page."""

from dashboard import inputs, layout, result

with layout.page("Detect"):
    result.show(inputs.choose())
