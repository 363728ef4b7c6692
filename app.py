"""Detect: one image in; figure, tables and exports out. The home page."""

from dashboard import frame
from dashboard.detect import page

with frame.page("Detect"):
    page.show()
