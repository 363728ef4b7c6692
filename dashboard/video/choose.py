"""Which video is looked at, and how many of its frames."""

import math
import tempfile
from pathlib import Path

import streamlit as st
from PIL import Image
from streamlit.runtime.uploaded_file_manager import UploadedFile

from dashboard import frame, images, media, state
from dashboard.answers import config
from dashboard.background import Guard
from dashboard.files import ImageFile
from dashboard.video.watching import Watching
from detector.drawing.video import pan, write_mp4
from detector.errors import ImageError
from detector.translation import _
from detector.video import MAX_FRAMES, MAX_SECONDS, VideoFacts, read_facts

KINDS = ("mp4", "m4v", "mov", "webm", "mkv")
# Frames that are looked at in a second, unless the visitor wants others.
USUAL_RATE = 5
RATES = (1, 2, 5, 10, 0)  # 0: every frame
SAMPLE_SIZE, SAMPLE_S, SAMPLE_IMAGES = (640, 360), 4.0, 3


def show() -> None:
    """The uploader, and what could not be used. A file that can be used is the session's video."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        file = st.file_uploader(
            _("A video: MP4, MOV or WebM, up to {minutes} minutes", minutes=MAX_SECONDS // 60),
            type=list(KINDS),
            max_upload_size=config().max_upload_mb,
            key="video_upload",
        )
        st.button(
            _("Try a sample"),
            icon=":material/movie:",
            key="video_sample",
            on_click=_use_sample,
            help=_("A camera that moves over images of the gallery."),
        )
    if file is not None and file.file_id != state.read(state.Video).upload:
        _use_upload(file)
    refused = state.read(state.Video).refused
    if refused is not None:
        st.error(frame.refused_line(refused), icon=":material/videocam_off:")


def _use_upload(file: UploadedFile) -> None:
    state.update(state.Video, upload=file.file_id)
    _use(file.name, file.getvalue())
    media.forget_content([file])


@frame.callback
def _use_sample() -> None:
    samples = [sample.file_name for sample in images.samples()[:SAMPLE_IMAGES]]
    opened = [Image.open(config().samples_path / name).convert("RGB") for name in samples]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "sample.mp4")
        write_mp4(path, pan(opened, SAMPLE_SIZE, SAMPLE_S))
        _use("sample.mp4", path.read_bytes())


def _use(name: str, data: bytes) -> None:
    """Make it the session's video; what was there before stays where this one cannot be used."""
    file = ImageFile.of(name, data)
    try:
        facts = read_facts(file.path, config().image_limits)
    except ImageError as error:
        refused = state.RefusedFile(name, str(error), error.hint)
        state.update(state.Video, refused=refused)
        return
    state.update(state.Video, file=file, facts=facts, drawing=None, refused=None, watching=None)
    begin(every_of(USUAL_RATE, facts))


def every_of(rate: int, facts: VideoFacts) -> int:
    """Each so-manieth frame is looked at for that many a second; 0: each. No more than MAX_FRAMES
    in all."""
    wanted = 1 if rate == 0 else max(1, round(facts.rate / rate))
    return max(wanted, math.ceil(facts.frame_count / MAX_FRAMES))


def begin(every: int) -> None:
    """Look at each so-manieth frame; what was answered of the video before still counts."""
    video = state.read(state.Video)
    assert video.file is not None  # there is one whose frames are looked at
    known = [] if video.watching is None else video.watching.frames
    watching = Watching(video.file, video.facts, every, frame.report, known)
    _guard().hold(watching)
    state.update(state.Video, watching=watching, go_on=True)


@st.cache_resource(show_spinner=False, scope="session", max_entries=1, on_release=Guard.release)
def _guard() -> Guard:
    return Guard()
