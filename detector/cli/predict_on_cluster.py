"""`predict --cluster`: the same by the workers of a cluster."""

import argparse
import dataclasses
from contextlib import ExitStack

from detector.batch.manifest import Batch, now
from detector.cli.printing import printing, progress
from detector.cli.server import configured, embedded_address
from detector.cli.settings import settings_of
from detector.cli.status import IMAGES_FAILED
from detector.cluster.errors import check_installed
from detector.errors import ConfigError
from detector.printable import on_one_line
from detector.translation import _


def predict_on_cluster(options: argparse.Namespace) -> int:
    """Detect in the images; the exit status.

    Raises:
        LensError: the settings, the cluster, the model server or the output end the run.
    """
    _check_cluster_options(options)
    check_installed()
    from detector.cluster.places import list_images
    from detector.cluster.run import LOCAL, connected, detect

    config = configured(options)
    batch = Batch(config.model_name, config.labels, settings_of(options, config), started=now())
    if config.server is None and options.cluster != LOCAL:
        raise ConfigError(
            _("the cluster's workers have no model server"),
            _("Give --server an address that all of them reach."),
        )
    images = list_images(options.images)
    with ExitStack() as stack:
        if config.server is None:
            config = config.with_changes(server=embedded_address(config, stack))
        client = stack.enter_context(connected(options.cluster))
        write = stack.enter_context(progress(len(images)))
        totals = detect(
            client,
            images,
            options.out,
            batch,
            config,
            part_size=options.part_size,
            any_version=options.any_version,
            on_done=lambda count, before: (write.skip if before else write.several)(count),
        )
    with printing():
        print(
            _(
                "{images} images: {detections} objects, {failed} images failed; {parts} parts in"
                " {out}",
                out=on_one_line(options.out),
                **dataclasses.asdict(totals),
            )
        )
    return IMAGES_FAILED if totals.failed else 0


def _check_cluster_options(options: argparse.Namespace) -> None:
    """Raises ConfigError where one is given that --cluster does not go with, or lacks."""
    if options.out is None:
        raise ConfigError(
            _("--cluster writes to the folder of --out"), _("Give --out a path or a URL.")
        )
    names = ("resume", "export", "no_images", "json", "ground_truth", "class_names")
    if given := [f"--{name.replace('_', '-')}" for name in names if getattr(options, name)]:
        raise ConfigError(
            _("{options} cannot be given with --cluster", options=", ".join(given)),
            _("Leave it out: results are in the folder of --out, and a run goes on by itself."),
        )
