"""What Pillow and libtiff do with a damaged image: what they raise, and that they keep quiet."""

import ctypes
import logging
import struct
import warnings
import zlib

from PIL import _imaging

# What Pillow's readers raise on damaged files: seen on 55,000 such files, or expected by Pillow's
# own open(). They also warn of damaged metadata: an exception where warnings are errors.
DECODER_ERRORS = (
    Warning,
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    RuntimeError,
    LookupError,
    TypeError,
    ArithmeticError,
    struct.error,
    zlib.error,
)


def silence() -> None:
    """No word of the decoders on standard error from now on, in the whole process.

    One odd TIFF file else gives hundreds of lines there. What is wrong is the error's cause.
    """
    warnings.filterwarnings("ignore", module=r"PIL\.")
    logging.getLogger("PIL").setLevel(logging.CRITICAL)
    # Also finds what Pillow's own library is linked to. Where libtiff is inside it, there is
    # nothing to find, and lines remain.
    pillow = ctypes.CDLL(_imaging.__file__)
    for handler in ("TIFFSetErrorHandler", "TIFFSetWarningHandler"):
        if hasattr(pillow, handler):
            getattr(pillow, handler)(None)
