"""The model server: state, versions, signature, timings."""

from dashboard import frame
from dashboard.server import page

with frame.page("Server"):
    page.show()
