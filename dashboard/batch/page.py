"""Many images: run them in the background, look through the results, export them."""

from contextlib import nullcontext

import streamlit as st

from dashboard import controls, frame, images
from dashboard.answers import Picture, address, client, config, embedded, served_version
from dashboard.batch import cards, choose, exports, filters, progress, results
from dashboard.batch.job import Job
from detector.batch.run import read_source
from detector.errors import ImageError, ServingError

POLL_S = 1.0


def show() -> None:
    """The whole page."""
    job: Job | None = st.session_state.get("batch_job")
    if job is not None:
        _open_in_detect(job)
    choose.show()
    if job is None:
        return
    if st.session_state.get("batch_go_on"):
        _begin(job)
    # While it runs the results are drawn again every second; a fragment's timer is fixed when it is
    # made.
    polls = job.is_running
    st.fragment(_results, run_every=POLL_S if polls else None)(job, polls)


def _open_in_detect(job: Job) -> None:
    """Go to Detect with the image whose card was clicked, if one was.

    Here, in a run of the whole page: what a fragment still draws when it leaves the page reaches
    the next one, which may go blank by it.
    """
    index: int | None = st.session_state.pop("batch_open", None)
    if index is None:
        return
    source = job.sources[index]
    try:
        images.open_in_detect(Picture(source.name, read_source(source)))
    except ImageError as error:
        frame.show_error(error)
    else:
        st.switch_page("app.py")


def _begin(job: Job) -> None:
    """Start the job, or where the model server does not answer say so and try again."""
    server = embedded()
    is_starting = server is not None and server.state != "running"
    try:
        with st.spinner("Starting the model server…") if is_starting else nullcontext():
            where = address()
            served_version()
    except ServingError as error:
        frame.show_error(error)
        st.caption("The batch begins by itself as soon as the model server answers.")
        frame.try_again()
        return
    st.session_state["batch_go_on"] = False
    job.go_on(client(where), config())


def _results(job: Job, polls: bool) -> None:
    """Progress, cards, summary and exports. A fragment: a setting or the timer redraws no more."""
    if "batch_open" in st.session_state:
        st.rerun()  # the page opens it
    labels = config().labels
    is_running = job.is_running
    progress.show(job, is_running)
    done = job.results
    progress.show_errors(done)
    with st.container(horizontal=True, vertical_alignment="bottom", key="batch_filter"):
        chosen = filters.choose(labels)
        export = st.popover(
            "Export all",
            icon=":material/download:",
            key="batch_export",
            on_change="rerun",
            # Each redraw makes the files' addresses anew, and the timer redraws every second.
            disabled=polls,
            help="When it is done or stopped." if polls else None,
        )
    left, right = st.columns([8, 5], gap="medium")
    with right:
        settings = controls.settings(labels)
    detections = results.postprocessed(job, done, settings)
    with left:
        cards.show(chosen.views(done, detections), has_any=bool(done), labels=labels)
    with right:
        results.show_summary(done, detections, settings, labels)
    if export.open and done:
        with export:
            exports.show(job, done, detections, settings, labels)
    if polls and not is_running:
        st.rerun()  # the timer has done its work
