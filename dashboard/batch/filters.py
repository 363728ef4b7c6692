"""Which of a batch's images are looked at, and in which order."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from dashboard import frame, state
from detector import ssd
from detector.batch.run import Done
from detector.labels import name_of
from detector.translation import _, noted

KINDS = (noted("All"), noted("Found"), noted("Nothing"), noted("Errors"))
MOST_COUNTED = 50
NO_COUNTS = (0, MOST_COUNTED)
NO_SCORES = (0.0, 1.0)
ANY_CLASS = noted("Any class")


@dataclass(frozen=True, eq=False)
class View:
    """An image that is done, as the settings and the filter show it.

    Attributes:
        detections: all of it.
        count, best_score: of the detections of the class that is looked for, else of all; 0 for
            none.
    """

    done: Done
    detections: ssd.Detections
    count: int
    best_score: float


ORDERS: dict[str, Callable[[View], Any]] = {
    noted("As given"): lambda view: view.done.index,
    noted("Most objects"): lambda view: -view.count,
    noted("Fewest objects"): lambda view: view.count,
    noted("Best score, high first"): lambda view: -view.best_score,
    noted("Best score, low first"): lambda view: view.best_score,
    noted("Name"): lambda view: view.done.name.casefold(),
}
BY_FILE = ("As given", "Name")


@dataclass(frozen=True)
class Filter:
    """Which images are looked at, and in which order.

    Attributes:
        kind: one of KINDS.
        class_id: None = any.
        counts, scores: the least and the most, of that class.
        order: one of ORDERS.
    """

    kind: str
    class_id: int | None
    counts: tuple[int, int]
    scores: tuple[float, float]
    order: str

    def views(
        self, results: Sequence[Done], detections: Mapping[int, ssd.Detections]
    ) -> list[View]:
        """What passes, sorted."""
        views = [self._view(done, detections[done.index]) for done in results]
        order = ORDERS[self.order]

        def place(view: View) -> tuple[bool, Any, int]:
            # What could not be read has no score and no objects: it comes last.
            is_last = view.done.error is not None and self.order not in BY_FILE
            return is_last, order(view), view.done.index

        return sorted(filter(self._passes, views), key=place)

    def _view(self, done: Done, detections: ssd.Detections) -> View:
        mine = slice(None) if self.class_id is None else detections.class_ids == self.class_id
        scores = detections.scores[mine]
        return View(done, detections, len(scores), float(scores.max()) if len(scores) else 0.0)

    def _passes(self, view: View) -> bool:
        if view.done.error is not None:
            whole = (None, NO_COUNTS, NO_SCORES)
            is_whole = (self.class_id, self.counts, self.scores) == whole
            return self.kind == "Errors" or (self.kind == "All" and is_whole)
        fits = {
            "All": self.class_id is None or view.count > 0,
            "Found": view.count > 0,
            "Nothing": view.count == 0,
            "Errors": False,
        }[self.kind]
        fewest, most = self.counts
        return (
            fits
            and fewest <= view.count
            and (view.count <= most or most == MOST_COUNTED)
            and self.scores[0] <= view.best_score <= self.scores[1]
        )


def choose(labels: Sequence[str]) -> Filter:
    """The filter that the widgets say. They outlast a look at an image in Detect."""
    kind = st.segmented_control(
        _("Show"),
        KINDS,
        format_func=_,
        default=KINDS[0],
        required=True,
        key="batch_kind",
        on_change=_first_page,
        persist_state="session",
    )
    label = st.selectbox(
        _("Class"),
        [ANY_CLASS, *labels[1:]],
        format_func=lambda label: _(label) if label == ANY_CLASS else name_of(label),
        key="batch_class",
        width=125,
        on_change=_first_page,
        persist_state="session",
    )
    order = st.selectbox(
        _("Sort by"),
        list(ORDERS),
        format_func=_,
        key="batch_order",
        width=180,
        on_change=_first_page,
        persist_state="session",
    )
    more = st.popover(_("More"), icon=":material/filter_alt:", key="batch_more")
    counts = more.slider(
        _("Objects"),
        0,
        MOST_COUNTED,
        NO_COUNTS,
        key="batch_counts",
        on_change=_first_page,
        help=_(
            "How many it has, of that class where one is chosen; {most} is any more.",
            most=MOST_COUNTED,
        ),
        persist_state="session",
    )
    scores = more.slider(
        _("Best score"),
        0.0,
        1.0,
        NO_SCORES,
        0.01,
        key="batch_scores",
        on_change=_first_page,
        help=_("The score of its best box, of that class where one is chosen."),
        persist_state="session",
    )
    class_id = None if label == ANY_CLASS else labels.index(label)
    return Filter(kind, class_id, counts, scores, order)


@frame.callback
def _first_page() -> None:
    """Callback: what passes now is looked at from its beginning."""
    state.set_widget("batch_page", 1)
