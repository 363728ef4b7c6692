"""Several images next to each other under the same settings, and what they differ in by class."""

import html
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import streamlit as st

from dashboard import answers, controls, following, frame, images, languages, paper, state
from dashboard.answers import config, labels_shown
from dashboard.files import ImageFile
from dashboard.media import boxes_html, photo_url, prepare, screen_of
from detector import ssd
from detector.answers import Answer, LoadedImage
from detector.drawing import photo
from detector.drawing.colors import class_color
from detector.labels import name_of
from detector.translation import _, noted

SETTINGS = ("score_all", "iou_all", "agnostic_all", "tiles_all", "most_of")
AS_CHOSEN, ALL = noted("As chosen"), noted("All classes")
FEWEST, MOST = 2, 12
# (width, height) that an image of the grid is fitted into: its row is some 230 high.
_USUAL_SIZE = (10**6, 230)
# What the page opens with; another gallery opens with its first ones.
OPENS_WITH = ("electronics_flatlay.jpg", "outfit_flatlay.jpg", "workplace_wide.jpg")


@dataclass(frozen=True)
class Offered:
    """An image that can be chosen.

    Attributes:
        give: reads it.
        thumbnail: gives it as a small data URI; None: it is on no strip.
    """

    give: Callable[[], ImageFile]
    thumbnail: Callable[[], str] | None = None


@dataclass(frozen=True, eq=False)
class Shown:
    """An image of the grid, under its name there."""

    name: str
    image: ImageFile
    loaded: LoadedImage
    answer: Answer
    detections: ssd.Detections


def show() -> tuple[list[Shown], ssd.Settings]:
    """The choice of images, one set of controls, the grid, and the table of differences. Returns
    what it shows."""
    chosen = _chosen()
    settings = _controls()
    shown = [_detected(name_of(name), image, settings) for name, image in chosen.items()]
    if len(shown) < FEWEST:
        st.info(
            _("Pick {fewest} to {most} images to compare.", fewest=FEWEST, most=MOST),
            icon=":material/add_photo_alternate:",
        )
    if shown:
        shown = _sorted(shown)
        paper.settings(settings, labels_shown())
        _grid(shown, settings)
        _table(shown)
    return shown, settings


def _chosen() -> dict[str, ImageFile]:
    """The chosen images by their names."""
    there = _available()
    _restore_choice(there)
    with st.popover(_("Add images"), icon=":material/add_photo_alternate:", key="add"):
        _add()
    strip = st.container()
    samples = images.samples()
    first = [sample.title for sample in samples if sample.file_name in OPENS_WITH]
    languages.understand("pictures", (), there, several=True)
    chosen = st.multiselect(
        _("Images"),
        list(there),
        format_func=name_of,
        default=first or [sample.title for sample in samples[:3]],
        max_selections=MOST,
        key="pictures",
        bind="query-params",
        placeholder=_("{fewest} to {most} images", fewest=FEWEST, most=MOST),
    )
    with strip:
        _strip(there, chosen)
    comparison = state.update(state.Comparison, images=tuple(chosen))
    frame.show_refused(comparison.refused)
    left_out = [name for name in comparison.left_out if name in there and name not in chosen]
    if left_out:
        st.warning(
            _(
                "No more than {most} images fit here. Left out: {names}. Take others out to"
                " choose them.",
                most=MOST,
                names=", ".join(map(frame.plain, left_out)),
            ),
            icon=":material/filter_none:",
        )
    return {name: there[name].give() for name in chosen}


def _strip(there: Mapping[str, Offered], chosen: Sequence[str]) -> None:
    """Thumbnails: each is taken into the grid, or out of it."""
    offered = {name: each.thumbnail for name, each in there.items() if each.thumbnail is not None}
    names = list(offered)
    # Set on every run: the field below says what is chosen, too.
    state.set_widget("picture_strip", [name for name in names if name in chosen])
    images.style_strip("picture_strip", [thumbnail() for thumbnail in offered.values()])
    st.pills(
        _("Images to choose from"),
        names,
        selection_mode="multi",
        key="picture_strip",
        format_func=lambda name: frame.plain(name_of(name)),
        label_visibility="collapsed",
        wrap=False,
        on_change=_toggle,
        args=(names,),
    )


@frame.callback
def _toggle(names: Sequence[str]) -> None:
    """Callback: the grid has what is marked on the strip, and what is on no strip."""
    marked, chosen = state.widget("picture_strip"), state.widget("pictures")
    state.set_widget("pictures", [n for n in chosen if n in marked or n not in names])
    _choose_too([name for name in marked if name not in chosen])


def _restore_choice(there: Container[str]) -> None:
    """What was chosen, less what has been removed on another page."""
    if state.has_widget("pictures"):
        names = [name for name in state.widget("pictures") if name in there]
        if names != state.widget("pictures"):
            state.set_widget("pictures", names)
        return
    kept = [name for name in state.read(state.Comparison).images or () if name in there]
    if kept and "pictures" not in st.query_params:
        state.set_widget("pictures", kept)


def _add() -> None:
    # The browser asks for the camera as soon as its widget is there.
    source = st.segmented_control(
        _("From"), ("Files", "Camera"), default="Files", required=True, format_func=_
    )
    if source == "Files":
        st.file_uploader(
            _("Files"),
            accept_multiple_files=True,
            max_upload_size=config().max_upload_mb,
            key="compare_upload",
            on_change=_add_files,
            label_visibility="collapsed",
        )
    else:
        images.camera("compare_camera", 400, _add_photo)


def _available() -> dict[str, Offered]:
    """The images at hand by name: the gallery's by their titles, then uploads, then the photo,
    then what was uploaded on Batch."""
    found = {
        sample.title: Offered(
            partial(images.sample_image, sample.file_name),
            partial(images.sample_thumbnail, sample.file_name),
        )
        for sample in images.samples()
    }

    def add(name: str, kind: str, offered: Offered) -> None:
        found[f"{name} ({kind})" if name in found else name] = offered

    for name, image in state.read(state.Uploads).files.items():
        add(name, "upload", Offered(partial(image.named, name), partial(_thumbnail, image)))
    photo_taken = state.read(state.Choice).photo
    if photo_taken is not None:
        named = partial(photo_taken.named, photo_taken.name)
        add("Camera", "photo", Offered(named, partial(_thumbnail, photo_taken)))
    for name, give in images.of_batch().items():
        add(name, "batch", Offered(give))
    return found


def _thumbnail(image: ImageFile) -> str:
    return screen_of(prepare(image)).thumbnail


@frame.callback
def _add_files() -> None:
    """Files come to the uploads that Detect has too; what can't be read is named."""
    before = state.read(state.Uploads)
    known = {image.digest for image in before.files.values()}
    added = images.add_uploads(state.widget("compare_upload"))
    refused = state.read(state.Uploads).refused
    state.update(state.Uploads, refused=before.refused)  # Detect tells its own
    state.update(state.Comparison, refused=refused)
    files = state.read(state.Uploads).files
    _choose_too([name for _file, name in added if files[name].digest not in known])


@frame.callback
def _add_photo() -> None:
    taken = state.widget("compare_camera")
    if taken is not None:
        images.keep_photo(taken.getvalue())
        _choose_too(["Camera"])


def _choose_too(names: Sequence[str]) -> None:
    chosen = state.widget("pictures")
    wanted = [*chosen, *(name for name in names if name not in chosen)]
    state.set_widget("pictures", wanted[:MOST])
    state.update(state.Comparison, left_out=tuple(wanted[MOST:]))


def _controls() -> ssd.Settings:
    """One set for all images."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium", key="all_knobs"):
        score = controls.slider(
            _("Score threshold"),
            "score_all",
            controls.DEFAULTS.score_threshold,
            controls.SCORE_HELP,
        )
        iou = controls.slider(
            _("IoU threshold"), "iou_all", controls.DEFAULTS.iou_threshold, controls.IOU_HELP
        )
        agnostic = st.toggle(
            _("Class-agnostic NMS"),
            key="agnostic_all",
            bind="query-params",
            help=_(controls.AGNOSTIC_HELP),
        )
    return ssd.Settings(
        score_threshold=score,
        iou_threshold=iou,
        class_agnostic=agnostic,
        tiles=controls.choose_tiles("tiles_all"),
    )


def _detected(name: str, image: ImageFile, settings: ssd.Settings) -> Shown:
    """The image's detections; the server is asked once an image. Raises ServingError."""
    loaded = prepare(image)
    answer = answers.answer_for(image, loaded, settings.tiles)
    return Shown(name, image, loaded, answer, answer.detections(settings))


def _sorted(shown: Sequence[Shown]) -> list[Shown]:
    """The images with the most boxes of a class first, where one is chosen to sort by."""
    labels = config().labels
    languages.understand("most_of", (AS_CHOSEN, ALL), labels[1:])
    by = st.pills(
        _("Which has most?"),
        (AS_CHOSEN, ALL, *labels[1:]),
        default=AS_CHOSEN,
        required=True,
        key="most_of",
        format_func=lambda name: _(name) if name in (AS_CHOSEN, ALL) else name_of(name),
        bind="query-params",
        wrap=True,
        help=_("Sorts the images by how many boxes of the class each has."),
    )
    if by == AS_CHOSEN:
        return list(shown)

    def count(each: Shown) -> int:
        if by == ALL:
            return len(each.detections)
        return int((each.detections.class_ids == labels.index(by)).sum())

    return sorted(shown, key=count, reverse=True)


def _grid(shown: Sequence[Shown], settings: ssd.Settings) -> None:
    """The annotated images. HTML: twelve charts would take the browser a second to draw."""
    labels = labels_shown()
    cells = []
    for each in shown:
        width, height = each.loaded.size
        summary = photo.summary(each.detections, labels)
        alt = html.escape(f"{each.name}: {summary}")
        boxes = boxes_html(each.detections, each.loaded.size, labels, _USUAL_SIZE)
        cells.append(
            f'<figure style="--aspect:{width / height:.4f}"><div class="shot">'
            f'<img src="{photo_url(each.image, each.loaded)}" alt="{alt}">{boxes}</div>'
            f"<figcaption><b>{html.escape(each.name)}</b><br>{html.escape(summary)}</figcaption>"
            "</figure>"
        )
    with st.container(key="grid"):
        st.html(f'<div class="lens-grid">{"".join(cells)}</div>')
        following.component(
            "grid",
            [following.Slider("score_all")],
            [following.view(each.image, each.answer, settings) for each in shown],
        )


def _table(shown: Sequence[Shown]) -> None:
    """Boxes a class in each image, and how many more or fewer than in the first one."""
    labels = labels_shown()
    heads = "".join(
        f'<th scope="col"><img src="{screen_of(each.loaded).thumbnail}" alt="">'
        f"<span>{html.escape(each.name)}</span>"
        for each in shown
    )
    *by_class, totals = counts(shown, len(labels))
    most = max(max(own) for own in by_class)
    rows = []
    for class_id, own in enumerate(by_class, start=1):
        label = html.escape(labels[class_id])
        rows.append(
            f'<tr{"" if any(own) else " class=none"}><th scope="row">'
            f'<i style="background:{class_color(class_id)}"></i>{label}</th>'
            f"{_cells(own, most, class_color(class_id))}</tr>"
        )
    total = _cells(totals, max(totals), "#8795A1")
    rows.append(f'<tr class="total"><th scope="row">{_("All classes")}</th>{total}</tr>')
    with st.container(key="by_picture"):
        st.html(
            '<div class="lens-wide"><table class="lens-classes lens-pictures"'
            f' style="min-width:{7 + 5 * len(shown)}rem"><thead><tr>'
            f'<th scope="col">{_("Class")}{heads}</tr></thead>'
            f"<tbody>{''.join(rows)}</tbody></table></div>"
        )
    st.caption(_("Boxes a class; the small number is the difference from the first image."))


def counts(shown: Sequence[Shown], class_count: int) -> list[list[int]]:
    """The boxes in each image: a list a class from the first on, and one of all classes.

    Args:
        class_count: background included.
    """
    counted = np.array(
        [np.bincount(each.detections.class_ids, minlength=class_count) for each in shown]
    ).T[1:]
    return [*counted.tolist(), counted.sum(axis=0).tolist()]


def difference(count: int, first: int) -> str:
    """From the first image's; "" where there is none."""
    return f"{count - first:+d}" if count != first else ""


def _cells(own: Sequence[int], most: int, color: str) -> str:
    """A bar and a number an image.

    Args:
        most: what the longest bar stands for.
    """
    return "".join(
        f'<td><span class="bar" style="width:{count / max(most, 1):.0%};background:{color}"></span>'
        f"<b>{count}</b><small>{difference(count, own[0])}</small></td>"
        for count in own
    )
