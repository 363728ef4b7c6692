"""The command line: `commodity-lens predict IMAGE...`, `rerun MANIFEST`, `record`, `demo`, `serve`.

Nothing here is slow to import: no Plotly, no pandas, no Streamlit, no TensorFlow.
"""

from detector.cli.program import main

__all__ = ["main"]
