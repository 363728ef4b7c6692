"""Many images: run them in the background, look through the results, export them."""

from contextlib import nullcontext
from typing import cast

import streamlit as st

from dashboard import controls, frame, images, paper, state
from dashboard.answers import (
    address,
    config,
    is_starting,
    labels_shown,
    served,
    served_version,
    stored_answers,
)
from dashboard.batch import cards, choose, exports, filters, progress, report, results
from dashboard.batch.job import Job
from dashboard.files import ImageFile
from detector.batch.run import read_source
from detector.errors import ImageError, ServingError
from detector.translation import _

POLL_S = 1.0


def show() -> None:
    """The whole page."""
    controls.from_address(config().labels)
    if state.read(state.Batch).job is None:
        choose.open_with_gallery()
    batch = state.read(state.Batch)
    job = cast(Job | None, batch.job)
    if job is not None:
        _open_in_detect(job)
        _open_in_thresholds()
    with st.container():  # whatever it has: the results keep their place, and never stand twice
        choose.show()
    if job is None:
        controls.carry(config().labels)
        return
    if batch.go_on:
        _begin(job)
    # While it runs the results are drawn again every second; a fragment's timer is fixed when it is
    # made.
    polls = job.is_running
    frame.fragment(_results, run_every=POLL_S if polls else None)(job, polls)


def _open_in_detect(job: Job) -> None:
    """Go to Detect with the image whose card was clicked, if one was.

    Here, in a run of the whole page: what a fragment still draws when it leaves the page reaches
    the next one, which may go blank by it.
    """
    index = state.read(state.Batch).opened
    if index is None:
        return
    state.update(state.Batch, opened=None)
    source = job.sources[index]
    try:
        images.open_in_detect(ImageFile.of(source.name, read_source(source)))
    except ImageError as error:
        frame.show_error(error)
    else:
        st.switch_page("app.py")


@frame.callback
def _evaluate(job: Job) -> None:
    """Callback: the batch's images become the many of Thresholds."""
    state.update(
        state.ImageSets,
        many_files=f"batch {job.started}",
        many_sources=(job.sources, ()),
        many=None,
    )
    state.set_widget("scope", "many")
    state.set_widget("tab", "Curves")
    state.update(state.Batch, evaluates=True)


def _open_in_thresholds() -> None:
    if state.read(state.Batch).evaluates:
        state.update(state.Batch, evaluates=False)
        st.switch_page("pages/1_Thresholds.py")


def _begin(job: Job) -> None:
    """Start the job, or where the model server does not answer say so and try again."""
    try:
        with st.spinner(_("Starting the model server…")) if is_starting() else nullcontext():
            where = address()
            version = served_version()
    except ServingError as error:
        frame.show_error(error)
        st.caption(_("The batch begins by itself as soon as the model server answers."))
        frame.try_again()
        return
    state.update(state.Batch, go_on=False)
    job.go_on(served(where), config(), stored_answers(where, version))


def _results(job: Job, polls: bool) -> None:
    """Progress, cards, summary and exports. A fragment: a setting or the timer redraws no more."""
    batch = state.read(state.Batch)
    if batch.opened is not None or batch.evaluates:
        st.rerun()  # the page opens it
    labels, names = config().labels, labels_shown()
    is_running = job.is_running
    progress.show(job, is_running)
    done = job.results
    progress.show_errors(done)
    with st.container(horizontal=True, vertical_alignment="bottom", key="batch_filter"):
        chosen = filters.choose(labels)
        export = st.popover(
            _("Export all"),
            icon=":material/download:",
            key="batch_export",
            on_change="rerun",
            # Each redraw makes the files' addresses anew, and the timer redraws every second.
            disabled=polls,
            help=_("When it is done or stopped.") if polls else None,
        )
        take_home = st.container(width="content")  # by settings that come further down
        st.button(
            _("Evaluate"),
            icon=":material/tune:",
            key="batch_evaluate",
            disabled=polls,
            help=_("Count over these images on Thresholds; ground truth is added there."),
            on_click=_evaluate,
            args=(job,),
        )
    with st.container(key="batch_results"):
        left, right = st.columns([8, 5], gap="medium")
    with right:
        settings = controls.show_all(labels)
        if settings.tiles is not job.tiling:
            choose.start_again()
            st.rerun()
    detections = results.postprocessed(job, done, settings)
    with left:
        paper.settings(settings, names)
        views = chosen.views(done, detections)
        cards.show(views, has_any=bool(done), labels=names)
    with take_home:
        report.offer(job, done, views, detections, settings, disabled=polls or not done)
    with right:
        results.show_summary(done, detections, settings, names)
    if export.open and done:
        with export:
            exports.show(job, done, detections, settings, labels)
    if polls and not is_running:
        st.rerun()  # the timer has done its work
