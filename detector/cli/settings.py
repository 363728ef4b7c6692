"""The tiles and the post-processing that a command is told."""

import argparse
import dataclasses

from detector.config import Config
from detector.errors import ThresholdsError
from detector.formats.thresholds import read_thresholds
from detector.ssd import Settings
from detector.tiling import Tiling
from detector.translation import _


def settings_of(options: argparse.Namespace, config: Config) -> Settings:
    """Those of the command line; else those of --thresholds; else the defaults."""
    settings = Settings(
        iou_threshold=options.iou,
        class_agnostic=options.class_agnostic,
        top_k=options.top_k,
        tiles=Tiling(options.tiles),
    )
    if options.thresholds is not None:
        try:
            point = read_thresholds(options.thresholds.read_bytes(), config.labels)
        except OSError as error:
            raise ThresholdsError(
                _(
                    "{thresholds} cannot be read: {reason}",
                    thresholds=options.thresholds,
                    reason=error.strerror,
                ),
                _("Check the path."),
            ) from error
        settings = point.apply(settings)
    if options.score is not None:
        settings = dataclasses.replace(settings, score_threshold=options.score)
    return settings
