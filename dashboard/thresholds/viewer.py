"""The photo with boxes that follow the score threshold in the browser, without a rerun.

The component gets an image from `detector.drawing.viewer.view`. Dragging its slider redraws in the
browser only; what the visitor settles on arrives here on release.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, get_args

from dashboard import media, state
from dashboard.thresholds.texts import texts
from detector.drawing.viewer import Mode, View, ViewerData

MODES: tuple[Mode, ...] = get_args(Mode)


def show(
    key: str,
    view: View,
    photo_url: str,
    *,
    mode: Mode = "Classes",
    target: int | None = None,
    picked: str | None = None,
    compared: tuple[Sequence[str], Sequence[str]] | None = None,
    look: int = 0,
    back: str = "",
    on_thresholds: Callable[[float, dict[int, float]], None],
    on_target: Callable[[int | None], None],
    on_pick: Callable[[str | None], None],
) -> None:
    """Draw the viewer. Thresholds, target and pick are taken from here when they change here.

    Args:
        key: of the widget. The zoom is kept by it, for as long as `view.digest` is the same.
        view: of `detector.drawing.viewer.view`.
        photo_url: the image, of any resolution but of the original's aspect.
        mode: what the boxes' colours say.
        target: id of the class whose threshold the slider moves; None: of all.
        picked: id of the picked box; "truth-" and its index for a missed object.
        compared: ids of the boxes that appeared and of those that vanished by the last change of
            the IoU threshold; marked for as long as they are given.
        look: another number than before scrolls the page to the viewer; 0 never does.
        back: key of the table that the image was reached from; a button leads back to it.
        on_thresholds: called on release with the score threshold and the own ones by class id,
            before the script runs again.
        on_target: called with the id of the class that was chosen, None for all.
        on_pick: called with the id of the box that was clicked, None where it was unpicked.
    """
    appeared, vanished = compared or ((), ())
    data = ViewerData(
        name=key,
        view=view,
        photo=photo_url,
        mode=mode,
        target=target,
        picked=picked,
        appeared=list(appeared),
        vanished=list(vanished),
        look=look,
        back=back,
        texts=texts(),
    )
    media.component(
        "viewer",
        key=key,
        data=data.as_json(),
        **_listeners(key, len(view.labels), on_thresholds, on_target, on_pick),
    )


def _listeners(
    key: str,
    class_count: int,
    on_thresholds: Callable[[float, dict[int, float]], None],
    on_target: Callable[[int | None], None],
    on_pick: Callable[[str | None], None],
) -> dict[str, Callable[[], None]]:
    """What the component calls, by its names; each passes on what the browser said."""

    def released() -> None:
        given = _given(key, "thresholds")
        score, classes = _threshold(given.get("score")), given.get("classes")
        if score is not None and isinstance(classes, Mapping):
            known = {str(class_id) for class_id in range(1, class_count)}
            own = {int(name): _threshold(value) for name, value in classes.items() if name in known}
            on_thresholds(score, {name: value for name, value in own.items() if value is not None})

    def chosen() -> None:
        class_id = _given(key, "target").get("id")
        if class_id is None or class_id in range(1, class_count):
            on_target(class_id)

    def clicked() -> None:
        name = _given(key, "picked").get("id")
        on_pick(name if isinstance(name, str) else None)

    return {
        "on_thresholds_change": released,
        "on_target_change": chosen,
        "on_picked_change": clicked,
    }


def _given(key: str, name: str) -> Mapping[str, Any]:
    """What the browser says; it may say anything."""
    value = state.widget(key, {}).get(name)
    return value if isinstance(value, Mapping) else {}


def _threshold(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return min(max(float(value), 0.0), 1.0)
