"""Detect: one image in; figure, tables and exports out. The home page."""

import streamlit as st

if __name__ == "__main__":  # a visitor's run
    from dashboard import frame
    from dashboard.detect import page

    with frame.page("Detect"):
        page.show()
else:  # the server, once
    from dashboard import deep_links, flood, opening

    opening.warm_up()
    opening.tidy_up()
    app = st.App(__file__, middleware=[flood.BOUNDED, deep_links.RETURNING, opening.STYLED])
