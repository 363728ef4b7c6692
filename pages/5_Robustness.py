"""What if the photo were worse: one image altered, and many."""

from dashboard import frame
from dashboard.robustness import page

with frame.page("Robustness"):
    page.show()
