"""Many images: average precision against how much they are altered."""

import hashlib
import math

import numpy as np
import streamlit as st

from dashboard import answers, controls, frame, ground_truth, state, whole_sets
from dashboard.answers import config, labels_shown
from dashboard.files import ImageFile
from dashboard.ground_truth import GroundTruthSet, JudgedImage
from dashboard.robustness import altered, knobs
from dashboard.robustness.knobs import Swept
from dashboard.robustness.measuring import MeasuredImage, Measuring
from detector import robustness, ssd
from detector.alterations import Floats, Knob
from detector.answers import Answer
from detector.batch.run import Source
from detector.drawing import charts
from detector.evaluation.ground_truth import GroundTruth
from detector.robustness import Precisions
from detector.translation import _, plural

POLL_S = 0.5
MAX_KEPT = 4  # runs a session, of 500 images some 40 MB each
NEAR = 0.05  # of mAP: less is within what another set of images would change
MAX_TOLD = 3  # files that could not be read


def show(answer: Answer, swept: Swept) -> None:
    """The section.

    Args:
        answer: a live one: its version of the model is measured.
        swept: what is swept over.
    """
    st.header(_("Many images"), anchor=False)
    st.caption(
        _(
            "The same sweep over many images with ground truth: mean average precision (mAP) at"
            " each level of the knob that is swept over above. The ground truth is turned, made"
            " smaller and cut with the images."
        )
    )
    files = whole_sets.choose(_("Images to measure over"), "robust_images")
    kept = state.read(state.Robustness).measured
    running = any(each.is_running for each in kept.values())
    # A fragment's timer is fixed when it is made.
    frame.fragment(_section, run_every=POLL_S if running else None)(answer, files, swept, running)


def _section(answer: Answer, files: list[ImageFile], swept: Swept, polls: bool) -> None:
    kept = state.read(state.Robustness).measured
    if any(each.is_running for each in kept.values()) != polls:
        st.rerun()  # with the timer, or without
    settings = controls.kept()
    key = _key(answer, files, swept, settings)
    found: Measuring | None = kept.get(key)
    with st.container(horizontal=True, vertical_alignment="center", key="robust_progress"):
        _switch(answer, files, swept, settings, found)
    if found is None:
        return
    if found.error is not None:
        frame.show_error(found.error)
    if found.error_id:
        frame.show_unexpected(found.error_id)
    for name, error in found.refused[:MAX_TOLD]:
        refused = state.RefusedFile(name, str(error), error.hint)
        st.warning(frame.refused_line(refused), icon=":material/broken_image:")
    if not found.is_running and found.images:
        _curves(key, swept, found)


def _key(answer: Answer, files: list[ImageFile], swept: Swept, settings: ssd.Settings) -> str:
    model = answer.model
    parts = [answers.address(), model.name, str(model.version), swept.knob.name, swept.base.key]
    parts += [str(settings.iou_threshold), *(f"{file.name} {file.digest}" for file in files)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _switch(
    answer: Answer,
    files: list[ImageFile],
    swept: Swept,
    settings: ssd.Settings,
    found: Measuring | None,
) -> None:
    """The bar, and the button that begins, ends or goes on."""
    total = len(files)
    if found is not None and (found.is_running or found.count < total):
        st.progress(
            found.count / total,
            _("{count} of {total} images", count=found.count, total=total),
        )
    if found is not None and found.is_running:
        on_click = frame.callback(found.stop)
        st.button(_("Stop"), icon=":material/stop_circle:", key="robust_stop", on_click=on_click)
    elif found is not None and found.count < total:
        on_click = frame.callback(found.go_on)
        st.button(_("Go on"), icon=":material/play_arrow:", key="robust_on", on_click=on_click)
    elif found is None and total:
        name = knobs.label(swept.knob)
        label = plural(
            "Measure {count} image over {knob}", "Measure {count} images over {knob}", total,
            knob=name,
        )  # fmt: skip
        st.button(
            label,
            type="primary",
            icon=":material/play_arrow:",
            key="robust_measure",
            on_click=_begin,
            args=(answer, files, swept, settings),
        )


@frame.callback
def _begin(answer: Answer, files: list[ImageFile], swept: Swept, settings: ssd.Settings) -> None:
    kept = dict(state.read(state.Robustness).measured)
    for other in kept.values():
        other.stop()
    measuring = Measuring(
        [Source(file.name, file.read) for file in files],
        swept.alterations,
        altered.model(answer),
        settings,
        config(),
        answers.stored_answers(answers.address(), answer.model.version, answer.model.name),
        frame.report,
    )
    measuring.go_on()
    kept[_key(answer, files, swept, settings)] = measuring
    state.update(state.Robustness, measured=dict(list(kept.items())[-MAX_KEPT:]))


def _curves(key: str, swept: Swept, measuring: Measuring) -> None:
    images, knob = measuring.images, swept.knob
    truth = _truth(images)
    if truth is None:
        return
    with_truth = [image for image in images if image.name in truth.by_image]
    if not with_truth:
        st.info(_("None of these images has ground truth."), icon=":material/data_object:")
        return
    found = _precisions(key, len(images), truth.key, with_truth, truth, swept)
    usual = knob.levels.index(knob.usual)
    labels = labels_shown()
    st.subheader(_verdict(knob, found.mean, len(with_truth)), anchor=False)
    of_classes: dict[int | None, Floats] = {None: found.mean} | {
        class_id: found.by_class[:, class_id]
        for class_id in range(1, len(labels))
        if found.objects[usual, class_id]
    }
    st.plotly_chart(
        charts.precision_against(
            of_classes,
            [knobs.tick(knob, level) for level in knob.levels],
            knobs.axis(knob),
            labels,
            usual=usual,
        ),
        key="robust_curves",
        config=charts.CONFIG,
        alt=_("Average precision against how much the images are altered."),
    )
    _tell_cropped(knob, found)
    counted = [truth.by_image[image.name] for image in with_truth]
    ground_truth.tell_unread(counted, len(truth.not_counted))


def _truth(images: list[MeasuredImage]) -> GroundTruthSet | None:
    return whole_sets.truth_of(
        [JudgedImage(image.name, image.digest, image.size) for image in images],
        _("There is no ground truth for these images: nothing can be measured."),
    )


@st.cache_resource(show_spinner=False, scope="session", max_entries=8)
def _precisions(
    key: str,
    count: int,
    truth_key: str,
    _images: list[MeasuredImage],
    _truth: GroundTruthSet,
    _swept: Swept,
) -> Precisions:
    pairs: list[tuple[GroundTruth, tuple[ssd.Detections, ...]]] = [
        (_truth.by_image[image.name], image.found) for image in _images
    ]
    return robustness.precisions(pairs, _swept.alterations, len(config().labels))


def _verdict(knob: Knob, mean: Floats, image_count: int) -> str:
    """How far mAP stays near what it is unaltered, and what it is at the worst."""
    unaltered = knob.levels.index(knob.usual)
    usual = mean[unaltered]
    if math.isnan(usual):
        return _("Nothing to measure")
    worst = int(np.nanargmin(mean))
    far = np.flatnonzero(mean < usual - NEAR)  # NaN is not
    low = max(far[far < unaltered], default=-1) + 1
    high = min(far[far > unaltered], default=len(mean)) - 1
    return plural(
        "{knob}: mAP over {count} image stays within {near} of {usual} from {between}; at the"
        " worst, {level}, it is {worst}",
        "{knob}: mAP over {count} images stays within {near} of {usual} from {between}; at the"
        " worst, {level}, it is {worst}",
        image_count,
        knob=knobs.label(knob),
        near=f"{NEAR:g}",
        between=knobs.between(knob, knob.levels[low], knob.levels[high]),
        usual=f"{usual:.3f}",
        worst=f"{mean[worst]:.3f}",
        level=knobs.in_words(knob, knob.levels[worst]),
    )


def _tell_cropped(knob: Knob, found: Precisions) -> None:
    """How many objects the alteration takes out of the pictures."""
    objects = found.objects.sum(axis=1)
    usual, fewest = int(objects[knob.levels.index(knob.usual)]), int(objects.min())
    if fewest == usual:
        return
    level = knobs.in_words(knob, knob.levels[int(objects.argmin())])
    st.caption(
        _(
            ":material/crop: Objects of which less than {part} is left in the picture do not count:"
            " at {level}, {left} of {count} objects are left to find.",
            part=f"{robustness.LEAST_LEFT:.0%}",
            level=level,
            left=fewest,
            count=usual,
        )
    )
