"""The images and videos that visitors chose, kept on disk and not in memory.

A photo of 12 megapixels has some 4 MB, a session keeps dozens, and what is needed again of a file
is little: its download, and another decoding for an export.
"""

import atexit
import os
import re
import shutil
import sys
import tempfile
import threading
import time
import weakref
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from weakref import WeakValueDictionary

from detector.answers import digest_of


class _Blob:
    """Bytes in a file that is removed when nobody refers to it any more."""

    def __init__(self, path: Path, data: bytes) -> None:
        self.path = path
        path.write_bytes(data)
        weakref.finalize(self, path.unlink, missing_ok=True)


_PREFIX = "commodity-lens-images-"
_DIGEST = re.compile("[0-9a-f]{64}")
_lock = threading.Lock()
_folder: list[Path] = []
_blobs: WeakValueDictionary[str, _Blob] = WeakValueDictionary()


@dataclass(frozen=True)
class ImageFile:
    """An encoded image, or a video, that somebody chose.

    Attributes:
        name: as the visitor knows it.
        digest: SHA-256 of its bytes: its identity everywhere.
    """

    name: str
    digest: str
    _blob: _Blob = field(repr=False, compare=False)

    @classmethod
    def of(cls, name: str, data: bytes) -> "ImageFile":
        """The image with these bytes. The same bytes are kept once, whoever has them."""
        digest = digest_of(data)
        with _lock:
            blob = _blobs.get(digest)
            if blob is None:
                if not _folder:
                    _folder.append(_new_folder())
                blob = _blobs[digest] = _Blob(_folder[0] / digest, data)
        return cls(name, digest, blob)

    def named(self, name: str) -> "ImageFile":
        """The same image under another name."""
        return ImageFile(name, self.digest, self._blob)

    @property
    def path(self) -> Path:
        """Where its bytes are, for as long as this refers to them."""
        return self._blob.path

    def read(self) -> bytes:
        """Its bytes."""
        return self.path.read_bytes()


def _new_folder() -> Path:
    """A folder that goes with this process; those of processes that were killed go now."""
    for left in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError):
            is_new = time.time() - left.stat().st_mtime < 60  # and perhaps not locked yet
            is_ours = all(_DIGEST.fullmatch(path.name) for path in left.iterdir())
            if is_ours and not is_new and (descriptor := _lock_folder(left)) is not None:
                shutil.rmtree(left, ignore_errors=True)
                os.close(descriptor)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    _lock_folder(folder)  # until this process ends, however it does
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _lock_folder(folder: Path) -> int | None:
    """The descriptor that holds the lock; None where another process has it, or nobody can."""
    if sys.platform == "win32":
        return None
    import fcntl

    descriptor = os.open(folder, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor
