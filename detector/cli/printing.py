"""What goes to standard output and standard error: lines, around a progress bar."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from detector.batch.folder import OutputError
from detector.translation import _

# A progress bar appears for more images than this.
_FEW = 3


class Write:
    """Writes a line on standard output at once, so that a reader can follow."""

    def __call__(self, line: str) -> None:
        """One image more is done. Of an empty line nothing is written."""
        if line:
            with printing():
                print(line, flush=True)

    def several(self, count: int) -> None:
        """So many images more are done."""

    def skip(self, count: int) -> None:
        """So many images more were done before."""


class _WriteAround(Write):
    """The same around a progress bar on standard error."""

    def __init__(self, bar: Any) -> None:
        self._bar = bar

    def __call__(self, line: str) -> None:
        if line:
            with printing():
                self._bar.write(line, file=sys.stdout)
                sys.stdout.flush()
        self._bar.update()

    def several(self, count: int) -> None:
        self._bar.update(count)

    def skip(self, count: int) -> None:
        # `initial` keeps what was done before out of the rate.
        self._bar.n += count
        self._bar.initial += count
        self._bar.refresh()


@contextmanager
def progress(count: int) -> Iterator[Write]:
    """What writes a line for each image.

    With a progress bar for more than a few images, where a person looks on.
    """
    if count <= _FEW or not sys.stderr.isatty():
        yield Write()
        return
    from tqdm import tqdm

    with tqdm(total=count, unit="image", dynamic_ncols=True, leave=False) as bar:
        yield _WriteAround(bar)


@contextmanager
def printing() -> Iterator[None]:
    """Around what prints: OutputError where it cannot be written, but for a closed pipe."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(
            _("cannot write to standard output: {reason}", reason=error.strerror),
            _("Send it to a place with room."),
        ) from error
