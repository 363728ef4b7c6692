"""What an SSD300 detector behind TensorFlow Serving sees, in plain Python: no Streamlit in here."""
