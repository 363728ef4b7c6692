"""What the viewer says: whole sentences, with {places} for what only the browser knows."""

from detector.evaluation.matching import Outcome
from detector.translation import _

Text = str | list[str] | dict[str, str]


def texts() -> dict[str, Text]:
    """The texts by the names in dashboard/frontend/viewer/types.d.ts.

    Where a number decides the wording there are two: `one`, and `other` for any other number.
    """
    return {
        # The row of classes, and the slider.
        "targets": _("Whose threshold the slider moves"),
        "all_classes": _("All classes"),
        "class_not_shown": _("This class is not shown"),
        "own_threshold": _("≥ {threshold}"),
        "forget_own": _("Take away the own threshold of {label}"),
        "forget_own_title": _("{label} follows all classes again"),
        "heading": _("Score threshold"),
        "heading_but_own": _("Score threshold · but for those with their own"),
        "heading_class": _("Score threshold of {label}"),
        "heading_class_as_all": _("Score threshold of {label} · as all classes"),
        "heading_waiting": _("{heading} · applies on release"),
        "slider": _("Score threshold"),
        "slider_class": _("Score threshold of {label}"),
        # The line that counts.
        "boxes_shown": {"one": _("{count} box shown"), "other": _("{count} boxes shown")},
        "boxes_shown_of": {
            "one": _("{count} box shown: {classes}"),
            "other": _("{count} boxes shown: {classes}"),
        },
        "class_count": _("{label} × {count}"),
        "outcome_count": _("{count} {outcome}"),
        "count_line": _("{shown} · {hidden} hidden"),
        # The legend.
        "no_ground_truth": _("There is no ground truth of this image to judge by."),
        "right": _("{count} right"),
        "wrong": _("{count} wrong"),
        "wrong_of": _("{count} wrong: {kinds}"),
        "missed": _("{count} missed"),
        "ignored": _("{count} ignored"),
        "judged_on_release": _("{count} judged on release"),
        "candidates": {
            "one": _(
                "{count} candidate above the threshold, {removed} of them removed. "
                "Pick a box to see which ones it suppressed."
            ),
            "other": _(
                "{count} candidates above the threshold, {removed} of them removed. "
                "Pick a box to see which ones it suppressed."
            ),
        },
        "left_out": _("({count} weaker ones are not drawn)"),
        "new": _("{count} new"),
        "gone": _("{count} gone"),
        # The photo, and the labels on it.
        "back": _("Back to the list"),
        "photo": _("The image. {counts}"),
        "photo_loading": _("Loading the image…"),
        "photo_failed": _("The image could not be loaded."),
        "no_photo": _("There is no image."),
        "zoom": _("Zoom"),
        "zoom_out": _("Zoom out"),
        "zoom_out_title": _("Zoom out (-)"),
        "zoom_in": _("Zoom in"),
        "zoom_in_title": _("Zoom in (+)"),
        "zoom_reset": _("Whole image"),
        "zoom_reset_title": _("Whole image (0)"),
        "box_label_wrong": _("{outcome} · {name}"),
        "box_label_missed": _("missed: {label}"),
        "box_label_ignored": _("ignored"),
        "box_label_ignored_class": _("ignored: {label}"),
        "box_label_new": _("new"),
        "box_label_gone": _("gone: {name}"),
        "box_label_suppressed": _("IoU {iou} · {score}"),
        "box_label_removed": _("removed: IoU {iou} · {score}"),
        "iou_with_ground_truth": _("IoU {iou} with the ground truth"),
        "iou_with_better": _("removed: IoU {iou} with a better box"),
        # The picked box.
        "panel": _("The picked box"),
        "unpick": _("Unpick"),
        "iou": _("IoU {iou}"),
        "size": _("{width} × {height} px"),
        "shown": _("{name} · {size} · threshold of {label}: {threshold}"),
        "shown_judged": _("{name} · {size} · {outcome} · threshold of {label}: {threshold}"),
        "shown_judged_by": _(
            "{name} · {size} · {outcome} (IoU {iou} with {ground_truth}) · "
            "threshold of {label}: {threshold}"
        ),
        "hidden_by_class": _("{name} is hidden: {label} is not among the classes shown."),
        "hidden_by_score": _("{name} is hidden: its score is below {threshold}."),
        "hidden_by_better": _("{name} is hidden: a better box overlaps it with IoU {iou}."),
        "hidden_by_class_limit": _("{name} is hidden: its class has too many better boxes."),
        "hidden_by_limit": _("{name} is hidden: {count} better boxes are shown already."),
        "suppressed_by": _(
            "{name} was removed: {better} overlaps it with IoU {iou}, above {limit}."
        ),
        "suppressed": {
            "one": _("{name} suppressed {count} box that overlaps it with an IoU above {limit}:"),
            "other": _(
                "{name} suppressed {count} boxes that overlap it with an IoU above {limit}:"
            ),
        },
        "suppressed_nothing": _(
            "{name} suppressed nothing: no weaker box overlaps it with an IoU above {limit}."
        ),
        "more_below": _("{count} more below the threshold: hidden even without NMS"),
        # By the number of the outcome; the first, not judged, says nothing.
        "outcome_names": _by_outcome(
            {
                Outcome.RIGHT: _("right"),
                Outcome.IGNORED: _("ignored"),
                Outcome.LOCALISATION: _("localisation"),
                Outcome.CLASS: _("class"),
                Outcome.DUPLICATE: _("duplicate"),
                Outcome.BACKGROUND: _("background"),
                Outcome.BOTH: _("both"),
            }
        ),
        "outcomes": _by_outcome(
            {
                Outcome.RIGHT: _("right: it finds its object"),
                Outcome.IGNORED: _("neither right nor wrong: it lies in a region to ignore"),
                Outcome.LOCALISATION: _("wrong: the right class, but it fits the object badly"),
                Outcome.CLASS: _("wrong: there is an object, of another class"),
                Outcome.DUPLICATE: _("wrong: a better box has found this object already"),
                Outcome.BACKGROUND: _("wrong: there is nothing"),
                Outcome.BOTH: _("wrong: another class, and it fits badly"),
            }
        ),
    }


def _by_outcome(names: dict[Outcome, str]) -> list[str]:
    return [names.get(outcome, "") for outcome in Outcome]
