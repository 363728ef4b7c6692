"""The model server: state, versions, signature, timings."""

from dashboard import layout, server

with layout.page("Server"):
    server.show()
