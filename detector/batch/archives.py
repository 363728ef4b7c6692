"""ZIP files as images, each read when its turn comes and nothing ever unpacked to disk.

Who made the archive is not trusted: every bound holds for what is really read, whatever the
archive says of itself, and an entry that breaks one is an error of that image alone.
"""

import io
import stat
import struct
import threading
import unicodedata
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Self, cast

from detector.batch.run import IMAGE_SUFFIXES, Source
from detector.errors import ImageError
from detector.formats.packed import DAMAGED
from detector.images import ImageLimits
from detector.translation import _, noted


class ArchiveError(ImageError):
    """A ZIP file, or something in it, is not what we read."""

    hint = noted("Use a ZIP file of images, without a password.")


@dataclass(frozen=True)
class ArchiveLimits:
    """What a ZIP file may hold.

    Attributes:
        max_entries: files and folders, images or not.
        max_bytes: of all its images together, unpacked.
        max_ratio: of an entry's bytes, unpacked to packed. Photos are near 1; a blank BMP of a
            megabyte or less may have any.
    """

    max_entries: int = 5000
    max_bytes: int = 4 * 2**30
    max_ratio: float = 200.0


class Archive:
    """A ZIP file whose images are read out of it. Thread-safe; a context manager that closes.

    Attributes:
        sources: its images in the order of the archive, each named by its path in it. Nested
            archives, encrypted entries and paths that lead out of a folder are among them, as
            images whose reading says so; files that are no images and hidden ones are not.
    """

    def __init__(
        self,
        file: Path | bytes,
        image_limits: ImageLimits,
        limits: ArchiveLimits | None = None,
        name: str = "",
    ) -> None:
        """
        Args:
            name: put before each image's name with a slash.

        Raises:
            ArchiveError: not a ZIP file, or without images, or by its own account too large.
        """
        self._limits = limits = limits or ArchiveLimits()
        self._max_bytes = image_limits.max_bytes
        self._lock = threading.Lock()
        self._read: dict[int, int] = {}  # entry's place -> bytes really read
        try:
            # BytesIO shares the bytes until somebody writes.
            self._file: IO[bytes] = io.BytesIO(file) if isinstance(file, bytes) else file.open("rb")
        except OSError as error:
            raise ArchiveError(
                _("cannot be opened: {reason}", reason=error.strerror), _("Check the path.")
            ) from error
        try:
            self._size = self._file.seek(0, io.SEEK_END)
            bounded = _Bounded(self._file, limits.max_entries * _ENTRY_BYTES)
            self._zip = zipfile.ZipFile(cast(IO[bytes], bounded))
            bounded.max_read = None
            entries = self._zip.infolist()
            if len(entries) > limits.max_entries:
                raise _too_many(limits)
            images = [entry for entry in entries if _is_wanted(entry)]
            if not images:
                raise ArchiveError(_("There are no images in this ZIP file."), ImageError.hint)
            if sum(entry.file_size for entry in images) > limits.max_bytes:
                raise self._too_large()
        except (*DAMAGED, ArchiveError) as error:
            self._file.close()
            if isinstance(error, ArchiveError):
                raise
            raise ArchiveError(
                _("This is not a ZIP file that can be read: {error}.", error=error)
            ) from error
        self.sources = tuple(
            Source(
                f"{name}/{_name(entry)}" if name else _name(entry),
                lambda place=place, entry=entry: self._bytes(place, entry),  # type: ignore[misc]
            )
            for place, entry in enumerate(images)
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file: its images cannot be read any more."""
        self._zip.close()
        self._file.close()

    def _bytes(self, place: int, entry: zipfile.ZipInfo) -> bytes:
        """What the entry holds: one byte more than an image may have is all that is ever read."""
        _check(entry)
        try:
            with self._zip.open(entry) as file:
                data = file.read(self._max_bytes + 1)
        except DAMAGED as error:
            raise ArchiveError(
                _("It cannot be unpacked: {error}.", error=error),
                _("Pack it anew: the ZIP file is damaged."),
            ) from error
        packed = max(1, min(entry.compress_size, self._size))
        if len(data) > max(2**20, self._limits.max_ratio * packed):
            raise ArchiveError(
                _(
                    "It unpacks to more than {max_ratio:g} times its packed size.",
                    max_ratio=self._limits.max_ratio,
                ),
                _("Save the image as JPEG or PNG."),
            )
        if len(data) > self._max_bytes:
            raise ArchiveError(
                _(
                    "It unpacks to more than {max_bytes:.0f} MiB.",
                    max_bytes=self._max_bytes / 2**20,
                ),
                _("Save the image smaller, or as JPEG."),
            )
        with self._lock:
            self._read[place] = len(data)
            total = sum(self._read.values())
        if total > self._limits.max_bytes:
            raise self._too_large()
        return data

    def _too_large(self) -> ArchiveError:
        return ArchiveError(
            _(
                "The ZIP file's images have more than {max_bytes:.3g} GiB.",
                max_bytes=self._limits.max_bytes / 2**30,
            ),
            _("Use several smaller ones."),
        )


def sources_of(name: str, data: bytes, limits: ImageLimits) -> Sequence[Source]:
    """An uploaded file's images: itself, or those in it where it is a ZIP file.

    Raises:
        ArchiveError: a ZIP file that is not read, or has no images.
    """
    if not (data.startswith(b"PK") and name.lower().endswith(".zip")):
        return (Source(name, lambda: data),)
    return Archive(data, limits, name=name).sources


# Of an entry in the list at a ZIP file's end, with a long path.
_ENTRY_BYTES = 400
_ARCHIVE_SUFFIXES = frozenset(
    {".zip", ".7z", ".rar", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".jar", ".cbz"}
)
_ENCRYPTED = 0x1
_UTF_8 = 0x800
_UNICODE_PATH = 0x7075


class _Bounded:
    """A file for ZipFile that refuses a list of entries that is too long before it is read."""

    def __init__(self, file: IO[bytes], max_read: int) -> None:
        self._file = file
        # ZipFile looks for the list in the last 64 KiB.
        self.max_read: int | None = max(max_read, 2**17)
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size: int = -1) -> bytes:
        if self.max_read is not None and size > self.max_read:
            raise ArchiveError(
                _("The ZIP file lists too many entries."), _("Use several smaller ones.")
            )
        return self._file.read(size)


def _name(entry: zipfile.ZipInfo) -> str:
    """The entry's name, also where it is in UTF-8 and the entry does not say so.

    Finder and others leave the flag out, and a reader takes the bytes for code page 437 then. A
    name that is really in that code page is hardly ever valid UTF-8.
    """
    if entry.flag_bits & _UTF_8:
        return entry.filename
    try:
        raw = entry.filename.encode("cp437")
        name = (_unicode_path(entry.extra, raw) or raw).decode()
    except UnicodeError:
        return entry.filename
    # Finder's names are decomposed: u and two dots.
    return unicodedata.normalize("NFC", name)


def _unicode_path(extra: bytes, raw: bytes) -> bytes | None:
    """The name in UTF-8 that Info-ZIP and WinRAR put beside it, if it is of this name."""
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<HH", extra)
        content, extra = extra[4 : 4 + length], extra[4 + length :]
        if kind == _UNICODE_PATH and content[1:5] == zlib.crc32(raw).to_bytes(4, "little"):
            return content[5:]
    return None


def _is_wanted(entry: zipfile.ZipInfo) -> bool:
    path = PurePosixPath(_name(entry).replace("\\", "/"))
    is_hidden = any(
        part == "__MACOSX" or (part.startswith(".") and part != "..") for part in path.parts
    )
    suffixes = IMAGE_SUFFIXES | _ARCHIVE_SUFFIXES
    return not entry.is_dir() and not is_hidden and path.suffix.lower() in suffixes


def _check(entry: zipfile.ZipInfo) -> None:
    name = _name(entry)
    path = PurePosixPath(name.replace("\\", "/"))
    if path.suffix.lower() in _ARCHIVE_SUFFIXES:
        raise ArchiveError(_("An archive in an archive is not opened."), _("Unpack it first."))
    # On Windows C:x leads out; "Screenshot at 10:30.png" is a name.
    if path.is_absolute() or ".." in path.parts or name[1:2] == ":":
        raise ArchiveError(_("Its path leads out of the folder."), _("Pack the folder anew."))
    if entry.flag_bits & _ENCRYPTED:
        raise ArchiveError(_("It is encrypted."), _("Pack it without a password."))
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise ArchiveError(_("It is a link, not an image."), _("Pack the image itself."))
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        # LZMA takes as much memory as the entry asks for.
        raise ArchiveError(
            _("It is packed in a rare way."), _("Use an ordinary (deflated) ZIP file.")
        )


def _too_many(limits: ArchiveLimits) -> ArchiveError:
    return ArchiveError(
        _("The ZIP file has more than {max_entries} entries.", max_entries=limits.max_entries),
        _("Use several smaller ones."),
    )
