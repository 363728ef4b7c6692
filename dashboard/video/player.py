"""The player: the video with the boxes of the frame that is shown, and how many there are when."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from dashboard import controls, frame, media, state
from dashboard.answers import labels_shown
from dashboard.files import ImageFile
from dashboard.thresholds.texts import Text, shared_texts
from dashboard.video.watching import SeenFrame
from detector.drawing.colors import class_color, text_color
from detector.ssd import Settings, postprocess
from detector.translation import _, noted
from detector.video import VideoFacts

KEY = "video_player"
# Boxes of a frame that are sent, the best ones.
MOST = 60

_TEXTS = {
    "video": noted("The video at {time}. {counts}"),
    "timeline": noted("How many of each class there are when. {time} of {duration}"),
    "jump": noted("Jump to the first {label}, at {time}"),
    "most": noted("{label}, {count} at most"),
    "no_boxes": noted("No frame has a box above the thresholds."),
    "unplayable": noted(
        "This browser cannot play the video's coding, {codec}. The boxes are found all the same: "
        "make the annotated MP4, which every browser plays."
    ),
}


@dataclass(frozen=True)
class VideoData:
    """What the component is given; dashboard/frontend/video/types.d.ts has the same fields.

    Attributes:
        source: address of the video.
        digest: another one is another video.
        size: (width, height), in pixels.
        duration: in seconds.
        times: when each frame begins that was answered, in seconds, rising.
        starts: where each frame's boxes begin among all boxes; one more, where the last ones end.
        boxes: four numbers a box, xyxy in ten-thousandths of the frame; of a frame best scored
            first.
        scores, class_ids: a number a box.
        score: threshold of the classes without an own one.
        own: thresholds of the others, by class id.
        top_k: the most boxes that are shown of a frame.
        labels, colors, text_colors: index = class id.
    """

    source: str
    digest: str
    size: tuple[int, int]
    duration: float
    times: list[float]
    starts: list[int]
    boxes: list[int]
    scores: list[float]
    class_ids: list[int]
    score: float
    own: dict[str, float]
    top_k: int
    labels: list[str]
    colors: list[str]
    text_colors: list[str]
    texts: Mapping[str, Any]


def source_of(video: ImageFile) -> str:
    """Where the browser gets the video, until the page is run anew."""
    return media.file_url(video.read(), _kind(video.name), f"video-{video.digest}")


def show(
    video: ImageFile,
    source: str,
    facts: VideoFacts,
    frames: Sequence[SeenFrame],
    settings: Settings,
) -> None:
    """Draw the player. Its threshold is taken from here when it changes here.

    Args:
        source: of `source_of`.
    """
    labels = labels_shown()
    colors = [class_color(class_id) for class_id in range(len(labels))]
    starts, boxes, scores, class_ids = _found(frames, settings)
    data = VideoData(
        source=source,
        digest=video.digest,
        size=facts.size,
        duration=facts.seconds,
        times=[round(each.time_s, 4) for each in frames],
        starts=starts,
        boxes=boxes,
        scores=scores,
        class_ids=class_ids,
        score=settings.score_threshold,
        own={str(class_id): value for class_id, value in settings.class_thresholds.items()},
        top_k=settings.top_k,
        labels=list(labels),
        colors=colors,
        text_colors=[text_color(color) for color in colors],
        texts=texts(facts.codec),
    )
    media.component("video", key=KEY, data=asdict(data), on_threshold_change=_adopt)


def texts(codec: str) -> dict[str, Text]:
    """What the component says, by the names in its types.d.ts."""
    return shared_texts() | {
        name: _(text, codec=codec) if name == "unplayable" else _(text)
        for name, text in _TEXTS.items()
    }


def _found(
    frames: Sequence[SeenFrame], settings: Settings
) -> tuple[list[int], list[int], list[float], list[int]]:
    """What NMS keeps of each frame: the browser goes by thresholds and limit."""
    sought = controls.for_any_threshold(settings, MOST)
    found = [postprocess(each.raw, sought, (10_000, 10_000)) for each in frames]
    starts = np.cumsum([0, *(len(each) for each in found)]).tolist()
    return (
        starts,
        [side for each in found for side in each.boxes.round().astype(int).ravel().tolist()],
        [round(score, 3) for each in found for score in each.scores.tolist()],
        [class_id for each in found for class_id in each.class_ids.tolist()],
    )


def _kind(name: str) -> str:
    """The media type of a file; a browser looks at the content anyway."""
    return "video/webm" if name.lower().endswith((".webm", ".mkv")) else "video/mp4"


@frame.callback
def _adopt() -> None:
    value = state.widget(KEY, {}).get("threshold")
    score = value.get("score") if isinstance(value, Mapping) else None
    if isinstance(score, (int, float)) and controls.LOWEST <= score <= 1:
        controls.adopt_score(float(score))
