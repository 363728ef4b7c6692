"""A video file: boxes in step with the player, a timeline of counts, exports."""

from dashboard import frame
from dashboard.video import page

with frame.page("Video"):
    page.show()
