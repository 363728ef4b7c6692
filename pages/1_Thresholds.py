"""Explore thresholds."""

from dashboard import layout, thresholds

with layout.page("Thresholds"):
    thresholds.show()
