"""What a batch is of: files, ZIP files, or the gallery."""

from collections.abc import Sequence
from contextlib import suppress

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from dashboard import controls, frame, images, state
from dashboard.answers import config
from dashboard.background import Guard
from dashboard.batch.job import Job
from detector.batch.archives import sources_of
from detector.batch.run import Source
from detector.errors import ConfigError, ImageError
from detector.translation import _, plural


def show() -> None:
    """The uploader, the buttons that start a batch, and what could not be used of the last choice.

    A started batch is the session's job; the page runs it.
    """
    batch = state.read(state.Batch)
    images.bring("batch_upload")
    with st.container(key="batch_choice", horizontal=True, vertical_alignment="bottom"):
        files = st.file_uploader(
            _("Images, hundreds if you like, or ZIP files of them"),
            accept_multiple_files=True,
            max_upload_size=int(st.get_option("server.maxUploadSize")),
            key="batch_upload",
        )
        if files:
            is_again = tuple(file.file_id for file in files) == batch.files
            st.button(
                plural("Run {count} file again", "Run {count} files again", len(files))
                if is_again
                else plural("Run {count} file", "Run {count} files", len(files)),
                type="secondary" if is_again else "primary",
                icon=":material/play_arrow:",
                key="batch_run",
                on_click=_start_files,
                args=(files,),
            )
        st.button(
            _("Run the gallery"),
            type="primary" if batch.job is None and not files else "secondary",
            icon=":material/photo_library:",
            key="batch_gallery_run",
            on_click=_start_gallery,
        )
    if not batch.files:
        st.caption(
            _(
                "The gallery is run as an example. Results appear while it runs. Then move the"
                " thresholds, sort and filter, open an image in Detect, and export all: CSV, COCO,"
                " Pascal VOC, YOLO, annotated images."
            )
            + "\n\n"
            + _(
                "Images go to this dashboard and its model server, and nowhere else. "
                "Folders and larger archives: `python -m detector predict FOLDER`."
            )
        )
    if batch.refused:
        told = "  \n".join(map(frame.refused_line, batch.refused))
        st.error(told, icon=":material/folder_off:")
    if batch.gallery_error is not None:
        frame.show_error(batch.gallery_error)


@frame.callback
def _start_files(files: Sequence[UploadedFile]) -> None:
    """Callback: begin with these files."""
    sources: list[Source] = []
    refused = []
    limits = config().image_limits
    for file in files:
        try:
            # The uploader's own bytes: neither BytesIO nor a source copies them.
            sources += sources_of(file.name, file.getvalue(), limits)
        except ImageError as error:
            refused.append(state.RefusedFile(file.name, str(error), error.hint))
    _start(sources, tuple(file.file_id for file in files))
    state.update(state.Batch, refused=tuple(refused))


@frame.callback
def _start_gallery() -> None:
    """Callback: begin with the gallery."""
    try:
        _start(_gallery())
    except ConfigError as error:
        state.update(state.Batch, gallery_error=error.with_traceback(None))


def open_with_gallery() -> None:
    """Begin with the gallery, so that there is something to look at from the first moment; one that
    cannot be read is an error for those who ask for it."""
    with suppress(ConfigError):
        _start(_gallery())


def start_again() -> None:
    """Begin again with the same images, since they are to be looked at with other tiles; what is
    known of them is not asked again."""
    batch = state.read(state.Batch)
    if batch.job is not None:
        _start(batch.job.sources, batch.files)


def _gallery() -> list[Source]:
    """The gallery's images. Raises ConfigError."""
    samples = images.samples()
    folder = config().samples_path
    return [Source(sample.file_name, (folder / sample.file_name).read_bytes) for sample in samples]


def _start(sources: Sequence[Source], files: tuple[str, ...] = ()) -> None:
    """Make these the session's job, where there are any; the job before is stopped."""
    state.update(state.Batch, files=files, refused=(), gallery_error=None)
    if not sources:
        return
    job = Job(sources, frame.report, controls.kept().tiles)
    _guard().hold(job)
    state.update(state.Batch, job=job, go_on=True)
    state.set_widget("batch_page", 1)


@st.cache_resource(show_spinner=False, scope="session", max_entries=1, on_release=Guard.release)
def _guard() -> Guard:
    return Guard()
