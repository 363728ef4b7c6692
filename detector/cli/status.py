"""Exit statuses. `predict --help` and `rerun --help` say what each means."""

IMAGES_FAILED = 1
USAGE = 2  # argparse's own, for a command line or a setting that can't be
SERVER_FAILED = 3
OUTPUT_FAILED = 4
# As a shell reports a process that the signal ended.
SIGNALLED = 128
BROKEN_PIPE = 128 + 13
