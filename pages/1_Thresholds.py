"""Explore thresholds."""

from dashboard import frame
from dashboard.thresholds import page

with frame.page("Thresholds"):
    page.show()
