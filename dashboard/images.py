"""Where a picture comes from: the gallery's samples, files, or the camera."""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from dashboard import frame
from dashboard.answers import THUMBNAIL_SIDE, Picture, config, jpeg_uri, prepare
from detector import images
from detector.errors import ConfigError, ImageError

SOURCES = ("Samples", "Upload", "Camera")
# A session keeps its uploads in memory.
MAX_PICTURES = 24


@dataclass(frozen=True)
class Sample:
    """A gallery picture."""

    title: str
    file_name: str


@st.cache_data(show_spinner=False, max_entries=1)
def samples() -> list[Sample]:
    """The gallery, in the order of its annotations.json. Raises ConfigError."""
    file = config().samples_path / "annotations.json"
    try:
        listed = json.loads(file.read_text("utf-8"))["images"]
        found = [Sample(image["title"], image["file_name"]) for image in listed]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise ConfigError(
            f"The gallery's {file} cannot be read: {error!r}",
            "Name a folder with pictures and a COCO annotations.json whose images have titles.",
        ) from error
    if not found:
        raise ConfigError(f"The gallery's {file} lists no images.", "Add one, or name another.")
    return found


@st.cache_data(show_spinner=False, max_entries=64)
def sample_picture(file_name: str) -> Picture:
    """The gallery's picture in that file. Raises ConfigError."""
    path = config().samples_path / file_name
    try:
        return Picture(file_name, path.read_bytes())
    except OSError as error:
        raise ConfigError(
            f"The gallery's {path} cannot be read: {error.strerror}",
            "Put the picture there, or take it out of annotations.json.",
        ) from error


def choose() -> Picture:
    """The picture to look at. Never none: what was shown stays until another one is there."""
    left, right = st.columns([1, 2], vertical_alignment="center")
    with left:
        source = st.segmented_control(
            "Picture from",
            SOURCES,
            default="Samples",
            required=True,
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
    return chosen or sample_picture(samples()[st.session_state.get("last_sample", 0)].file_name)


def alternatives() -> tuple[str, list[Picture]]:
    """All pictures that the chosen source has, the gallery's where it has none yet; and what these
    are, in words."""
    source = st.session_state.get("source", SOURCES[0])
    uploads: dict[str, Picture] = st.session_state.get("uploads", {})
    if source == "Upload" and uploads:
        # Under the names on the strip: two files may have the same.
        return "All uploads", [Picture(name, picture.data) for name, picture in uploads.items()]
    if source == "Camera" and "photo" in st.session_state:
        return "The photo", [st.session_state["photo"]]
    return "The gallery", [sample_picture(sample.file_name) for sample in samples()]


def titles_by_digest() -> dict[str, str]:
    """The samples' titles by the digests of their files; what cannot be read is left out, so that
    uploads don't depend on the gallery."""
    found = {}
    with suppress(ConfigError):
        for sample in samples():
            with suppress(ConfigError):
                found[sample_picture(sample.file_name).digest] = sample.title
    return found


def look_at(picture: Picture) -> None:
    """Choose that picture. For callbacks: the strips must not have been drawn yet.

    One that no strip has is kept aside, for `looked_at`.
    """
    st.session_state.pop("looked_at", None)
    uploads: dict[str, Picture] = st.session_state.get("uploads", {})
    if (title := titles_by_digest().get(picture.digest)) is not None:
        st.session_state.update(source="Samples", sample=title)
        return
    for name, upload in uploads.items():
        if upload.digest == picture.digest:
            st.session_state.update(source="Upload", picture=name, last_picture=name)
            return
    if st.session_state.get("photo") != picture:
        st.session_state["looked_at"] = picture


def open_in_detect(picture: Picture) -> None:
    """Choose that picture for Detect: a sample as it is, another among the uploads.

    Call it where the strips are not drawn. Of the uploads the oldest goes when there are too many.
    """
    uploads: dict[str, Picture] = st.session_state.setdefault("uploads", {})
    if picture.digest not in titles_by_digest():
        name = _free_name(picture, uploads)
        uploads.pop(name, None)
        if len(uploads) >= MAX_PICTURES:
            del uploads[next(iter(uploads))]
        uploads[name] = picture
        # What is not in the uploader counts as an earlier picture.
        st.session_state.setdefault("upload_names", {})
    look_at(picture)


def looked_at() -> Picture | None:
    """The picture that was chosen elsewhere than on a strip."""
    found: Picture | None = st.session_state.get("looked_at")
    return found


def look_back() -> None:
    """Return to what the strips say."""
    st.session_state.pop("looked_at", None)


def _from_samples() -> Picture:
    titles = [sample.title for sample in samples()]
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
    number = titles.index(title)
    st.session_state["last_sample"] = number
    return sample_picture(samples()[number].file_name)


@st.cache_data(show_spinner=False, max_entries=64)
def _sample_thumbnail(file_name: str) -> str:
    data = sample_picture(file_name).data
    try:
        image = images.read_thumbnail(data, THUMBNAIL_SIDE, config().image_limits)
    except ImageError as error:
        raise ConfigError(f"The gallery's {file_name}: {error}", error.hint) from error
    return jpeg_uri(images.encode_jpeg(image))


def _from_files(hint: st.delta_generator.DeltaGenerator) -> Picture | None:
    kept: dict[str, Picture] = st.session_state.setdefault("uploads", {})
    limit = config().max_upload_mb
    files = st.file_uploader(
        "Pictures",
        accept_multiple_files=True,
        max_upload_size=limit,
        key="upload",
        label_visibility="collapsed",
        on_change=_keep_uploads,
    )
    hint.caption(f"JPEG, PNG, WebP, TIFF, HEIC and others, up to {limit} MB each.")
    # After a page switch the uploader is empty again; what it no longer lists stays all the same.
    listed = {file.file_id for file in files}
    names: dict[str, str] = st.session_state.get("upload_names", {})
    st.session_state["upload_names"] = {i: name for i, name in names.items() if i in listed}
    for told in st.session_state.get("refused", ()):
        st.error(frame.refused(*told), icon=":material/broken_image:")
    if not kept:
        return None
    return kept[_picked_upload(kept)]


def _picked_upload(kept: dict[str, Picture]) -> str:
    """The name of the uploaded picture to look at, from a strip when there are several."""
    # The choice is a plain key too, since a widget's own is gone after a page switch.
    if st.session_state.get("picture") not in kept:
        last = st.session_state.get("last_picture")
        st.session_state["picture"] = last if last in kept else next(reversed(kept))
    if len(kept) > 1:
        uris = [prepare(picture.digest, picture.data).thumbnail for picture in kept.values()]
        _strip_style("picture", uris)
        st.pills(
            "Uploaded pictures",
            list(kept),
            required=True,
            format_func=frame.plain,
            key="picture",
            label_visibility="collapsed",
            wrap=False,
        )
    if set(kept) - set(st.session_state["upload_names"].values()):
        st.button(
            "Remove earlier pictures",
            icon=":material/delete:",
            type="tertiary",
            key="remove_earlier",
            on_click=_remove_earlier,
        )
    name: str = st.session_state["picture"]
    st.session_state["last_picture"] = name
    return name


def _keep_uploads() -> None:
    """Copy what is in the uploader: its own files are gone after a page switch."""
    files: list[UploadedFile] = st.session_state["upload"]
    kept: dict[str, Picture] = st.session_state["uploads"]
    before: dict[str, str] = st.session_state["upload_names"]
    refused: list[tuple[str, str, str]] = []
    listed = {file.file_id for file in files}
    # The same file may be there twice, under one name.
    still = {name for file_id, name in before.items() if file_id in listed}
    for name in set(before.values()) - still:
        kept.pop(name, None)  # taken out of the uploader
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
            # Its text only: the error's traceback holds the file and half a picture.
            refused.append((file.name, str(error), error.hint))
            continue
        kept[name] = picture
        names[file.file_id] = name
        st.session_state["picture"] = name
    st.session_state["upload_names"] = names
    st.session_state["refused"] = refused


def _remove_earlier() -> None:
    kept: dict[str, Picture] = st.session_state["uploads"]
    for name in set(kept) - set(st.session_state["upload_names"].values()):
        del kept[name]


def _free_name(picture: Picture, kept: dict[str, Picture]) -> str:
    """The file's name, or the name with a number when another picture has it already."""
    name, number = picture.name, 2
    while name in kept and kept[name].digest != picture.digest:
        name, number = f"{picture.name} ({number})", number + 1
    return name


def camera(key: str, width: int, on_change: Callable[[], None] | None = None) -> bytes | None:
    """The photo that was taken: an encoded picture. Says why where the browser gives no camera."""
    where = urlsplit(st.context.url or "")
    if where.scheme == "http" and where.hostname not in ("localhost", "127.0.0.1", "::1"):
        st.warning(
            "The browser gives the camera to pages on https or localhost only, and this page is on "
            f"plain http ({where.hostname}). Open it through https, or use Upload.",
            icon=":material/no_photography:",
        )
    taken = st.camera_input(
        "Camera",
        key=key,
        resolution="720p",
        width=width,
        on_change=on_change,
        label_visibility="collapsed",
    )
    return None if taken is None else taken.getvalue()


def _from_camera(hint: st.delta_generator.DeltaGenerator) -> Picture | None:
    taken = camera("camera", 560)
    hint.caption("Take a photo: it goes to this dashboard and its model server, and nowhere else.")
    if taken is not None:
        st.session_state["photo"] = Picture("camera.jpg", taken)
    return st.session_state.get("photo")


def _strip_style(key: str, thumbnails: list[str]) -> None:
    """Make the pills of that key a strip of pictures: the label stays as text under each."""
    rules = "".join(
        f'.st-key-{key} button:nth-of-type({number})::before{{background-image:url("{uri}")}}'
        for number, uri in enumerate(thumbnails, start=1)
    )
    st.html(f"<style>{rules}</style>")
