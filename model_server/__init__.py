"""TensorFlow Serving's gRPC surface over a SavedModel, for machines without TensorFlow Serving.

A process of its own: `python -m model_server --help`. What it does the same as the original and
what it leaves out is in docs/serving.md.
"""
