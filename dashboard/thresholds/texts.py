"""What the viewer says: whole sentences, with {places} for what only the browser knows."""

from detector.evaluation.matching import Outcome
from detector.translation import _, noted

Text = str | list[str] | dict[str, str]

_TEXTS: dict[str, str | dict[str, str]] = {
    # The row of classes, and the slider.
    "targets": noted("Whose threshold the slider moves"),
    "all_classes": noted("All classes"),
    "class_not_shown": noted("This class is not shown"),
    "own_threshold": noted("≥ {threshold}"),
    "forget_own": noted("Take away the own threshold of {label}"),
    "forget_own_title": noted("{label} follows all classes again"),
    "heading": noted("Score threshold"),
    "heading_but_own": noted("Score threshold · but for those with their own"),
    "heading_class": noted("Score threshold of {label}"),
    "heading_class_as_all": noted("Score threshold of {label} · as all classes"),
    "heading_waiting": noted("{heading} · applies on release"),
    "slider": noted("Score threshold"),
    "slider_class": noted("Score threshold of {label}"),
    # The line that counts.
    "boxes_shown": {"one": noted("{count} box shown"), "other": noted("{count} boxes shown")},
    "boxes_shown_of": {
        "one": noted("{count} box shown: {classes}"),
        "other": noted("{count} boxes shown: {classes}"),
    },
    "class_count": noted("{label} × {count}"),
    "outcome_count": noted("{count} {outcome}"),
    "count_line": noted("{shown} · {hidden} hidden"),
    # The legend.
    "no_ground_truth": noted("There is no ground truth of this image to judge by."),
    "right": noted("{count} right"),
    "wrong": noted("{count} wrong"),
    "wrong_of": noted("{count} wrong: {kinds}"),
    "missed": noted("{count} missed"),
    "ignored": noted("{count} ignored"),
    "judged_on_release": noted("{count} judged on release"),
    "candidates": {
        "one": noted(
            "{count} candidate above the threshold, {removed} of them removed. "
            "Pick a box to see which ones it suppressed."
        ),
        "other": noted(
            "{count} candidates above the threshold, {removed} of them removed. "
            "Pick a box to see which ones it suppressed."
        ),
    },
    "left_out": noted("({count} weaker ones are not drawn)"),
    "new": noted("{count} new"),
    "gone": noted("{count} gone"),
    # The photo, and the labels on it.
    "back": noted("Back to the list"),
    "photo": noted("The image. {counts}"),
    "photo_loading": noted("Loading the image…"),
    "photo_failed": noted("The image could not be loaded."),
    "no_photo": noted("There is no image."),
    "zoom": noted("Zoom"),
    "zoom_out": noted("Zoom out"),
    "zoom_out_title": noted("Zoom out (-)"),
    "zoom_in": noted("Zoom in"),
    "zoom_in_title": noted("Zoom in (+)"),
    "zoom_reset": noted("Whole image"),
    "zoom_reset_title": noted("Whole image (0)"),
    "box_label_wrong": noted("{outcome} · {name}"),
    "box_label_missed": noted("missed: {label}"),
    "box_label_ignored": noted("ignored"),
    "box_label_ignored_class": noted("ignored: {label}"),
    "box_label_new": noted("new"),
    "box_label_gone": noted("gone: {name}"),
    "box_label_suppressed": noted("IoU {iou} · {score}"),
    "box_label_removed": noted("removed: IoU {iou} · {score}"),
    "iou_with_ground_truth": noted("IoU {iou} with the ground truth"),
    "iou_with_better": noted("removed: IoU {iou} with a better box"),
    # The picked box.
    "panel": noted("The picked box"),
    "unpick": noted("Unpick"),
    "iou": noted("IoU {iou}"),
    "size": noted("{width} × {height} px"),
    "shown": noted("{name} · {size} · threshold of {label}: {threshold}"),
    "shown_judged": noted("{name} · {size} · {outcome} · threshold of {label}: {threshold}"),
    "shown_judged_by": noted(
        "{name} · {size} · {outcome} (IoU {iou} with {ground_truth}) · "
        "threshold of {label}: {threshold}"
    ),
    "hidden_by_class": noted("{name} is hidden: {label} is not among the classes shown."),
    "hidden_by_score": noted("{name} is hidden: its score is below {threshold}."),
    "hidden_by_better": noted("{name} is hidden: a better box overlaps it with IoU {iou}."),
    "hidden_by_class_limit": noted("{name} is hidden: its class has too many better boxes."),
    "hidden_by_limit": noted("{name} is hidden: {count} better boxes are shown already."),
    "suppressed_by": noted(
        "{name} was removed: {better} overlaps it with IoU {iou}, above {limit}."
    ),
    "suppressed": {
        "one": noted("{name} suppressed {count} box that overlaps it with an IoU above {limit}:"),
        "other": noted(
            "{name} suppressed {count} boxes that overlap it with an IoU above {limit}:"
        ),
    },
    "suppressed_nothing": noted(
        "{name} suppressed nothing: no weaker box overlaps it with an IoU above {limit}."
    ),
    "more_below": noted("{count} more below the threshold: hidden even without NMS"),
}
_OUTCOME_NAMES = {
    Outcome.RIGHT: noted("right"),
    Outcome.IGNORED: noted("ignored"),
    Outcome.LOCALISATION: noted("localisation"),
    Outcome.CLASS: noted("class"),
    Outcome.DUPLICATE: noted("duplicate"),
    Outcome.BACKGROUND: noted("background"),
    Outcome.BOTH: noted("both"),
}
_OUTCOMES = {
    Outcome.RIGHT: noted("right: it finds its object"),
    Outcome.IGNORED: noted("neither right nor wrong: it lies in a region to ignore"),
    Outcome.LOCALISATION: noted("wrong: the right class, but it fits the object badly"),
    Outcome.CLASS: noted("wrong: there is an object, of another class"),
    Outcome.DUPLICATE: noted("wrong: a better box has found this object already"),
    Outcome.BACKGROUND: noted("wrong: there is nothing"),
    Outcome.BOTH: noted("wrong: another class, and it fits badly"),
}


def texts() -> dict[str, Text]:
    """The texts by the names in dashboard/frontend/viewer/types.d.ts.

    Where a number decides the wording there are two: `one`, and `other` for any other number.
    """
    return {
        **{
            name: _(text) if isinstance(text, str) else {key: _(each) for key, each in text.items()}
            for name, text in _TEXTS.items()
        },
        "outcome_names": _by_outcome(_OUTCOME_NAMES),
        "outcomes": _by_outcome(_OUTCOMES),
    }


def shared_texts(*more: str) -> dict[str, Text]:
    """Those of them that anything with boxes and a slider says too.

    Args:
        more: names of others that are wanted.
    """
    names = ("heading", "heading_but_own", "boxes_shown", "boxes_shown_of", "class_count")
    everything = texts()
    return {name: everything[name] for name in (*names, *more)}


def _by_outcome(names: dict[Outcome, str]) -> list[str]:
    """By the number of the outcome; the first, not judged, says nothing."""
    return [_(names[outcome]) if outcome in names else "" for outcome in Outcome]
