"""Before and after on one image: A's boxes left of a handle, B's right of it.

The handle moves in the browser, by mouse, finger or arrow keys, without a run of the script.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from dashboard import media
from detector.drawing.colors import text_color
from detector.evaluation.pairing import KIND_COLORS, KIND_NAMES, Kind, Pairing
from detector.ssd import Detections
from detector.translation import _

# Between the sizes of the photo on a laptop's screen and on a phone's.
_USUAL_SIZE = (600, 480)


@dataclass(frozen=True)
class LabelPlace:
    """Where a label is, in percent of the photo: its middle's height, and where it starts or ends.

    Attributes:
        ends_there: whether `left` is its end.
    """

    left: float
    top: float
    ends_there: bool


@dataclass(frozen=True)
class Box:
    """A detection of one side, in percent of the photo.

    Attributes:
        kind: name of its `pairing.Kind`.
        ink: colour of text on `color`.
        label: None where there is no room.
    """

    kind: str
    left: float
    top: float
    width: float
    height: float
    color: str
    ink: str
    text: str
    label: LabelPlace | None


@dataclass(frozen=True)
class Side:
    """A's boxes or B's, the best scored last, so on top."""

    name: str
    boxes: list[Box]


@dataclass(frozen=True)
class KindOfBox:
    """An entry of the legend."""

    kind: str
    name: str
    color: str


@dataclass(frozen=True)
class SwipeData:
    """What the swipe is given; dashboard/frontend/swipe/types.d.ts has the same fields.

    Attributes:
        photo: URL.
        width: of the original, in pixels; `height` too.
        alt: what the image shows, for a screen reader.
        handle: what the handle does, for a screen reader.
        revision: another number brings back all kinds of boxes, and the handle to where it began.
    """

    photo: str
    width: int
    height: int
    alt: str
    kinds: list[KindOfBox]
    sides: list[Side]
    handle: str
    revision: int


def show(
    photo_url: str,
    size: tuple[int, int],
    pairing: Pairing,
    labels: Sequence[str],
    *,
    names: tuple[str, str],
    alt: str,
    revision: int,
    key: str,
) -> None:
    """The photo under both sides' boxes, in the colours of the linked figure.

    Args:
        size: (width, height) of the original, in pixels.
        names: of the sides, in their lower corners.
        alt: what the image shows, for a screen reader.
        revision: as of SwipeData.
    """
    data = SwipeData(
        photo=photo_url,
        width=size[0],
        height=size[1],
        alt=alt,
        kinds=[
            KindOfBox(kind.name, f"{_(KIND_NAMES[kind])} · {count}", KIND_COLORS[kind])
            for kind, count in pairing.counts().items()
        ],
        sides=[
            Side(name, _boxes(found, pairing, side, size, labels))
            for name, found, side in zip(names, (pairing.a, pairing.b), "ab", strict=True)
        ],
        handle=_("Where A ends and B begins"),
        revision=revision,
    )
    media.component("swipe", key=key, data=asdict(data))


def _boxes(
    found: Detections,
    pairing: Pairing,
    side: str,
    size: tuple[int, int],
    labels: Sequence[str],
) -> list[Box]:
    """The boxes of a side, the best scored last."""
    rows = pairing.rows_of(side)
    boxes = []
    for placed in media.placed_boxes(found, size, labels, _USUAL_SIZE):
        kind = Kind(int(pairing.kinds[rows[placed.index]]))
        boxes.append(
            Box(
                kind=kind.name,
                left=round(placed.left, 3),
                top=round(placed.top, 3),
                width=round(placed.width, 3),
                height=round(placed.height, 3),
                color=KIND_COLORS[kind],
                ink=text_color(KIND_COLORS[kind]),
                text=placed.text,
                label=placed.place and LabelPlace(*placed.place),
            )
        )
    return boxes
