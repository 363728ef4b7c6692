"""Detect: one picture in; figure, tables and exports out. The home page."""

from dashboard import frame, images
from dashboard.detect import page

with frame.page("Detect"):
    page.show(images.choose())
