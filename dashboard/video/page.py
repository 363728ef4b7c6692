"""A video: its frames through the model, its boxes in step with the player, its exports."""

import math
from contextlib import nullcontext
from dataclasses import replace
from typing import cast

import streamlit as st

from dashboard import controls, frame, paper, state
from dashboard.answers import address, config, is_starting, labels_shown, served
from dashboard.files import ImageFile
from dashboard.video import choose, exports, player
from dashboard.video.watching import Watching
from detector.errors import ServingError
from detector.tiling import Tiling
from detector.translation import _, plural
from detector.video import MAX_FRAMES, VideoFacts

POLL_S = 1.0


def show() -> None:
    """The whole page."""
    choose.show()
    video = state.read(state.Video)
    if video.watching is None:
        controls.carry(config().labels)
        st.caption(
            _(
                "Some frames a second go through the model; the boxes then run along with the "
                "video. Below it is how many of each class there are when: click to jump there."
            )
        )
        return
    if video.go_on:
        _begin(video.watching)
    # A fragment's timer is fixed when it is made.
    polls = video.watching.is_running
    source = player.source_of(cast(ImageFile, video.file))  # once a page: it may be 64 MB
    frame.fragment(_results, run_every=POLL_S if polls else None)(polls, source)


def _begin(watching: Watching) -> None:
    """Start it, or where the model server does not answer say so and try again."""
    try:
        with st.spinner(_("Starting the model server…")) if is_starting() else nullcontext():
            model = served(address())
    except ServingError as error:
        frame.show_error(error)
        frame.try_again()
        return
    state.update(state.Video, go_on=False)
    watching.go_on(model, config())


def _results(polls: bool, source: str) -> None:
    """The player with all that was found so far. A fragment: its timer redraws nothing else."""
    video = state.read(state.Video)
    file, watching = cast(ImageFile, video.file), cast(Watching, video.watching)
    if watching.is_running != polls or video.go_on:
        st.rerun()  # with the timer, or without
    labels = config().labels
    with st.container(horizontal=True, vertical_alignment="center", key="video_progress"):
        _progress(file.name, watching, video.facts)
    if watching.error is not None:
        frame.show_error(watching.error)
    if watching.error_id:
        frame.show_unexpected(watching.error_id)
    left, right = st.columns([8, 5], gap="medium")
    with right:
        chosen = controls.show_all(labels, has_score=False, has_tiles=False)
        settings = replace(chosen, tiles=Tiling.OFF)  # frames are looked at as a whole
        _rate(watching, video.facts)
    with left:
        paper.settings(settings, labels_shown())
        with st.container(key="video_frame"):
            player.show(file, source, video.facts, watching.frames, settings)
    with right:
        exports.show(video, watching.frames, settings, more_come=polls)


def _progress(name: str, watching: Watching, facts: VideoFacts) -> None:
    """How far it is, with *Stop* or *Continue*."""
    width, height = facts.size
    told = f"{frame.plain(name)} · {width} × {height} · {clock(facts.seconds)} · {facts.codec}"
    seen = plural(
        "**{done} of {count}** frame looked at",
        "**{done} of {count}** frames looked at",
        watching.total,
        done=watching.count,
    )
    if watching.count == watching.total:
        st.caption(f"{told} · {seen}")
        return
    st.progress(watching.count / watching.total, f"{told} · {seen}")
    if watching.is_running:
        st.button(
            _("Stopping…") if watching.is_stopping else _("Stop"),
            icon=":material/stop_circle:",
            key="video_stop",
            on_click=frame.callback(watching.stop),
            disabled=watching.is_stopping,
        )
    else:
        st.button(
            _("Continue"),
            icon=":material/play_arrow:",
            key="video_continue",
            type="primary",
            on_click=_go_on,
        )


@frame.callback
def _go_on() -> None:
    state.update(state.Video, go_on=True)


def _rate(watching: Watching, facts: VideoFacts) -> None:
    """How many frames a second are looked at."""
    st.segmented_control(
        _("Frames looked at in a second"),
        choose.RATES,
        default=choose.USUAL_RATE,
        required=True,
        key="video_rate",
        format_func=lambda rate: _("all") if rate == 0 else str(rate),
        on_change=_look_anew,
        args=(facts,),
    )
    if choose.every_of(state.widget("video_rate"), facts) > max(
        1, round(facts.rate / (state.widget("video_rate") or math.inf))
    ):
        st.caption(
            _(
                "Of a video this long every {every}th frame is looked at: {most} frames at most.",
                every=watching.every,
                most=MAX_FRAMES,
            )
        )


@frame.callback
def _look_anew(facts: VideoFacts) -> None:
    choose.begin(choose.every_of(state.widget("video_rate"), facts))


def clock(seconds: float) -> str:
    """Minutes and seconds, as a player shows them."""
    whole = math.floor(seconds)
    return f"{whole // 60}:{whole % 60:02}"
