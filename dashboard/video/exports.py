"""What was found in a video as files: a table and COCO with times, and the video with its boxes."""

from collections.abc import Sequence

import streamlit as st

from dashboard import frame, state
from dashboard.answers import config
from dashboard.video.watching import Drawing, SeenFrame
from detector.formats.coco import to_coco
from detector.formats.detected import DetectedImage
from detector.formats.tables import to_csv
from detector.ssd import Settings, postprocess
from detector.translation import _, carried

POLL_S = 1.0


def show(
    video: state.Video, frames: Sequence[SeenFrame], settings: Settings, *, more_come: bool
) -> None:
    """The downloads, in a row.

    Args:
        more_come: frames are still being answered.
    """
    if not frames:
        return
    labels = config().labels
    file, facts = video.file, video.facts
    assert file is not None  # its frames are there

    def found() -> list[DetectedImage]:
        return [
            DetectedImage(
                file.name,
                facts.size,
                postprocess(each.raw, settings, facts.size),
                each.model.name,
                each.model.version,
                settings,
                each.time_s,
            )
            for each in frames
        ]

    stem = file.name.rpartition(".")[0] or file.name
    with st.container(horizontal=True, key="video_exports"):
        st.download_button(
            _("Table (CSV)"),
            carried(lambda: to_csv(found(), labels)),
            f"{stem}.csv",
            "text/csv",
            on_click="ignore",
        )
        st.download_button(
            "COCO JSON",
            carried(lambda: to_coco(found(), labels)),
            f"{stem}.coco.json",
            "application/json",
            on_click="ignore",
        )
        _offer_drawing(video, frames, settings, stem, more_come=more_come)


def _offer_drawing(
    video: state.Video,
    frames: Sequence[SeenFrame],
    settings: Settings,
    stem: str,
    *,
    more_come: bool,
) -> None:
    drawing: Drawing | None = video.drawing
    is_of_now = drawing is not None and (drawing.settings, len(drawing.frames)) == (
        settings,
        len(frames),
    )
    if drawing is None or not is_of_now:
        st.button(
            _("Annotated MP4"),
            icon=":material/movie_edit:",
            key="video_draw",
            on_click=_draw,
            args=(frames, settings),
            disabled=more_come,
            help=_("When it is done or stopped.")
            if more_come
            else _("Draws the boxes into the video, as they are shown now. Without sound."),
        )
        return
    frame.fragment(_drawn, run_every=POLL_S if drawing.is_running else None)(
        drawing, stem, drawing.is_running
    )


def _drawn(drawing: Drawing, stem: str, polls: bool) -> None:
    if drawing.is_running != polls:
        st.rerun()
    if drawing.error is not None:
        frame.show_beside(drawing.error)
    if drawing.error_id:
        frame.show_unexpected(drawing.error_id)
    if drawing.made is not None:
        st.download_button(
            _("Download MP4"),
            drawing.made.read,
            f"{stem}-boxes.mp4",
            "video/mp4",
            icon=":material/download:",
            on_click="ignore",
            type="primary",
        )
    elif polls:
        st.progress(
            min(drawing.count / drawing.total, 1.0),
            _("{count} of {total} frames drawn", count=drawing.count, total=drawing.total),
        )
        on_click = frame.callback(drawing.stop)
        st.button(
            _("Stop"), icon=":material/stop_circle:", key="video_draw_stop", on_click=on_click
        )
    else:
        on_click = frame.callback(drawing.go_on)
        st.button(_("Go on"), icon=":material/play_arrow:", key="video_draw_on", on_click=on_click)


@frame.callback
def _draw(frames: Sequence[SeenFrame], settings: Settings) -> None:
    video = state.read(state.Video)
    assert video.file is not None  # its frames are there
    drawing = Drawing(video.file, video.facts, frames, settings, config().labels, frame.report)
    drawing.go_on()
    state.update(state.Video, drawing=drawing)
