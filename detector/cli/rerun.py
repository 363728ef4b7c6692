"""`rerun`: a run again from its manifest, compared with what it gave."""

import argparse
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

from detector.batch.folder import digest_of
from detector.batch.manifest import ManifestError, Result, compare, read_manifest
from detector.batch.run import Source, file_source
from detector.cli.printing import printing, progress
from detector.cli.server import configured, detected
from detector.cli.sources import refused, sources_at
from detector.cli.status import IMAGES_FAILED
from detector.config import Config
from detector.errors import ImageError
from detector.printable import on_one_line, printable
from detector.translation import _


def rerun(options: argparse.Namespace) -> int:
    """Repeat the run of a manifest and print what is otherwise; the exit status.

    Raises:
        LensError: the manifest, the settings, the model server or the output end the run.
    """
    where = str(options.manifest)
    try:
        before = read_manifest(options.manifest.read_bytes(), where)
    except OSError as error:
        raise ManifestError(
            _("{where} cannot be read: {reason}", where=where, reason=error.strerror),
            _("Check it."),
        ) from error
    options.model, options.model_version = before.model_name, None
    config = configured(options).with_changes(labels=before.labels, version_label=None)
    after: list[Result | None] = [None] * len(before.results)
    with ExitStack() as stack:
        sources = _sources_again(before.results, options.images, config, stack)
        write = stack.enter_context(progress(len(sources)))
        # Each image by the version that answered then; files that were bad by any.
        by_version: dict[int | None, list[int]] = {}
        for index, result in enumerate(before.results):
            version = None if result.found is None else result.found.model_version
            by_version.setdefault(version or None, []).append(index)
        for version, indices in by_version.items():
            asked = config.with_changes(model_version=version)
            chosen = [sources[index] for index in indices]
            with detected(chosen, asked, before.settings.tiles) as results:
                for done in results:
                    after[indices[done.index]] = Result.of(done, before.settings)
                    write("")
    now_found = [result for result in after if result is not None]
    differences, most = compare(before.results, now_found)
    count, same = len(before.results), len(before.results) - len(differences)
    with printing():
        for difference in differences:
            print(f"{on_one_line(difference.name)}: {printable(difference.what)}")
        print(
            _(
                "{same} of {count} images are the same, their scores to within {most}",
                same=same,
                count=count,
                most=f"{most:.2g}",
            )
        )
    return IMAGES_FAILED if differences else 0


def _sources_again(
    results: Sequence[Result], places: Sequence[str], config: Config, stack: ExitStack
) -> list[Source]:
    """The images of a manifest: by their names, or by their content among those given."""
    limits = config.image_limits
    if places:
        by_digest: dict[str, Callable[[], bytes]] = {}
        for source in sources_at(places, config, stack):
            with suppress(ImageError, OSError):
                by_digest.setdefault(digest_of(source), source.read)
        gone = refused("", ImageError(_("not among the given images"), _("Name more folders.")))
        return [Source(r.name, by_digest.get(r.digest, gone.read)) for r in results]
    archives: dict[Path, dict[str, Source]] = {}
    found = []
    for result in results:
        path = Path(result.name)
        inside = [parent for parent in path.parents if parent.suffix.lower() == ".zip"]
        archive = next((parent for parent in inside if parent.is_file()), None)
        if archive is None:
            found.append(file_source(path, limits, result.name))
            continue
        if archive not in archives:
            listed = sources_at([str(archive)], config, stack)
            archives[archive] = {source.name: source for source in listed}
        missing = refused(result.name, ImageError(_("no longer in the ZIP file"), _("Check it.")))
        found.append(archives[archive].get(result.name, missing))
    return found
