"""The images that a command is given: files, and what is in folders and ZIP files."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from detector.batch.archives import Archive
from detector.batch.folder import SUFFIX
from detector.batch.run import Source, file_source, images_in
from detector.config import Config
from detector.errors import ImageError
from detector.translation import _


def sources_at(
    names: Sequence[str], config: Config, stack: ExitStack, out: Path | None = None
) -> list[Source]:
    """The images of the command line: files, and what is in folders and ZIP files.

    Args:
        out: of the folders, what an earlier run wrote there is left out.
    """
    found: list[Source] = []
    limits = config.image_limits
    for name in names:
        path = Path(name)
        try:
            if path.is_dir():
                inside = [file for file in images_in(path) if not _is_written(file, out)]
                found += [file_source(image, limits) for image in inside]
                if not inside:
                    raise ImageError(_("there are no images in this folder"), ImageError.hint)
            elif path.suffix.lower() == ".zip":
                found += stack.enter_context(Archive(path, limits, name=name)).sources
            else:
                found.append(file_source(path, limits, name))
        except ImageError as error:
            found.append(refused(name, error))
        except ValueError:  # A null character in the path.
            found.append(file_source(path, limits, name))
    return found


def _is_written(file: Path, out: Path | None) -> bool:
    return out is not None and file.name.endswith(SUFFIX) and file.parent.resolve() == out.resolve()


def refused(name: str, error: ImageError) -> Source:
    """A source whose reading is this error."""

    def read() -> bytes:
        raise error

    return Source(name, read)
