"""ZIP files of ground truth or results: what is in them, one by one, nothing unpacked to disk.

Who made the ZIP file is not trusted: bounds hold for what is really read. Images in it are passed
over, so a whole data set can be brought as it is.
"""

import io
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import PurePosixPath

from detector.errors import GroundTruthError
from detector.formats.class_lists import is_called_so
from detector.translation import _

# File name -> content, in the order in which they were given. Two may have one name.
Files = Iterable[tuple[str, bytes]]

SUFFIXES = frozenset({".json", ".xml", ".txt", ".names", ".labels", ".yaml", ".yml"})
# Lists of class names may be in these: not read, but it must be known that there is one.
_OTHER_LISTS = frozenset({".csv", ".tsv", ".pbtxt", ".toml"})
MAX_FILES = 50_000
MAX_BYTES = 2**28  # of all together, unpacked

_ENCRYPTED = 0x1
_IN_UTF8 = 0x800
# What zipfile raises of a damaged file.
DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    OSError,
    RuntimeError,
    ValueError,
    LookupError,
)


def is_zip(name: str, data: bytes) -> bool:
    """Whether a file is a ZIP file, by its ending and by its beginning."""
    return name.lower().endswith(".zip") and data.startswith(b"PK")


def unpacked(
    name: str, data: bytes, suffixes: frozenset[str] = SUFFIXES
) -> list[tuple[str, bytes]]:
    """The files of ground truth in a ZIP file, each named by its path in it.

    All or none: without its list of class names, a YOLO text says something else.

    Args:
        name: the ZIP file's; stands before each path as a folder.
        suffixes: the endings of what is wanted.

    Raises:
        GroundTruthError: it cannot be read, or holds too much.
    """
    left, found = MAX_BYTES, []
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = [entry for entry in archive.infolist() if _is_wanted(entry, suffixes)]
            if len(entries) > MAX_FILES:
                message = _("the ZIP file has more than {count} files", count=MAX_FILES)
                raise GroundTruthError(message, _("Use several smaller ones."))
            for entry in entries:
                if entry.flag_bits & _ENCRYPTED:
                    message = _("{file} is encrypted", file=entry.filename)
                    raise GroundTruthError(message, _("Pack it without a password."))
                if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                    message = _("{file} is packed in a rare way", file=entry.filename)
                    raise GroundTruthError(message, _("Use an ordinary (deflated) ZIP file."))
                with archive.open(entry) as file:
                    content = file.read(left + 1)
                left -= len(content)
                if left < 0:
                    size = MAX_BYTES // 2**20
                    message = _("the ZIP file unpacks to more than {size} MiB", size=size)
                    raise GroundTruthError(message, _("Use several smaller ones."))
                found.append((f"{name}/{_name_of(entry)}", content))
    except DAMAGED as error:
        message = _("this is not a ZIP file that can be read: {fault}", fault=error)
        raise GroundTruthError(message, _("Pack it anew.")) from error
    return found


def _is_wanted(entry: zipfile.ZipInfo, suffixes: frozenset[str]) -> bool:
    path = PurePosixPath(entry.filename.replace("\\", "/"))
    is_hidden = any(part == "__MACOSX" or part.startswith(".") for part in path.parts)
    is_list = path.suffix.lower() in _OTHER_LISTS and is_called_so(path.name)
    is_wanted = path.suffix.lower() in suffixes or is_list
    return is_wanted and not entry.is_dir() and not is_hidden


def _name_of(entry: zipfile.ZipInfo) -> str:
    """The path, also where a program wrote UTF-8 and did not say so, as Finder does."""
    if entry.flag_bits & _IN_UTF8:
        return entry.filename
    try:
        return entry.filename.encode("cp437").decode()
    except UnicodeError:
        return entry.filename
