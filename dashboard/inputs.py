"""Where a picture comes from: the gallery's samples, files, or the camera."""

import base64
import io
import json
from dataclasses import dataclass
from urllib.parse import urlsplit

import streamlit as st
from PIL import Image
from streamlit.runtime.uploaded_file_manager import UploadedFile

from dashboard.layout import plain
from dashboard.session import Picture, config, prepare
from detector.errors import ImageError

SOURCES = {
    "Samples": ":material/photo_library:",
    "Upload": ":material/upload:",
    "Camera": ":material/photo_camera:",
}
# A session keeps its uploads in memory.
MAX_PICTURES = 24


@dataclass(frozen=True)
class Sample:
    """A gallery picture: its title, its file, and what a screen reader says of it."""

    title: str
    file_name: str


@st.cache_data(show_spinner=False, max_entries=1)
def samples() -> list[Sample]:
    """The gallery, in the order of samples/annotations.json."""
    listed = json.loads((config().samples_path / "annotations.json").read_text("utf-8"))["images"]
    return [Sample(image["title"], image["file_name"]) for image in listed]


def choose() -> Picture:
    """The picture to look at. Never none: what was shown stays until another one is there."""
    left, right = st.columns([1, 2], vertical_alignment="center")
    with left:
        source = st.segmented_control(
            "Picture from",
            list(SOURCES),
            default="Samples",
            required=True,
            format_func=str,
            key="source",
            label_visibility="collapsed",
            bind="query-params",
        )
    hint = right.empty()
    if source == "Upload":
        chosen = _from_files(hint)
    elif source == "Camera":
        chosen = _from_camera(hint)
    else:
        hint.caption("Pictures that come with the dashboard. Pick one, or bring your own.")
        return _from_samples()
    return chosen or _sample_picture(_sample_titles()[st.session_state.get("last_sample", 0)])


def _from_samples() -> Picture:
    titles = _sample_titles()
    _strip_style("sample", [_sample_thumbnail(sample.file_name) for sample in samples()])
    title = st.pills(
        "Sample",
        titles,
        default=titles[0],
        required=True,
        key="sample",
        label_visibility="collapsed",
        bind="query-params",
        wrap=False,
    )
    st.session_state["last_sample"] = titles.index(title)
    return _sample_picture(title)


def _sample_titles() -> list[str]:
    return [sample.title for sample in samples()]


@st.cache_data(show_spinner=False, max_entries=32)
def _sample_picture(title: str) -> Picture:
    file_name = next(s.file_name for s in samples() if s.title == title)
    return Picture(file_name, (config().samples_path / file_name).read_bytes())


@st.cache_data(show_spinner=False, max_entries=64)
def _sample_thumbnail(file_name: str) -> str:
    return thumbnail((config().samples_path / file_name).read_bytes())


def thumbnail(data: bytes, side: int = 160) -> str:
    """Data URI of a small JPEG of an encoded picture that can be opened."""
    with Image.open(io.BytesIO(data)) as image:
        image.draft("RGB", (side, side))
        small = image.convert("RGB")
    small.thumbnail((side, side))
    encoded = io.BytesIO()
    small.save(encoded, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(encoded.getvalue()).decode()


def _from_files(hint: st.delta_generator.DeltaGenerator) -> Picture | None:
    kept: dict[str, Picture] = st.session_state.setdefault("uploads", {})
    st.file_uploader(
        "Pictures",
        accept_multiple_files=True,
        key="upload",
        label_visibility="collapsed",
        on_change=_keep_uploads,
    )
    limit = config().max_upload_mb
    hint.caption(f"JPEG, PNG, WebP, TIFF, HEIC and others, up to {limit} MB each.")
    for name, error in st.session_state.get("refused", {}).items():
        show_refusal(name, error)
    if not kept:
        return None
    names = list(kept)
    # The choice is a plain key too, since a widget's own is gone after a page switch.
    if st.session_state.get("picture") not in names:
        last = st.session_state.get("last_picture")
        st.session_state["picture"] = last if last in names else names[-1]
    if len(names) > 1:
        _strip_style("picture", [_upload_thumbnail(picture) for picture in kept.values()])
        st.pills(
            "Uploaded pictures",
            names,
            required=True,
            format_func=plain,
            key="picture",
            label_visibility="collapsed",
            wrap=False,
        )
    st.session_state["last_picture"] = st.session_state["picture"]
    return kept[st.session_state["picture"]]


def _keep_uploads() -> None:
    """Copy what is in the uploader: its own files are gone after a page switch."""
    files: list[UploadedFile] = st.session_state["upload"]
    kept: dict[str, Picture] = st.session_state.setdefault("uploads", {})
    before: dict[str, str] = st.session_state.get("upload_ids", {})
    st.session_state["refused"] = {}
    # A file that was taken out of the uploader goes; one from before a page switch stays.
    for file_id in before.keys() - {file.file_id for file in files}:
        kept.pop(before[file_id], None)
    names: dict[str, str] = {}
    for file in files:
        if file.file_id in before:
            names[file.file_id] = before[file.file_id]
            continue
        picture = Picture(file.name, file.getvalue())
        name = _free_name(picture, kept)
        try:
            if len(kept) >= MAX_PICTURES:
                raise ImageError(
                    f"There are already {MAX_PICTURES} pictures.", "Remove one, then add this one."
                )
            prepare(picture.digest, picture.data)
        except ImageError as error:
            st.session_state["refused"][file.name] = error
            continue
        kept[name] = picture
        names[file.file_id] = name
        st.session_state["picture"] = name
    st.session_state["upload_ids"] = names


def _free_name(picture: Picture, kept: dict[str, Picture]) -> str:
    """The file's name, or the name with a number when another picture has it already."""
    name, number = picture.name, 2
    while name in kept and kept[name].digest != picture.digest:
        name, number = f"{picture.name} ({number})", number + 1
    return name


def _upload_thumbnail(picture: Picture) -> str:
    return thumbnail(prepare(picture.digest, picture.data).display)


def _from_camera(hint: st.delta_generator.DeltaGenerator) -> Picture | None:
    where = urlsplit(st.context.url or "")
    if where.scheme == "http" and where.hostname not in ("localhost", "127.0.0.1", "::1"):
        st.warning(
            "The browser gives the camera to pages on https or localhost only, and this page is on "
            f"plain http ({where.hostname}). Open it through https, or use Upload.",
            icon=":material/no_photography:",
        )
    taken = st.camera_input(
        "Camera", key="camera", label_visibility="collapsed", resolution="720p", width=560
    )
    hint.caption("Take a photo: it goes to the model server and nowhere else.")
    if taken is not None:
        st.session_state["photo"] = Picture("camera.jpg", taken.getvalue())
    return st.session_state.get("photo")


def show_refusal(name: str, error: ImageError) -> None:
    """Say which file could not be used, why, and what to do."""
    st.error(
        f"**{plain(name)}**: {plain(str(error))} {plain(error.hint)}",
        icon=":material/broken_image:",
    )


def _strip_style(key: str, thumbnails: list[str]) -> None:
    """Make the pills of that key a strip of pictures: the label stays as text under each."""
    rules = "".join(
        f'.st-key-{key} button:nth-of-type({number})::before{{background-image:url("{uri}")}}'
        for number, uri in enumerate(thumbnails, start=1)
    )
    st.html(f"<style>{rules}</style>")
