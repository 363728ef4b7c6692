"""Images, settings or model versions side by side."""

from dashboard import frame
from dashboard.compare import page

with frame.page("Compare"):
    page.show()
