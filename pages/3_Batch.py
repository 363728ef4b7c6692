"""Many images: run them, look through the results, hand them on."""

from dashboard import frame
from dashboard.batch import page

with frame.page("Batch"):
    page.show()
