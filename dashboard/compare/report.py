"""The reports of Compare: one image of both sides, many images of both, or several images."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from PIL.Image import fromarray

from dashboard import answers, frame, paper, report
from dashboard.answers import config, labels_shown
from dashboard.compare import columns, differences, grid, sides
from dashboard.compare.grid import Shown
from dashboard.compare.sides import Result, Side
from dashboard.compare.whole_set import Further, Image
from dashboard.files import ImageFile
from dashboard.media import screen_of
from detector import ssd
from detector.answers import LoadedImage
from detector.drawing.colors import class_color
from detector.evaluation.pairing import (
    KIND_COLORS,
    KIND_NAMES,
    Kind,
    Pairing,
    Standing,
    Verdict,
    pair,
    summary,
)
from detector.images import read_thumbnail
from detector.report.document import Columns, Part, Photo, Photos, Report, Row, Section, Table, Text
from detector.translation import _, noted, plural

MOST_DIFFERING = 10  # images of a whole set, each of them twice
READ_SIDE = 1000  # pixels of an image's longer side, of which the report's is made

PAIRS = noted(
    "Boxes of A and B are paired one to one where they overlap enough, the highest IoU first, the"
    " same class before another. A box that another threshold brings is in grey: it was not"
    " compared."
)
INTERVALS = noted(
    "The 95 % interval says how far a difference would move with other images of the same kind"
    " (bootstrap: the images are drawn again and again, with repetition). Where it holds 0, the"
    " difference may be luck."
)


def offer_sides(
    image: ImageFile,
    loaded: LoadedImage,
    a: Result,
    b: Result,
    pairing: Pairing,
    kinds: Sequence[Kind],
    standings: tuple[Standing, Standing] | None,
    verdicts: list[Verdict] | None,
    left_out: Sequence[str],
) -> None:
    """The button of the report on one image.

    Args:
        kinds: the rows of the pairing that are listed.
        left_out: what the measures leave out of the ground truth.
    """
    labels, display = labels_shown(), screen_of(loaded).display

    def make() -> Report:
        opened = report.opened(display)
        width, height = loaded.size
        groups, facts = [], [(_("Image"), f"{image.name} · {width} × {height} px")]
        for result in (a, b):
            answer = result.answer
            assert answer is not None
            photo = report.photo_of(
                image.name,
                opened,
                answer.raw,
                loaded.size,
                result.side.settings,
                labels,
                count=2,
                colors=_colors(pairing, result.side.letter),
            )
            groups.append(_group([photo], result.side, labels, result.heading))
            version, recorded_on = answer.model.version, answer.recorded_on
            facts.append(_side(result.side, labels, version, recorded_on))
        listed = _("Same box from IoU {iou}", iou=f"{pairing.iou_threshold:.2f}")
        shown: list[Part] = [Columns([[group] for group in groups]), Text(summary(pairing))]
        rows = differences.of_rows(pairing, kinds, verdicts)
        sections = [
            Section("", shown),
            Section(_("Differences"), [Text(listed, is_note=True), rows]),
        ]
        reading = [PAIRS]
        if standings is not None and verdicts is not None:
            told = frame.unmarked(differences.verdict_in_words(pairing, verdicts))
            notes = [differences.basis_in_words(), *left_out]
            judged: list[Part] = [Text(told), differences.of_standings(standings)]
            of_notes = [Text(note, is_note=True) for note in notes]
            sections.append(Section(_("Accuracy"), [*judged, *of_notes]))
            reading.append(report.MEASURES)
        title = _("A against B: {image}", image=image.name)
        return report.report(title, facts, sections, report.reading_of(groups[0], *reading))

    report.offer("compare_report", f"{Path(image.name).stem}-comparison", make)


def offer_whole_set(
    a: Side,
    b: Side,
    images: Sequence[Image],
    sections: Sequence[Section],
    further: Sequence[Further],
) -> None:
    """The button of the report on many images.

    Args:
        images: those that differ most first.
        sections: what is said of them.
    """
    if not images:
        return
    labels, limits = labels_shown(), config().image_limits
    sides_told = [_side(side, labels, _version(side)) for side in (a, b)]
    for each in further:
        if each.everything:
            sides_told.append(_side(each.side, labels, _version(each.side)))
        else:
            told = f"{each.side.name} · {columns.no_answer(each.error)}"
            sides_told.append((each.side.letter.upper(), told))

    def make() -> Report:
        drawn = images[:MOST_DIFFERING]
        of_sides: list[list[Photo]] = [[], []]
        for image in drawn:
            opened = fromarray(read_thumbnail(image.file.read(), READ_SIDE, limits))
            pairing = pair(*image.found, differences.SAME_BOX_IOU)
            for number, side in enumerate((a, b)):
                of_sides[number].append(
                    report.photo_of(
                        image.file.name,
                        opened,
                        image.raw[number],
                        image.size,
                        side.settings,
                        labels,
                        count=2 * len(drawn),
                        colors=_colors(pairing, side.letter),
                    )
                )
        groups = [
            _group(photos, side, labels, side.letter.upper())
            for photos, side in zip(of_sides, (a, b), strict=True)
        ]
        most = Text(_("The {most} images that differ most.", most=len(drawn)), is_note=True)
        shown: list[Part] = [
            *([most] if len(drawn) < len(images) else []),
            Columns([[g] for g in groups]),
        ]
        title = plural(
            "A against B over {count} image", "A against B over {count} images", len(images)
        )
        reading = report.reading_of(groups[0], PAIRS, report.MEASURES, INTERVALS)
        return report.report(title, sides_told, [*sections, Section(_("Images"), shown)], reading)

    report.offer("set_report", "comparison", make)


def offer_images(shown: Sequence[Shown], settings: ssd.Settings) -> None:
    """The button of the report on several images."""
    if not shown:
        return
    labels = labels_shown()

    def make() -> Report:
        photos = [
            report.photo_of(
                each.name,
                report.opened(screen_of(each.loaded).display),
                each.answer.raw,
                each.loaded.size,
                settings,
                labels,
                count=len(shown),
            )
            for each in shown
        ]
        group = Photos(photos, settings, labels, columns=min(len(photos), 3))
        *by_class, totals = grid.counts(shown, len(labels))
        rows = [
            Row(_cells(label, own), class_color(class_id), is_faint=not any(own))
            for class_id, (label, own) in enumerate(zip(labels[1:], by_class, strict=True), start=1)
        ]
        table = Table(
            (_("Class"), *(each.name for each in shown)),
            [*rows, Row(_cells(_("All classes"), totals))],
        )
        note = Text(_("Boxes a class; the difference from the first image in brackets."), True)
        models = {(each.answer.model.name, each.answer.model.version) for each in shown}
        facts = [
            *((_("Model"), report.model_in_words(*model)) for model in sorted(models)),
            (_("Settings"), paper.settings_in_words(settings, labels)),
        ]
        return report.report(
            plural("Compare: {count} image", "Compare: {count} images", len(shown)),
            facts,
            [Section("", [group]), Section(_("Boxes"), [table, note])],
            report.reading_of(group),
        )

    report.offer("images_report", "images", make)


def _cells(label: str, own: Sequence[int]) -> list[str]:
    changes = [grid.difference(count, own[0]) for count in own]
    return [
        label,
        *(
            f"{count} ({change})" if change else str(count)
            for count, change in zip(own, changes, strict=True)
        ),
    ]


def _version(side: Side) -> int:
    if side.is_file:
        return 0
    return answers.served_version(sides.address_of(side.server), side.spec())


def _side(
    side: Side, labels: Sequence[str], version: int, recorded_on: date | None = None
) -> tuple[str, str]:
    """What a side is made with."""
    told = [side.asked(version), paper.settings_in_words(side.settings, labels)]
    if recorded_on is not None:
        told.append(_("recorded on {date}", date=recorded_on))
    return side.letter.upper(), " · ".join(told)


def _group(photos: Sequence[Photo], side: Side, labels: Sequence[str], title: str) -> Photos:
    legend = [(KIND_COLORS[kind], _(KIND_NAMES[kind])) for kind in Kind]
    return Photos(photos, side.settings, labels, title, legend)


def _colors(pairing: Pairing, side: str) -> dict[str, str]:
    """The colours of the kinds, by the ids of a side's detections."""
    found = pairing.a if side == "a" else pairing.b
    kinds = pairing.kinds[pairing.rows_of(side)].tolist()
    return {name: KIND_COLORS[Kind(kind)] for name, kind in zip(found.ids, kinds, strict=True)}
