"""What the viewer says: whole sentences, with {places} for what only the browser knows."""

from detector.evaluation.matching import Outcome

Text = str | list[str] | dict[str, str]


def texts() -> dict[str, Text]:
    """The texts by the names in dashboard/frontend/viewer/types.d.ts.

    Where a number decides the wording there are two: `one`, and `other` for any other number.
    """
    return {
        # The row of classes, and the slider.
        "targets": "Whose threshold the slider moves",
        "all_classes": "All classes",
        "class_not_shown": "This class is not shown",
        "own_threshold": "≥ {threshold}",
        "forget_own": "Take away the own threshold of {label}",
        "forget_own_title": "{label} follows all classes again",
        "heading": "Score threshold",
        "heading_but_own": "Score threshold · but for those with their own",
        "heading_class": "Score threshold of {label}",
        "heading_class_as_all": "Score threshold of {label} · as all classes",
        "heading_waiting": "{heading} · applies on release",
        "slider": "Score threshold",
        "slider_class": "Score threshold of {label}",
        # The line that counts.
        "boxes_shown": {"one": "{count} box shown", "other": "{count} boxes shown"},
        "boxes_shown_of": {
            "one": "{count} box shown: {classes}",
            "other": "{count} boxes shown: {classes}",
        },
        "class_count": "{count} {label}",
        "count_line": "{shown} · {hidden} hidden",
        # The legend.
        "no_ground_truth": "There is no ground truth of this image to judge by.",
        "right": "{count} right",
        "wrong": "{count} wrong",
        "wrong_of": "{count} wrong: {kinds}",
        "missed": "{count} missed",
        "ignored": "{count} ignored",
        "judged_on_release": "{count} judged on release",
        "candidates": {
            "one": "{count} candidate above the threshold, {removed} of them removed. "
            "Pick a box to see which ones it suppressed.",
            "other": "{count} candidates above the threshold, {removed} of them removed. "
            "Pick a box to see which ones it suppressed.",
        },
        "left_out": "({count} weaker ones are not drawn)",
        "new": "{count} new",
        "gone": "{count} gone",
        # The photo, and the labels on it.
        "photo": "The image. {counts}",
        "photo_loading": "Loading the image…",
        "photo_failed": "The image could not be loaded.",
        "no_photo": "There is no image.",
        "zoom": "Zoom",
        "zoom_out": "Zoom out",
        "zoom_out_title": "Zoom out (-)",
        "zoom_in": "Zoom in",
        "zoom_in_title": "Zoom in (+)",
        "zoom_reset": "Whole image",
        "zoom_reset_title": "Whole image (0)",
        "box_label_wrong": "{outcome} · {name}",
        "box_label_missed": "missed: {label}",
        "box_label_ignored": "ignored",
        "box_label_ignored_class": "ignored: {label}",
        "box_label_new": "new",
        "box_label_gone": "gone: {name}",
        "box_label_suppressed": "IoU {iou} · {score}",
        "box_label_removed": "removed: IoU {iou} · {score}",
        "iou_with_ground_truth": "IoU {iou} with the ground truth",
        "iou_with_better": "removed: IoU {iou} with a better box",
        # The picked box.
        "panel": "The picked box",
        "unpick": "Unpick",
        "iou": "IoU {iou}",
        "size": "{width} × {height} px",
        "shown": "{name} · {size} · threshold of {label}: {threshold}",
        "shown_judged": "{name} · {size} · {outcome} · threshold of {label}: {threshold}",
        "shown_judged_by": "{name} · {size} · {outcome} (IoU {iou} with {ground_truth}) · "
        "threshold of {label}: {threshold}",
        "hidden_by_class": "{name} is hidden: {label} is not among the classes shown.",
        "hidden_by_score": "{name} is hidden: its score is below {threshold}.",
        "hidden_by_better": "{name} is hidden: a better box overlaps it with IoU {iou}.",
        "hidden_by_class_limit": "{name} is hidden: its class has too many better boxes.",
        "hidden_by_limit": "{name} is hidden: {count} better boxes are shown already.",
        "suppressed_by": "{name} was removed: {better} overlaps it with IoU {iou}, above {limit}.",
        "suppressed": {
            "one": "{name} suppressed {count} box that overlaps it with an IoU above {limit}:",
            "other": "{name} suppressed {count} boxes that overlap it with an IoU above {limit}:",
        },
        "suppressed_nothing": "{name} suppressed nothing: "
        "no weaker box overlaps it with an IoU above {limit}.",
        "more_below": "{count} more below the threshold: hidden even without NMS",
        # By the number of the outcome; the first, not judged, says nothing.
        "outcome_names": _by_outcome(
            {
                Outcome.RIGHT: "right",
                Outcome.IGNORED: "ignored",
                Outcome.LOCALISATION: "localisation",
                Outcome.CLASS: "class",
                Outcome.DUPLICATE: "duplicate",
                Outcome.BACKGROUND: "background",
                Outcome.BOTH: "both",
            }
        ),
        "outcomes": _by_outcome(
            {
                Outcome.RIGHT: "right: it finds its object",
                Outcome.IGNORED: "neither right nor wrong: it lies in a region to ignore",
                Outcome.LOCALISATION: "wrong: the right class, but it fits the object badly",
                Outcome.CLASS: "wrong: there is an object, of another class",
                Outcome.DUPLICATE: "wrong: a better box has found this object already",
                Outcome.BACKGROUND: "wrong: there is nothing",
                Outcome.BOTH: "wrong: another class, and it fits badly",
            }
        ),
    }


def _by_outcome(names: dict[Outcome, str]) -> list[str]:
    return [names.get(outcome, "") for outcome in Outcome]
