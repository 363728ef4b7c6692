"""Results of other detectors, in files that the visitor chose: each is a model on Thresholds and
Compare."""

from collections.abc import Mapping, Sequence

import streamlit as st

from dashboard import frame, state
from dashboard.answers import config, servers
from dashboard.files import ImageFile
from dashboard.images import alternatives
from detector.answers import Answer
from detector.errors import ImageError, LensError, ResultsError
from detector.formats import coco
from detector.formats.result_files import SUFFIXES, read_results
from detector.formats.results import Joined, Legend, Results
from detector.formats.typed_json import JsonError, parse
from detector.images import read_size
from detector.translation import _, language, noted, plural

NEEDS_RAW = noted(
    "X-ray, *Ask a place* and *Why this box?* need a model's raw prediction, all of its default"
    " boxes with their scores; a file of results has only the boxes that were kept. Choose a model"
    " server for these."
)
# Of what was left out, lines that are told at once.
MAX_TOLD = 8


def names() -> list[str]:
    """The files of the session."""
    return list(state.read(state.ResultsFiles).files)


def find(name: str) -> Results | None:
    """The results of that name; None where there are none."""
    return state.read(state.ResultsFiles).files.get(name)


def joined(name: str, images: Sequence[tuple[str, tuple[int, int]]]) -> Joined:
    """The answers of a file for images.

    Args:
        images: (name, size) of each.

    Raises:
        ResultsError: it has none for them.
    """
    results = state.read(state.ResultsFiles).files[name]
    return _joined(key_of(name), tuple(images), language.get(), results, _mapping())


def key_of(name: str) -> str:
    """The same for the same file, with the same meaning of its ids and class names."""
    kept = state.read(state.ResultsFiles)
    truth = state.read(state.GroundTruthFiles)
    parts = (name, kept.files[name].digest, kept.legend.digest, truth.digest)
    return " ".join((*parts, repr(sorted(_mapping().items()))))


def _mapping() -> dict[str, str | None]:
    """What the visitor says of class names, of the ground truth or of the results."""
    truth = state.read(state.GroundTruthFiles)
    return {**state.read(state.ResultsFiles).mapping, **truth.class_names}


@st.cache_resource(show_spinner=False, scope="session", max_entries=8)
def _joined(
    key: str,
    images: tuple[tuple[str, tuple[int, int]], ...],
    spoken: str,
    _results: Results,
    _mapping: Mapping[str, str | None],
) -> Joined:
    try:
        legend = _legend(_results) if _results.has_ids else Legend()
        return _results.joined(dict(images), config().labels, _mapping, legend)
    except ResultsError as error:
        raise error.with_traceback(None) from None


def _legend(results: Results) -> Legend:
    """What ids mean: by the annotations chosen with the results, then by the ground truth; those of
    images also by the gallery's."""
    legend: Legend = state.read(state.ResultsFiles).legend
    for name, data in state.read(state.GroundTruthFiles).files:
        if name.lower().endswith(".json"):
            legend = legend.over(_legend_in(data))
    gallery = config().samples_path / "annotations.json"
    if gallery.exists():
        legend = legend.over(Legend(_legend_in(gallery.read_bytes()).images))
    return legend


def _legend_in(data: bytes) -> Legend:
    try:
        return coco.legend_of(parse(data))
    except JsonError:
        return Legend()


def answer_of(name: str, image: ImageFile, size: tuple[int, int]) -> Answer:
    """What a file says of one image, in the company of those beside it on the strip.

    Raises:
        ResultsError: it says nothing of it, or cannot be used for these images.
    """
    sizes = {image.name: size}
    for other in alternatives()[1]:
        if other.name not in sizes:
            try:
                sizes[other.name] = size_of(other)
            except ImageError:
                continue
    found = joined(name, list(sizes.items()))
    if image.name in found.lacking:
        raise ResultsError(found.lacking[image.name], _("Choose another image, or a model server."))
    return found.answers[image.name]


def answer_or_reason(name: str, image: ImageFile, size: tuple[int, int]) -> Answer | None:
    """The same; the page says why there is none."""
    try:
        return answer_of(name, image, size)
    except ResultsError as error:
        frame.show_error(error)
        return None


def size_of(image: ImageFile) -> tuple[int, int]:
    """(width, height) of the upright image. Raises ImageError."""
    return _size_of(image.digest, image)


@st.cache_data(show_spinner=False, max_entries=2000)
def _size_of(digest: str, _image: ImageFile) -> tuple[int, int]:
    return read_size(_image.read(), config().image_limits)


def chosen() -> str:
    """The file that Thresholds is about; "" = the model server."""
    name = state.read(state.ResultsFiles).chosen
    return name if find(name) is not None else ""


def choose() -> None:
    """On Thresholds: whose boxes they are."""
    current = chosen()
    label = frame.plain(current) if current else _("Model server")
    with st.popover(label, icon=icon_of(current), key="boxes_of", type="tertiary"):
        options = ["", *names()]
        key = "results_chosen"
        state.set_widget(key, current)
        st.radio(
            _("Boxes of"),
            options,
            key=key,
            format_func=lambda name: name or _("The model server"),
            on_change=_choose,
        )
        show_files("thresholds")


def icon_of(name: str) -> str:
    """Of a file, or of a server where there is none of that name."""
    return ":material/dns:" if find(name) is None else ":material/description:"


@frame.callback
def _choose() -> None:
    take(str(state.widget("results_chosen")))


def take(name: str) -> None:
    """Thresholds is about that file from now on. For callbacks."""
    state.update(state.ResultsFiles, chosen=name)
    state.write(state.Pick())


def show_files(place: str, letter: str = "") -> None:
    """The uploader, and what the files that the session has are.

    Args:
        place: where it stands, for its keys.
        letter: of the side of Compare that takes what is chosen; "": Thresholds does.
    """
    kept = state.read(state.ResultsFiles)
    # Another key is an empty uploader: what was taken is listed below it.
    key = f"results_{place}_{kept.taken}"
    st.file_uploader(
        _("Results of any detector: COCO (JSON), YOLO texts with confidences, CSV, or a ZIP file"),
        type=[suffix.removeprefix(".") for suffix in (*sorted(SUFFIXES), ".zip")],
        accept_multiple_files=True,
        key=key,
        on_change=_take,
        args=(key, letter),
        help=_(
            "Images are found by their names. With a COCO list of results, which has only ids,"
            " choose the annotations file of the data set too; with YOLO texts the list of their"
            " class names; and a class-names.json where classes are called otherwise."
        ),
    )
    for refused in kept.refused:
        st.warning(frame.refused_line(refused), icon=":material/broken_image:")
    for name, results in kept.files.items():
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.caption(f"**{frame.plain(name)}** · {in_words(results)}")
            st.button(
                _("Remove"),
                icon=":material/delete:",
                type="tertiary",
                key=f"forget_results_{place}_{name}",
                on_click=_forget,
                args=(name,),
            )


@frame.callback
def _forget(name: str) -> None:
    kept = state.read(state.ResultsFiles)
    files = {other: each for other, each in kept.files.items() if other != name}
    state.update(state.ResultsFiles, files=files)
    compared = dict(state.read(state.Comparison).kept)
    for key in (
        f"server_{letter}" for letter in state.SIDES
    ):  # a side that showed it is the model server's again
        if state.widget(key) == name:
            state.set_widget(key, next(iter(servers())))
        if compared.get(key) == name:
            del compared[key]
    state.update(state.Comparison, kept=compared)


@frame.callback
def _take(key: str, letter: str) -> None:
    """Callback: read what is in the uploader, and show the first of it."""
    kept = state.read(state.ResultsFiles)
    given = [(file.name, file.getvalue()) for file in state.widget(key) or ()]
    if not given:
        return
    read = read_results(given, config().labels)
    files = dict(kept.files)
    taken = []
    for results in read.results:
        name, number = results.name, 2
        while name in files and files[name].digest != results.digest:
            name, number = f"{results.name} ({number})", number + 1
        files[name] = results.named(name)
        taken.append(name)
    refused = [_refused(name, error) for name, error in read.refused]
    if not taken and not refused:
        message = _("no detections; what it says of ids and class names is kept")
        refused = [state.RefusedFile(given[0][0], message, "")]
    state.update(
        state.ResultsFiles,
        files=files,
        legend=read.legend.over(kept.legend),
        mapping={**kept.mapping, **read.mapping},
        refused=tuple(refused),
        taken=kept.taken + 1,
    )
    if taken and letter:
        state.set_widget(f"server_{letter}", taken[0])
    elif taken:
        take(taken[0])


def _refused(name: str, error: LensError) -> state.RefusedFile:
    return state.RefusedFile(name, str(error), error.hint)


def in_words(results: Results) -> str:
    """How much is in a file, and its lowest score: no threshold shows what it lacks."""
    return " · ".join(
        (
            plural("{count} detection", "{count} detections", len(results)),
            plural("{count} image", "{count} images", len(results.images)),
            plural("{count} class", "{count} classes", len(results.classes)),
            _("lowest score {score}", score=f"{results.lowest_score:.3f}"),
        )
    )


def tell(name: str) -> None:
    """Beside boxes of a file: what it is, and what that means for the thresholds."""
    results = find(name)
    if results is None:
        return
    st.caption(
        _(
            ":material/description: **Results file** {file}: {summary}. A threshold"
            " below that shows no more, and NMS has only these boxes.",
            file=frame.plain(name),
            summary=in_words(results),
        )
    )


def tell_left_out(name: str, found: Joined) -> None:
    """What of a file was not used for these images, and what was taken for something."""
    told = left_out_in_words(found)
    if not told:
        return
    title = plural("{count} remark on {file}", "{count} remarks on {file}", len(told), file=name)
    with st.expander(frame.plain(title), icon=":material/rule:"):
        for line in told[:MAX_TOLD]:
            st.caption(frame.plain(line))
        if len(told) > MAX_TOLD:
            st.caption(_("… and {count} more.", count=len(told) - MAX_TOLD))


def left_out_in_words(found: Joined) -> list[str]:
    """The same, a line each."""
    return [*map(str, found.problems), *(f"{n}: {why}" for n, why in found.lacking.items())]
