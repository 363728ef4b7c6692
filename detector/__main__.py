"""`python -m detector`: the command line."""

import signal
import sys

signal.signal(signal.SIGINT, signal.SIG_DFL)  # no traceback of what is being imported

from detector.cli import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main(program="python -m detector"))
