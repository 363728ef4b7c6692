"""The images that visitors chose, kept on disk and not in memory.

A photo of 12 megapixels has some 4 MB, a session keeps dozens, and what is needed again of a file
is little: its download, and another decoding for an export.
"""

import atexit
import shutil
import tempfile
import threading
import weakref
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


_lock = threading.Lock()
_folder: list[Path] = []
_blobs: WeakValueDictionary[str, _Blob] = WeakValueDictionary()


@dataclass(frozen=True)
class ImageFile:
    """An encoded image that somebody chose.

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
                    _folder.append(Path(tempfile.mkdtemp(prefix="commodity-lens-")))
                    atexit.register(shutil.rmtree, _folder[0], ignore_errors=True)
                blob = _blobs[digest] = _Blob(_folder[0] / digest, data)
        return cls(name, digest, blob)

    def named(self, name: str) -> "ImageFile":
        """The same image under another name."""
        return ImageFile(name, self.digest, self._blob)

    def read(self) -> bytes:
        """Its bytes."""
        return self._blob.path.read_bytes()
