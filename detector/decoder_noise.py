"""What Pillow and libtiff dislike in an image is an error's cause, not a line on standard error.

One odd TIFF file else gives hundreds of lines, in a terminal and in a server's log.
"""

import ctypes
import logging
import warnings

from PIL import _imaging


def silence() -> None:
    """No word of the decoders on standard error from now on, in the whole process."""
    warnings.filterwarnings("ignore", module=r"PIL\.")
    logging.getLogger("PIL").setLevel(logging.CRITICAL)
    # Also finds what Pillow's own library is linked to. Where libtiff is inside it, there is
    # nothing to find, and lines remain.
    pillow = ctypes.CDLL(_imaging.__file__)
    for handler in ("TIFFSetErrorHandler", "TIFFSetWarningHandler"):
        if hasattr(pillow, handler):
            getattr(pillow, handler)(None)
