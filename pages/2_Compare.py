"""Images, settings or model versions side by side."""

from dashboard import compare, layout

with layout.page("Compare"):
    compare.show()
