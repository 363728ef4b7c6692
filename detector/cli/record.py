"""`record`: the model's answers for a gallery, for when no server answers."""

import argparse
import dataclasses
import time
from datetime import date

from detector.answers import Detector, load
from detector.batch.folder import OutputError, digest_of
from detector.batch.run import file_source, images_in
from detector.cli.printing import printing
from detector.cli.server import configured
from detector.errors import ConfigError
from detector.printable import on_one_line
from detector.recorded import FILE_NAME, write_recorded
from detector.serving import ServedModel
from detector.translation import _


def record(options: argparse.Namespace) -> int:
    """Ask each version about each image of a gallery, and write the answers; the exit status.

    Raises:
        LensError: an image, the model server or the output end it.
    """
    options.model = options.model_version = None
    config = configured(options)
    recorded = []
    with Detector(config) as detector, printing():
        model = detector.model()
        versions = _ready_versions(model.served)
        for path in images_in(options.gallery):
            source = file_source(path, config.image_limits)
            image = load(source.read(), config.image_limits)
            for version in versions:
                asked = dataclasses.replace(model, served=model.served.at(version))
                recorded.append((digest_of(source), asked.ask(image)))
            print(on_one_line(str(path)), flush=True)
    if not recorded:
        raise ConfigError(
            _("{folder} has no image", folder=options.gallery), _("Name the gallery's folder.")
        )
    target = options.gallery / FILE_NAME
    try:
        write_recorded(target, recorded, date.today())
    except OSError as error:
        raise OutputError(
            _("{target} cannot be written: {reason}", target=target, reason=error.strerror),
            _("Make room there, or the folder writable."),
        ) from error
    return 0


def _ready_versions(model: ServedModel) -> list[int]:
    """The versions that can be asked. A server that has just started loads one after the other:
    what it has is taken for all when nothing has changed in two seconds."""
    before = None
    while (versions := model.versions()) != before:
        before = versions
        time.sleep(2)
    return [each.version for each in versions if each.state == "AVAILABLE"]
