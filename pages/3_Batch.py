"""Many pictures: run them, look through the results, hand them on."""

from dashboard import batch, layout

with layout.page("Batch"):
    batch.show()
