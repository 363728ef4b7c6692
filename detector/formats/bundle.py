"""Many files as one ZIP, and names for them. The same files give the same bytes."""

import io
import re
import zipfile
from collections.abc import Collection, Iterable, Mapping
from pathlib import PurePosixPath

# Names that no file can have on Windows, whatever the ending.
_WINDOWS_DEVICES = {"con", "prn", "aux", "nul"} | {
    f"{port}{number}" for port in ("com", "lpt") for number in range(1, 10)
}


def to_zip(files: Mapping[str, bytes]) -> bytes:
    """A ZIP of the files in the given order, all dated 1980, so that the same files give the same.

    PNGs are stored as they are; the rest is compressed.
    """
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = 0o644 << 16
            entry.create_system = 3  # Unix, whatever the machine.
            if not name.endswith(".png"):
                entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)
    return file.getvalue()


def unique_stems(file_names: Iterable[str], taken: Collection[str] = ()) -> list[str]:
    """A name for each file without folder and ending, no two alike, safe in every file system.

    The second "photo" becomes "photo-2". Upper and lower case count as alike, as on Windows and
    macOS.

    Args:
        taken: stems that must not be given out.
    """
    used = {name.casefold() for name in taken}
    numbers: dict[str, int] = {}  # the last that a stem got: of thousands alike none is tried twice
    stems = []
    for file_name in file_names:
        stem = PurePosixPath(file_name.replace("\\", "/")).stem
        # Also drops control characters, lone surrogates, and the dots and spaces Windows drops.
        stem = re.sub(r'[\x00-\x1f\x7f<>:"|?*/\ud800-\udfff]', "_", stem).strip(" .") or "image"
        # In bytes, as file systems count; with room for a number and an ending.
        stem = stem.encode()[:200].decode(errors="ignore")
        if stem.split(".")[0].casefold() in _WINDOWS_DEVICES:
            stem = f"_{stem}"
        candidate, number = stem, numbers.get(stem.casefold(), 1)
        while candidate.casefold() in used:
            number += 1
            candidate = f"{stem}-{number}"
        used.add(candidate.casefold())
        numbers[stem.casefold()] = number
        stems.append(candidate)
    return stems
