"""Many images at once, for a measure: the gallery, what was uploaded, or the images of Batch; and
their ground truth."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

import streamlit as st

from dashboard import frame, ground_truth, images, state
from dashboard.files import ImageFile
from dashboard.ground_truth import GroundTruthSet, JudgedImage
from detector.errors import GroundTruthError, ImageError
from detector.translation import _

MOST_OF_BATCH = 500


def choose(label: str, key: str) -> list[ImageFile]:
    """The images to measure over: the gallery, what was uploaded, or the images of a batch; and for
    what is not the gallery, its ground truth.

    Args:
        label: of the choice.
        key: of its widget.
    """
    uploads = state.read(state.Uploads).files
    of_batch = images.of_batch()
    choices = {"gallery": _("The gallery")}
    if uploads:
        choices["uploads"] = _("All uploads")
    if of_batch:
        choices["batch"] = _("The images of Batch")
    if len(choices) == 1:
        return images.gallery()
    chosen = st.segmented_control(
        label,
        list(choices),
        default=list(choices)[1],
        required=True,
        key=key,
        format_func=choices.__getitem__,
    )
    if chosen == "gallery":
        return images.gallery()
    ground_truth.choose()
    if chosen == "batch":
        return _batch_files(of_batch)
    return [image.named(name) for name, image in uploads.items()]


def _batch_files(of_batch: Mapping[str, Callable[[], ImageFile]]) -> list[ImageFile]:
    """The first of the batch's images, each read once. One that cannot be read is left out."""
    if len(of_batch) > MOST_OF_BATCH:
        st.warning(
            _(
                "Only the first {most} of {count} images are taken.",
                most=MOST_OF_BATCH,
                count=len(of_batch),
            ),
            icon=":material/filter_list:",
        )
    names = tuple(of_batch)[:MOST_OF_BATCH]
    batch = state.read(state.Batch).job
    kept_batch, kept = state.read(state.WholeSet).of_batch
    files = dict(kept) if kept_batch is batch else {}
    for name in names:
        if name not in files:  # while the batch runs there are more each time
            with suppress(ImageError):
                files[name] = of_batch[name]().named(name)
    state.update(state.WholeSet, of_batch=(batch, files))
    return [files[name] for name in names if name in files]


def truth_of(judged: Sequence[JudgedImage], without: str) -> GroundTruthSet | None:
    """The ground truth of these images; None where there is none, which is told.

    Args:
        without: what to say where there is none.
    """
    try:
        truth = ground_truth.of_images(tuple(judged))
    except GroundTruthError as error:
        st.error(f"**{frame.plain(str(error))}** {frame.plain(_(error.hint))}")
        return None
    if truth is None or not truth.by_image:
        st.info(without, icon=":material/data_object:")
        return None
    return truth
