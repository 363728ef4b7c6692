"""How far a batch is, what stopped it, and which files could not be read."""

import html
import math
from collections.abc import Sequence

import streamlit as st

from dashboard import frame, state
from dashboard.batch.job import Job
from detector.batch.run import Done
from detector.translation import _, plural

# Bad files that are told one by one.
MAX_TOLD = 200


def show(job: Job, is_running: bool) -> None:
    """The bar with *Stop* or *Continue*, and the error that ended the run."""
    total, count = len(job.sources), job.count
    is_waiting = state.read(state.Batch).go_on
    with st.container(key="batch_progress", horizontal=True, vertical_alignment="center"):
        st.progress(count / total, in_words(job, is_running, is_waiting))
        if is_running or is_waiting:
            st.button(
                _("Stopping…") if job.is_stopping else _("Stop"),
                icon=":material/stop_circle:",
                key="batch_stop",
                on_click=_stop,
                args=(job,),
                disabled=job.is_stopping,
            )
        elif count < total and st.button(
            _("Continue"), type="primary", icon=":material/play_arrow:", key="batch_continue"
        ):
            state.update(state.Batch, go_on=True)
            st.rerun()
    if is_running or is_waiting:
        return
    if job.error is not None:
        frame.show_error(job.error)
    if job.error_id:
        frame.show_unexpected(job.error_id)


def show_errors(results: Sequence[Done]) -> None:
    """The files that could not be read, and why."""
    bad = [done for done in results if done.error is not None]
    if not bad:
        return
    rows = "".join(
        f'<tr><th scope="row">{html.escape(done.name)}</th><td>{html.escape(str(done.error))}</td>'
        for done in bad[:MAX_TOLD]
    )
    with st.expander(unread_in_words(len(bad)), icon=":material/broken_image:", key="batch_errors"):
        st.html(f'<table class="lens-bad"><tbody>{rows}</tbody></table>')
        if len(bad) > MAX_TOLD:
            st.caption(_("… and {count} more.", count=len(bad) - MAX_TOLD))


def unread_in_words(count: int) -> str:
    """How many files could not be read."""
    return plural("{count} file could not be read", "{count} files could not be read", count)


def in_words(job: Job, is_running: bool, is_waiting: bool) -> str:
    """How far it is and how fast, in Markdown."""
    total, count, rate = len(job.sources), job.count, job.rate
    parts = [
        plural("**{done} of {count}** image", "**{done} of {count}** images", total, done=count)
    ]
    if rate > 0:
        parts.append(_("{rate} a second", rate=f"{rate:.1f}"))
    if is_waiting:
        parts.append(_("waiting for the model server"))
    elif is_running and rate > 0:
        left = _duration(math.ceil((total - count) / rate))
        parts.append(_("{time} left", time=left))
    elif not is_running and count < total:
        parts.append(_("stopped"))
    return " · ".join(parts)


@frame.callback
def _stop(job: Job) -> None:
    """Callback: end the run, or do not begin it."""
    state.update(state.Batch, go_on=False)
    job.stop()


def _duration(seconds: int) -> str:
    if seconds < 60:
        return f"{seconds} s"
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {seconds:02} s"
