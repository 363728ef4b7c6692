"""The knobs that alter an image: their words, their sliders, and which one is swept over."""

from dataclasses import dataclass, replace

import streamlit as st

from dashboard import frame, languages, state
from detector.alterations import IDENTITY, KNOBS, Alteration, Knob
from detector.robustness import altered_by
from detector.translation import _, noted

SWEPT = "swept"
WITH_OTHERS = "with_others"
LABELS = {
    "brightness": noted("Brightness"),
    "contrast": noted("Contrast"),
    "blur": noted("Blur"),
    "noise": noted("Noise"),
    "jpeg_quality": noted("JPEG quality"),
    "rotation": noted("Rotation"),
    "scale": noted("Scale"),
    "crop": noted("Cropping"),
}
HELP = {
    "brightness": noted(
        "In stops (EV): each one less is half the light, each one more twice as much. In the dark"
        " a real camera adds noise: turn that knob too."
    ),
    "contrast": noted("How far values are from the image's mean grey; 100 % is as it is."),
    "blur": noted(
        "Standard deviation of a Gaussian blur, in thousandths (‰) of the longest side: the same"
        " for a small image and a large one."
    ),
    "noise": noted(
        "Standard deviation of Gaussian noise, in percent of the range of values. The same grain"
        " each time, 1/800 of the longest side."
    ),
    "jpeg_quality": noted("Encoded as a JPEG of this quality; at 100 it is not encoded again."),
    "rotation": noted(
        "Degrees, clockwise. A turned box needs a larger upright one around it, so that IoU falls"
        " a little even where the object is found as well as before."
    ),
    "scale": noted("How large the image is within its frame, as if it were farther away."),
    "crop": noted("The part of width and height that is cut away, half of it on each side."),
}
FORMATS = {
    "brightness": "%.1f EV",
    "contrast": "percent",
    "blur": "%.1f ‰",
    "noise": "percent",
    "jpeg_quality": "%d",
    "rotation": "%d°",
    "scale": "percent",
    "crop": "percent",
}


@dataclass(frozen=True)
class Swept:
    """What a sweep goes over.

    Attributes:
        knob: that is turned.
        base: what the other knobs do.
    """

    knob: Knob
    base: Alteration

    @property
    def alterations(self) -> list[Alteration]:
        """One for each of the knob's levels."""
        return altered_by(self.knob, self.base)


def label(knob: Knob) -> str:
    """What it is called."""
    return _(LABELS[knob.name])


def axis(knob: Knob) -> str:
    """The same as the title of an axis, with the unit that its `tick` leaves out."""
    return _("Brightness in stops (EV)") if knob.name == "brightness" else label(knob)


def tick(knob: Knob, value: float) -> str:
    """A value on an axis."""
    if knob.name in ("contrast", "noise", "scale", "crop"):
        return f"{value:.0%}"
    if knob.name == "blur":
        return f"{value:g} ‰"
    text = f"{value:g}" if knob.name == "jpeg_quality" or not value else f"{value:+g}"
    return text.replace("-", "−") + ("°" if knob.name == "rotation" else "")


def in_words(knob: Knob, value: float) -> str:
    """A value in a sentence."""
    text = tick(knob, value)
    if knob.name == "brightness":
        return f"{text} EV"
    return _("quality {value}", value=text) if knob.name == "jpeg_quality" else text


def between(knob: Knob, low: float, high: float) -> str:
    """Two values in a sentence."""
    return _("{low} to {high}", low=tick(knob, low), high=in_words(knob, high))


def position(knob: Knob, value: float) -> float:
    """Where a value is among the knob's levels, as an index of these."""
    upper = next(index for index, level in enumerate(knob.levels) if level >= value)
    if not upper:
        return 0.0
    low, high = knob.levels[upper - 1], knob.levels[upper]
    return upper - (high - value) / (high - low)


def show() -> Alteration:
    """Draw the sliders. Returns what they stand for."""
    values: dict[str, float] = {}
    with st.container(key="knob_pairs"):
        for pair in zip(KNOBS[::2], KNOBS[1::2], strict=True):
            for column, knob in zip(st.columns(2, gap="medium"), pair, strict=True):
                with column:
                    values[knob.name] = _slider(knob)
    return Alteration(**values)


def reset_button(*, is_reset: bool) -> None:
    """Puts the image back as it was."""
    st.button(
        _("As it was"),
        icon=":material/restart_alt:",
        type="tertiary",
        key="unaltered",
        disabled=is_reset,
        on_click=_reset,
    )


def choose_swept(alteration: Alteration) -> Swept:
    """What is swept over: the knob that was moved last, or another.

    Args:
        alteration: what the sliders stand for.
    """
    languages.understand(SWEPT, list(LABELS.values()))
    st.pills(
        _("Sweep over"),
        list(LABELS.values()),
        default=LABELS[KNOBS[0].name],
        required=True,
        key=SWEPT,
        format_func=_,
        label_visibility="collapsed",
        persist_state="session",
        bind="query-params",
        wrap=True,
    )
    knob = next(knob for knob in KNOBS if LABELS[knob.name] == state.widget(SWEPT))
    others = replace(alteration, **{knob.name: knob.usual})
    if others.is_identity:
        return Swept(knob, others)
    is_with = st.toggle(
        _("With the other knobs as they are set"),
        key=WITH_OTHERS,
        persist_state="session",
        bind="query-params",
    )
    return Swept(knob, others if is_with else IDENTITY)


def _slider(knob: Knob) -> float:
    return float(
        st.slider(
            label(knob),
            float(knob.lowest),
            float(knob.highest),
            float(knob.usual),
            float(knob.step),
            format=FORMATS[knob.name],
            key=_key(knob),
            help=_(HELP[knob.name]),
            on_change=_moved,
            args=(knob.name,),
            persist_state="session",
            bind="query-params",
        )
    )


def _key(knob: Knob) -> str:
    return f"knob_{knob.name}"


@frame.callback
def _moved(name: str) -> None:
    state.set_widget(SWEPT, LABELS[name])


@frame.callback
def _reset() -> None:
    for knob in KNOBS:
        state.set_widget(_key(knob), float(knob.usual))
