"""What the pages are made of. The only place with Streamlit's state, caches and widget keys."""
