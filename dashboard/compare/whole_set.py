"""A against B over many images, and further models beside them: which is better, and whether that
may be luck."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard import (
    answers,
    frame,
    ground_truth,
    images,
    languages,
    paper,
    results,
    state,
    whole_sets,
)
from dashboard.answers import config, labels_shown
from dashboard.compare import columns, sides
from dashboard.compare.columns import FEW, Column, Judged
from dashboard.compare.sides import Side
from dashboard.files import ImageFile
from dashboard.ground_truth import GroundTruthSet, JudgedImage
from detector import ssd
from detector.batch.run import Source, run
from detector.drawing import charts
from detector.errors import ImageError, LensError, ResultsError, ServingError
from detector.evaluation import bootstrap, curves, mending
from detector.evaluation.ground_truth import GroundTruth
from detector.evaluation.matching import Matches, at_floor, compare, match
from detector.evaluation.pairing import KIND_NAMES, Kind, pair
from detector.labels import name_of
from detector.report.document import Chart, Columns, Row, Section, Table, Text
from detector.translation import _, noted, plural

SETTINGS = ("further", "set_images", "set_measure", "set_class")
ALL_CLASSES = noted("All classes")
# What it is called -> its field of `Measures`.
MEASURES = {
    noted("AP at IoU 0.5"): "average_precision",
    noted("AP at IoU 0.5 to 0.95"): "coco_precision",
    noted("Precision"): "precision",
    noted("Recall"): "recall",
    noted("F1"): "f1",
}
MATCH_IOU = SAME_BOX_IOU = 0.5
MAX_SIDES = len(state.SIDES)  # that a session keeps, of 500 images some 10 MB each

# Of an image: its size and the model's prediction, or why there is none.
Said = tuple[tuple[int, int], ssd.RawPrediction] | LensError


@dataclass(frozen=True, eq=False)
class Image:
    """An image that both sides have answered.

    Attributes:
        raw: what the models of A and B say.
        found: the detections of both by their settings.
        everything: all of them at the floor, for evaluation.
    """

    file: ImageFile
    size: tuple[int, int]
    raw: tuple[ssd.RawPrediction, ssd.RawPrediction]
    found: tuple[ssd.Detections, ssd.Detections]
    everything: tuple[ssd.Detections, ssd.Detections]

    @property
    def judged(self) -> JudgedImage:
        return JudgedImage(self.file.name, self.file.digest, self.size)


@dataclass(frozen=True, eq=False)
class Further:
    """What a further model says.

    Attributes:
        everything: all its detections at the floor, by name of each image that it has answered.
        error: why it has not answered others.
    """

    side: Side
    everything: Mapping[str, ssd.Detections]
    error: LensError | None = None


def choose_further(a: Side) -> list[Side]:
    """The choice of further models, and the controls of each."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="further_models"):
        letters = st.pills(
            _("Further models"),
            [letter.upper() for letter in state.SIDES[2:]],
            selection_mode="multi",
            key="further",
            bind="query-params",
            help=_("A column each in the table, with the difference to A, and a curve."),
        )
        return [sides.show_further(letter.lower(), a) for letter in sorted(letters)]


def show(
    a: Side, b: Side, others: Sequence[Side]
) -> tuple[list[Image], list[Section], list[Further]]:
    """The whole mode below the sides. Returns the images, those that differ most first, what is
    said of them, and what the further models say. Raises ServingError."""
    files = whole_sets.choose(_("Images to compare over"), "set_images")
    bar = st.empty()
    asked = (a, b, *others)
    compared, refused = _compared(a, b, files, _Progress(bar, len(asked)))
    further = [
        _further(side, files, _Progress(bar, len(asked), number))
        for number, side in enumerate(others, start=2)
    ]
    bar.empty()
    if any(isinstance(each.error, answers.NO_ANSWER) for each in further):
        frame.try_again()
    for name, error in refused[:3]:
        st.warning(
            f"**{frame.plain(name)}**: {frame.plain(str(error))}", icon=":material/broken_image:"
        )
    if not compared:
        return [], [], further
    truth = _truth(compared)
    sections = _measures(a, b, further, compared, truth) if truth is not None else []
    in_order, agreement = _agreement(compared)
    return in_order, [*sections, agreement], further


@dataclass(frozen=True)
class _Progress:
    """A bar over the models that are asked, of which one is at its turn."""

    bar: DeltaGenerator
    models: int
    number: int = 0

    def tell(self, side: Side, count: int, total: int) -> None:
        self.bar.progress(
            (self.number + count / total) / self.models,
            _(
                "{side}: {count} of {total} images",
                side=side.letter.upper(),
                count=count,
                total=total,
            ),
        )


def _compared(
    a: Side, b: Side, files: Sequence[ImageFile], progress: _Progress
) -> tuple[list[Image], list[tuple[str, LensError]]]:
    """The images that both sides have answered, and why others have not been."""
    of_sides = [
        _answers(side, files, replace(progress, number=number))
        for number, side in enumerate((a, b))
    ]
    compared, refused = [], []
    for file, of_a, of_b in zip(files, *of_sides, strict=True):
        if isinstance(of_a, LensError) or isinstance(of_b, LensError):
            error = of_a if isinstance(of_a, LensError) else of_b
            assert isinstance(error, LensError)
            refused.append((file.name, error))
            continue
        size, raw_a = of_a
        _size, raw_b = of_b
        found, everything = [], []
        for side, raw in ((a, raw_a), (b, raw_b)):
            found.append(ssd.postprocess(raw, side.settings, size))
            everything.append(ssd.postprocess(raw, at_floor(side.settings), size))
        compared.append(
            Image(
                file,
                size,
                (raw_a, raw_b),
                (found[0], found[1]),
                (everything[0], everything[1]),
            )
        )
    return compared, refused


def _further(side: Side, files: Sequence[ImageFile], progress: _Progress) -> Further:
    """What a further model says. Where it says nothing the others are shown all the same."""
    try:
        said = _answers(side, files, progress)
    except LensError as error:
        return Further(side, {}, error)
    everything: dict[str, ssd.Detections] = {}
    lacking: LensError | None = None
    for file, each in zip(files, said, strict=True):
        if isinstance(each, LensError):
            lacking = lacking or each
        else:
            size, raw = each
            everything[file.name] = ssd.postprocess(raw, at_floor(side.settings), size)
    return Further(side, everything, lacking)


def _answers(side: Side, files: Sequence[ImageFile], progress: _Progress) -> list[Said]:
    """What the side's model says of each image, asked once while one compares over them: the
    store of single answers has no room for a large set. A file of results says it all at once."""
    if side.is_file:
        return _in_file(side, files)
    try:
        where, spec = sides.address_of(side.server), side.spec()
        version = answers.served_version(where, spec)
    except answers.NO_ANSWER:
        if side.letter in "ab":  # without these there is nothing to compare
            told = _(
                "{side} asks a model server. A results file needs none.", side=side.letter.upper()
            )
            st.caption(f":material/description: {told}")
        raise
    asked = " ".join(
        [where, spec.name, str(version), side.settings.tiles, *(file.digest for file in files)]
    )
    key = hashlib.sha256(asked.encode()).hexdigest()
    kept = dict(state.read(state.WholeSet).sides)
    said: list[Said] = kept.pop(key, None) or _asked(side, version, files, progress)
    if not any(isinstance(each, ServingError) for each in said):
        kept[key] = said
    state.update(state.WholeSet, sides=dict(list(kept.items())[-MAX_SIDES:]))
    return said


def _in_file(side: Side, files: Sequence[ImageFile]) -> list[Said]:
    sizes: dict[str, tuple[int, int]] = {}
    said: dict[str, Said] = {}
    for file in files:
        try:
            sizes[file.name] = results.size_of(file)
        except ImageError as error:
            said[file.name] = error.with_traceback(None)
    found = results.joined(side.server, list(sizes.items()))
    results.tell_left_out(side.server, found)
    for name, size in sizes.items():
        answer = found.answers.get(name)
        said[name] = ResultsError(found.lacking[name]) if answer is None else (size, answer.raw)
    return [said[file.name] for file in files]


def _asked(
    side: Side,
    version: int,
    files: Sequence[ImageFile],
    progress: _Progress,
) -> list[Said]:
    where, spec = sides.address_of(side.server), side.spec()
    runs = run(
        [Source(file.name, file.read) for file in files],
        answers.served(where, spec).at(version),
        config(),
        stored=answers.stored_answers(where, version, spec.name),
        tiling=side.settings.tiles,
    )
    done: dict[int, Said] = {}
    for result in runs:
        if result.error is not None:
            done[result.index] = result.error.with_traceback(None)
        elif result.size is not None and result.raw is not None:
            done[result.index] = (result.size, result.raw)
        progress.tell(side, len(done), len(files))
    return [done[index] for index in range(len(files))]


def _truth(compared: Sequence[Image]) -> GroundTruthSet | None:
    return whole_sets.truth_of(
        [image.judged for image in compared],
        _("Without ground truth there is agreement only: no side is better than the other."),
    )


def _judged(pairs: Sequence[tuple[GroundTruth, ssd.Detections]], settings: ssd.Settings) -> Judged:
    matches = match(compare(pairs, len(config().labels)), MATCH_IOU)
    weights = bootstrap.resamples(len(pairs))
    known = _precisions(_digest_of(pairs), matches, weights)
    return Judged(matches, bootstrap.measure(matches, settings, weights, known))


@st.cache_resource(show_spinner=False, scope="session", max_entries=2 * MAX_SIDES)
def _precisions(
    key: str, _matches: Matches, _weights: bootstrap.Weights
) -> dict[str, bootstrap.Floats]:
    """Of 500 images it takes seconds, and no threshold that is moved changes it."""
    return bootstrap.precisions(_matches, _weights)


def _digest_of(pairs: Sequence[tuple[GroundTruth, ssd.Detections]]) -> str:
    digest = hashlib.sha256()
    for truth, found in pairs:
        digest.update(f"{mending.digest_of(truth)} {len(found)} ".encode())
        for part in (found.boxes, found.scores, found.class_ids):
            digest.update(part.tobytes())
    return digest.hexdigest()


def _column(
    each: Further, a: Side, of_a: Judged, images: Sequence[Image], truth: GroundTruthSet
) -> Column:
    """A further model beside A: on the images that it has answered, where these are not all."""
    answered = [image for image in images if image.file.name in each.everything]
    lacking = len(images) - len(answered)
    if not answered:
        return Column(each.side, None, of_a, lacking, each.error)
    truths = [truth.by_image[image.file.name] for image in answered]
    found = [each.everything[image.file.name] for image in answered]
    own = _judged(list(zip(truths, found, strict=True)), each.side.settings)
    if not lacking:
        return Column(each.side, own, of_a)
    of_a_there = [image.everything[0] for image in answered]
    there = _judged(list(zip(truths, of_a_there, strict=True)), a.settings)
    return Column(each.side, own, there, lacking, each.error)


def _measures(
    a: Side,
    b: Side,
    further: Sequence[Further],
    compared: Sequence[Image],
    truth: GroundTruthSet,
) -> list[Section]:
    labels = labels_shown()
    with_truth = [image for image in compared if image.file.name in truth.by_image]
    if not with_truth:
        st.info(_("None of these images has ground truth."), icon=":material/data_object:")
        return []
    judged_a, judged_b = (
        _judged(
            [(truth.by_image[i.file.name], i.everything[number]) for i in with_truth], side.settings
        )
        for number, side in enumerate((a, b))
    )
    objects = columns.objects_of(judged_a, len(labels))
    total = sum(objects.values())
    of_a, of_b = judged_a.measures, judged_b.measures
    languages.understand("set_measure", MEASURES)
    chosen = st.segmented_control(
        _("Measure"),
        list(MEASURES),
        default=next(iter(MEASURES)),
        required=True,
        key="set_measure",
        format_func=_,
        bind="query-params",
    )
    name = MEASURES[chosen]
    overall = (of_a.overall[name], of_b.overall[name])
    verdict = _verdict_in_words(*overall, len(with_truth))
    st.markdown(f"#### {verdict}")
    every = [
        Column(a, judged_a, judged_a),
        Column(b, judged_b, judged_a),
        *(_column(each, a, judged_a, with_truth, truth) for each in further),
    ]
    if further:
        groups = [
            (_("Over all classes"), columns.over_all(every, MEASURES, total)),
            (
                _("{measure} by class", measure=_(chosen)),
                columns.by_class(every, name, objects, labels),
            ),
        ]
        columns.show(every, groups, labels)
        tables, how = columns.as_tables(every, groups), columns.how()
    else:
        rows = [(_("All classes"), total, *_row(*overall, total))]
        for class_id, count in objects.items():
            values = (getattr(of_a, name)[:, class_id], getattr(of_b, name)[:, class_id])
            rows.append((labels[class_id], count, *_row(*values, count)))
        _table(rows)
        tables = [_as_table(rows)]
        how = _(
            "Intervals: 95 % of {count} bootstrap resamples over the images, the same draws for"
            " both sides. Where an interval holds 0 the difference may be luck.",
            count=bootstrap.RESAMPLES,
        )
    st.caption(how)
    counted = [truth.by_image[image.file.name] for image in with_truth]
    left_out = ground_truth.tell_unread(counted, len(truth.not_counted))
    drawn = _charts(every, list(objects))
    notes = [Text(frame.unmarked(told), is_note=True) for told in (how, *left_out)]
    return [Section(f"{_(chosen)}: {verdict}", [*tables, *notes, drawn])]


def _charts(every: Sequence[Column], class_ids: Sequence[int]) -> Columns:
    """All curves in one chart, and what changes in the confusion matrix from A to B."""
    labels = config().labels
    judged = {each.side: each.own for each in every if each.own is not None}
    left, right = st.columns(2, gap="medium")
    with left:
        languages.understand("set_class", [ALL_CLASSES], labels[1:])
        chosen = st.selectbox(
            _("Precision against recall of"),
            [ALL_CLASSES, *(labels[class_id] for class_id in class_ids)],
            key="set_class",
            format_func=lambda name: _(name) if name == ALL_CLASSES else name_of(name),
            bind="query-params",
        )
        class_id = None if chosen == ALL_CLASSES else labels.index(chosen)
        precisions = [
            float(own.measures.overall["average_precision"][0])
            if class_id is None
            else float(own.measures.average_precision[0, class_id])
            for own in judged.values()
        ]
        rates = Chart(
            _(
                "Precision against recall of {label}",
                label=_(chosen) if class_id is None else name_of(chosen),
            ),
            charts.precision_recall_of_sides(
                {side.letter: curves.curve(own.matches, class_id) for side, own in judged.items()},
                precisions,
                [side.settings for side in judged],
                class_id,
            ),
            _(
                "Precision against recall of {sides}, with their average precision.",
                sides=", ".join(side.letter.upper() for side in judged),
            ),
        )
        st.plotly_chart(rates.figure, key="set_curves", config=charts.CONFIG, alt=rates.words)
    with right:
        st.markdown(_("**Confusion matrix**, B less A :gray[· green where B is better]"))
        of_a, of_b = (
            curves.confusion(own.matches, side.settings).counts
            for side, own in list(judged.items())[:2]
        )
        confusion = Chart(
            _("Confusion matrix, B less A: green where B is better"),
            charts.confusion_change(of_a, of_b, labels_shown()),
            _("Rows are the classes of the ground truth, columns those of the detections."),
        )
        st.plotly_chart(
            confusion.figure, key="set_confusion", config=charts.CONFIG, alt=confusion.words
        )
    return Columns([[rates], [confusion]])


def _row(
    of_a: bootstrap.Floats, of_b: bootstrap.Floats, count: int
) -> tuple[float, float, float, str, str]:
    """A, B, their difference, its interval and what that says."""
    difference = of_b - of_a
    low, high = bootstrap.interval(difference)
    held = "–" if math.isnan(low) else f"{low:+.2f} … {high:+.2f}"
    return float(of_a[0]), float(of_b[0]), float(difference[0]), held, _says(low, high, count)


def _says(low: float, high: float, count: int) -> str:
    if math.isnan(low):
        return "–"
    if low == high == 0:
        return _("no difference")
    if low <= 0 <= high:
        return _("may be luck")
    if count < FEW:
        return _("B is better, of few objects") if low > 0 else _("A is better, of few objects")
    return _("B is better") if low > 0 else _("A is better")


def _verdict_in_words(of_a: bootstrap.Floats, of_b: bootstrap.Floats, image_count: int) -> str:
    low, high = bootstrap.interval(of_b - of_a)
    if math.isnan(low):
        return _("Nothing to measure")
    places = {
        "a": f"{of_a[0]:.3f}",
        "b": f"{of_b[0]:.3f}",
        "low": f"{low:+.3f}",
        "high": f"{high:+.3f}",
    }
    if low > 0:
        return plural(
            "B is better over {count} image: {b} against {a}, by {low} to {high}",
            "B is better over {count} images: {b} against {a}, by {low} to {high}",
            image_count,
            **places,
        )
    if high < 0:
        return plural(
            "A is better over {count} image: {a} against {b}, B differs by {low} to {high}",
            "A is better over {count} images: {a} against {b}, B differs by {low} to {high}",
            image_count,
            **places,
        )
    return plural(
        "A {a}, B {b} over {count} image: the difference may be luck, it lies between {low} and"
        " {high}",
        "A {a}, B {b} over {count} images: the difference may be luck, it lies between {low} and"
        " {high}",
        image_count,
        **places,
    )


# Class, objects, A, B, difference, interval, and in words.
Measured = tuple[str, int, float, float, float, str, str]


def _as_table(rows: Sequence[Measured]) -> Table:
    """What `_table` shows."""
    names = (_("Class"), _("Objects"), "A", "B", _("B − A"), _("95 % interval"), _("In words"))
    cells = [
        (label, str(count), _figure(a), _figure(b), _figure(change, "+"), interval, says)
        for label, count, a, b, change, interval, says in rows
    ]
    return Table(names, [Row(each) for each in cells], frozenset({names[-1]}))


def _figure(value: float, sign: str = "") -> str:
    return paper.ABSENT if math.isnan(value) else f"{value:{sign}.3f}"


def _table(rows: Sequence[Measured]) -> None:
    columns = ["Class", "Objects", "A", "B", "Difference", "Interval", "Says"]
    paper.dataframe(
        pd.DataFrame(rows, columns=columns),
        key="set_measures",
        column_config={
            "Class": st.column_config.TextColumn(_("Class")),
            "Objects": st.column_config.NumberColumn(_("Objects"), format="%d"),
            "A": st.column_config.NumberColumn("A", format="%.3f"),
            "B": st.column_config.NumberColumn("B", format="%.3f"),
            "Difference": st.column_config.NumberColumn(_("B − A"), format="%+.3f"),
            "Interval": st.column_config.TextColumn(_("95 % interval")),
            "Says": st.column_config.TextColumn(_("In words")),
        },
        placeholder=paper.ABSENT,
    )


def _agreement(compared: Sequence[Image]) -> tuple[list[Image], Section]:
    """How often both sides say the same, and the images where they differ most. Returns the images
    in that order."""
    counts = [pair(*image.found, SAME_BOX_IOU).counts() for image in compared]
    totals = {kind: sum(each[kind] for each in counts) for kind in KIND_NAMES}
    st.markdown(f"#### {_('Where they differ')}")
    st.caption(" · ".join(f"{_(KIND_NAMES[kind])}: **{totals[kind]}**" for kind in KIND_NAMES))
    changed = [sum(n for kind, n in each.items() if kind is not Kind.BOTH) for each in counts]
    order = sorted(range(len(compared)), key=lambda index: -changed[index])
    rows = [
        (compared[i].file.name, changed[i], *(counts[i][kind] for kind in KIND_NAMES))
        for i in order
    ]
    files = [compared[index].file for index in order]

    @frame.callback
    def opened() -> None:
        chosen = state.widget("set_changed")["selection"]["rows"]
        if chosen:
            images.look_at(files[chosen[0]])
            state.set_widget("compare_mode", "A against B")
            state.update(state.WholeSet, opened=True)

    names = [_(KIND_NAMES[kind]) for kind in KIND_NAMES]
    paper.dataframe(
        pd.DataFrame(rows, columns=["Image", "Differences", *names]),
        key="set_changed",
        on_select=opened,
        selection_mode="single-row",
        height=min(36 * len(rows) + 38, 480),
        column_config={
            "Image": st.column_config.TextColumn(_("Image")),
            "Differences": st.column_config.NumberColumn(_("Differences"), format="%d"),
        },
    )
    st.caption(_("Click a row to open its image in the linked figure."))
    told = Text(
        " · ".join(f"{name}: {totals[kind]}" for kind, name in zip(Kind, names, strict=True))
    )
    listed = Table(
        (_("Image"), _("Differences"), *names), [Row([str(cell) for cell in row]) for row in rows]
    )
    return [compared[index] for index in order], Section(_("Where they differ"), [told, listed])
