"""Where an image comes from: the gallery's samples, files, the camera, or its running video."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from itertools import count
from urllib.parse import urlsplit

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from dashboard import frame, languages, state
from dashboard.answers import config
from dashboard.files import ImageFile
from dashboard.media import (
    THUMBNAIL_SIDE,
    component,
    forget_content,
    jpeg_uri,
    prepare,
    screen_of,
)
from detector.batch.run import Source, read_source
from detector.errors import ConfigError, ImageError
from detector.images import encode_jpeg, read_thumbnail
from detector.labels import name_of, translated
from detector.translation import _, noted

SOURCES = (noted("Samples"), noted("Upload"), noted("Camera"), noted("Live"))
NO_CAMERA_ON_HTTP = noted(
    "The browser gives the camera to pages on https or localhost only, and this page"
    " is on plain http ({host}). Open it through https, or use Upload."
)
# More make the strip too long to find anything on it.
MAX_UPLOADS = 24


@dataclass(frozen=True)
class Sample:
    """A gallery image. Its title, in English, is its name; `name_of` is what visitors read."""

    title: str
    file_name: str


@st.cache_data(show_spinner=False, max_entries=1)
def samples() -> list[Sample]:
    """The gallery, in the order of its annotations.json. Raises ConfigError."""
    file = config().samples_path / "annotations.json"
    try:
        listed = json.loads(file.read_text("utf-8"))["images"]
        found = [
            Sample(translated(image["title"], image.get("titles", {})), image["file_name"])
            for image in listed
        ]
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise ConfigError(
            _("The gallery's {file} cannot be read: {error}", file=file, error=repr(error)),
            _("Name a folder with images and a COCO annotations.json whose images have titles."),
        ) from error
    if not found:
        raise ConfigError(
            _("The gallery's {file} lists no images.", file=file), _("Add one, or name another.")
        )
    return found


@st.cache_resource(show_spinner=False, max_entries=64)
def sample_image(file_name: str) -> ImageFile:
    """The gallery's image in that file. Raises ConfigError."""
    path = config().samples_path / file_name
    try:
        return ImageFile.of(file_name, path.read_bytes())
    except OSError as error:
        raise ConfigError(
            _("The gallery's {file} cannot be read: {error}", file=path, error=error.strerror),
            _("Put the image there, or take it out of annotations.json."),
        ) from error


def choose() -> ImageFile:
    """The image to look at. Never none: what was shown stays until another one is there."""
    left, right = st.columns([1, 2], vertical_alignment="center")
    languages.understand("source", SOURCES)
    with left:
        source = st.segmented_control(
            _("Image from"),
            SOURCES,
            default=SOURCES[0],
            required=True,
            key="source",
            format_func=_,
            label_visibility="collapsed",
            bind="query-params",
        )
    bring("upload", is_there=source == "Upload")
    hint = right.container(key="source_hint").empty()
    if source == "Upload":
        chosen = _from_files(hint)
    elif source == "Camera":
        chosen = _from_camera(hint)
    elif source == "Live":
        hint.caption(
            _(
                "On Detect, boxes over the camera's running video: its frames go to this dashboard"
                " and its model server, and are not kept. What you freeze is among your uploads."
            )
        )
        chosen = state.read(state.Choice).frozen
    else:
        hint.caption(
            _("Images that come with the dashboard. Pick one, or paste or drop your own anywhere.")
        )
        return _from_samples()
    return chosen or _last_sample()


def is_live() -> bool:
    """Whether the camera's running video was chosen in place of an image."""
    return bool(state.widget("source") == "Live")


@dataclass(frozen=True)
class BringData:
    """What the component that takes pasted and dropped images gets.

    Attributes:
        uploader: key of the file uploader that it puts them into.
        is_there: whether that is on the page.
        texts: "drop", what stands over the page while files are held over it.
    """

    uploader: str
    is_there: bool
    texts: dict[str, str]


def bring(uploader: str, *, is_there: bool = True) -> None:
    """Take images that are pasted, or dropped anywhere on the page, into that uploader.

    Args:
        uploader: its key; "upload" is brought to the page by what comes.
        is_there: whether it is on the page.
    """
    key = f"bring_{uploader}"

    @frame.callback
    def brought() -> None:
        given = state.widget(key, {}).get("brought")
        if not isinstance(given, Mapping):
            return
        if not is_there:
            state.set_widget("source", "Upload")
        given_names = given.get("names")
        names = given_names if isinstance(given_names, list) else []
        told = [str(name) for name in names[:3]]
        if told:
            more = len(names) - len(told)
            listed = ", ".join(map(frame.plain, told)) + (f" + {more}" if more else "")
            st.toast(
                _("Pasted: {names}", names=listed)
                if given.get("pasted")
                else _("Dropped: {names}", names=listed),
                icon=":material/add_photo_alternate:",
            )

    data = BringData(uploader, is_there, {"drop": _("Drop the images to open them")})
    with st.container(key=f"bring_{uploader}_place"):
        component("bring", key=key, data=asdict(data), on_brought_change=brought)


def _last_sample() -> ImageFile:
    return sample_image(samples()[state.read(state.Choice).sample or 0].file_name)


def alternatives() -> tuple[str, list[ImageFile]]:
    """All images that the chosen source has, the gallery's where it has none yet; and what these
    are, in words."""
    source = state.widget("source", SOURCES[0])
    uploads = state.read(state.Uploads).files
    photo = state.read(state.Choice).photo
    if source in ("Upload", "Live") and uploads:
        # Under the names on the strip: two files may have the same.
        return _("All uploads"), [image.named(name) for name, image in uploads.items()]
    if source == "Camera" and photo is not None:
        return _("The photo"), [photo]
    return _("The gallery"), gallery()


def gallery() -> list[ImageFile]:
    """The gallery's images. Raises ConfigError."""
    return [sample_image(sample.file_name) for sample in samples()]


def of_batch() -> dict[str, Callable[[], ImageFile]]:
    """What gives each image that was uploaded on Batch and could be read, by its name there. A
    batch may have hundreds: none is touched before it is chosen."""
    batch = state.read(state.Batch)
    if not batch.files or batch.job is None:
        return {}
    found: dict[str, Callable[[], ImageFile]] = {}
    for done in batch.job.results:
        if done.error is None:
            name = next(free for free in _numbered(done.name) if free not in found)
            found[name] = partial(_read_from_batch, batch.job.sources[done.index])
    return found


def _read_from_batch(source: Source) -> ImageFile:
    return ImageFile.of(source.name, read_source(source))


def titles_by_digest() -> dict[str, str]:
    """The samples' titles by the digests of their files. What of the gallery cannot be read is left
    out, so that uploads don't depend on it."""
    found: dict[str, str] = {}
    with suppress(ConfigError):
        for sample in samples():
            with suppress(ConfigError):
                found[sample_image(sample.file_name).digest] = sample.title
    return found


def is_sample(image: ImageFile) -> bool:
    """Whether the image is one of the gallery."""
    return image.digest in titles_by_digest()


def look_at(image: ImageFile) -> None:
    """Choose that image. For callbacks: the strips must not have been drawn yet.

    One that no strip has is kept aside, for `opened`.
    """
    state.update(state.Choice, opened=None)
    if (title := titles_by_digest().get(image.digest)) is not None:
        state.set_widget("source", "Samples")
        state.set_widget("sample", title)
        return
    for name, upload in state.read(state.Uploads).files.items():
        if upload.digest == image.digest:
            state.set_widget("source", "Upload")
            state.update(state.Choice, upload=name)
            return
    if state.read(state.Choice).photo != image:
        state.update(state.Choice, opened=image)


def title_of(image: ImageFile) -> str:
    """What the image is called: a sample's title, or the file's name."""
    return name_of(titles_by_digest().get(image.digest, image.name))


def place_on_strip() -> tuple[int, int]:
    """Which image of the strip is looked at, from 0, and how many there are; one that is on no
    strip is alone."""
    source, choice = state.widget("source", SOURCES[0]), state.read(state.Choice)
    uploads = list(state.read(state.Uploads).files)
    if choice.opened is None and source == "Samples":
        return choice.sample or 0, len(samples())
    if choice.opened is None and source == "Upload" and choice.upload in uploads:
        return uploads.index(choice.upload), len(uploads)
    return 0, 1


def look_at_place(index: int) -> None:
    """Choose the image at that place of the strip, from 0; none that is not there. For callbacks:
    the strip must not have been drawn yet."""
    if not 0 <= index < place_on_strip()[1]:
        return
    if state.widget("source", SOURCES[0]) == "Samples":
        state.set_widget("sample", samples()[index].title)
    else:
        state.update(state.Choice, upload=list(state.read(state.Uploads).files)[index])


def open_in_detect(image: ImageFile) -> None:
    """Choose that image for Detect: a sample as it is, another among the uploads.

    Call it where the strips are not drawn. Of the uploads the oldest goes when there are too many.
    """
    if image.digest not in titles_by_digest():
        files = dict(state.read(state.Uploads).files)
        name = free_name(image, files)
        files.pop(name, None)
        if len(files) >= MAX_UPLOADS:
            del files[next(iter(files))]
        state.update(state.Uploads, files=files | {name: image})
    look_at(image)


def freeze(data: bytes) -> None:
    """Take a frame of the live camera in among the uploads, and choose it. For callbacks.

    Args:
        data: the encoded frame.

    Raises:
        ImageError: it cannot be read.
    """
    image = ImageFile.of("live.jpg", data)
    image = image.named(free_name(image, state.read(state.Uploads).files))
    prepare(image)
    open_in_detect(image)
    state.update(state.Choice, frozen=image)


def opened() -> ImageFile | None:
    """The image that was chosen elsewhere than on a strip."""
    return state.read(state.Choice).opened


@frame.callback
def look_back() -> None:
    """Return to what the strips say."""
    state.update(state.Choice, opened=None)


def _from_samples() -> ImageFile:
    titles = [sample.title for sample in samples()]
    languages.understand("sample", (), titles)
    style_strip("sample", [sample_thumbnail(sample.file_name) for sample in samples()])
    title = st.pills(
        _("Sample"),
        titles,
        default=titles[0],
        required=True,
        key="sample",
        format_func=name_of,
        label_visibility="collapsed",
        bind="query-params",
        wrap=False,
    )
    number = titles.index(title)
    state.update(state.Choice, sample=number)
    return sample_image(samples()[number].file_name)


@st.cache_data(show_spinner=False, max_entries=64)
def sample_thumbnail(file_name: str) -> str:
    """The gallery's image in that file as a small data URI. Raises ConfigError."""
    data = sample_image(file_name).read()
    try:
        image = read_thumbnail(data, THUMBNAIL_SIDE, config().image_limits)
    except ImageError as error:
        raise ConfigError(
            _("The gallery's {file_name}: {error}", file_name=file_name, error=error), error.hint
        ) from error
    return jpeg_uri(encode_jpeg(image))


def _from_files(hint: st.delta_generator.DeltaGenerator) -> ImageFile | None:
    limit_mb = config().max_upload_mb
    files = st.file_uploader(
        _("Images"),
        accept_multiple_files=True,
        max_upload_size=limit_mb,
        key="upload",
        label_visibility="collapsed",
        on_change=_keep_uploads,
    )
    hint.caption(
        _("JPEG, PNG, WebP, TIFF, HEIC and others, up to {limit} MB each.", limit=limit_mb)
    )
    # After a page switch the uploader is empty again; what it no longer lists stays all the same.
    listed = {file.file_id for file in files}
    uploads = state.read(state.Uploads)
    names = {file_id: name for file_id, name in uploads.names.items() if file_id in listed}
    uploads = state.update(state.Uploads, names=names)
    frame.show_refused(uploads.refused)
    return _picked_upload(uploads) if uploads.files else None


def _picked_upload(uploads: state.Uploads) -> ImageFile:
    """The upload to look at, from a strip where there are several."""
    last = state.read(state.Choice).upload
    name: str = (
        last if last is not None and last in uploads.files else next(reversed(list(uploads.files)))
    )
    if len(uploads.files) > 1:
        # Set on every run: a value that the script gave a widget does not outlive a page switch.
        state.set_widget("picture", name)
        style_strip(
            "picture", [screen_of(prepare(image)).thumbnail for image in uploads.files.values()]
        )
        chosen = st.pills(
            _("Uploaded images"),
            list(uploads.files),
            required=True,
            format_func=frame.plain,
            key="picture",
            label_visibility="collapsed",
            wrap=False,
            on_change=_choose_upload,
        )
        name = chosen or name
    if set(uploads.files) - set(uploads.names.values()):
        st.button(
            _("Remove earlier images"),
            icon=":material/delete:",
            type="tertiary",
            key="remove_earlier",
            on_click=_remove_earlier,
        )
    state.update(state.Choice, upload=name)
    return uploads.files[name].named(name)  # two files may have the same name


@frame.callback
def _choose_upload() -> None:
    state.update(state.Choice, upload=state.widget("picture"))


@frame.callback
def _keep_uploads() -> None:
    """Copy what is in the uploader: its own files are gone after a page switch."""
    uploads = state.read(state.Uploads)
    listed = {file.file_id for file in state.widget("upload")}
    # The same file may be there twice, under one name.
    still = {name for file_id, name in uploads.names.items() if file_id in listed}
    removed = set(uploads.names.values()) - still
    kept = {name: image for name, image in uploads.files.items() if name not in removed}
    names = {file_id: name for file_id, name in uploads.names.items() if file_id in listed}
    state.update(state.Uploads, files=kept, names=names)
    added = add_uploads(state.widget("upload"))
    names |= {file.file_id: name for file, name in added}
    state.update(state.Uploads, names=names)
    if added:
        name = added[-1][1]
        state.update(state.Choice, upload=name)
        state.set_widget("picture", name)


def add_uploads(files: Sequence[UploadedFile]) -> list[tuple[UploadedFile, str]]:
    """Take an uploader's new files in among the uploads; what cannot be read is kept as refused.

    Returns:
        Each new file that can be read, with its name on the strip.
    """
    uploads = state.read(state.Uploads)
    kept = dict(uploads.files)
    added: list[tuple[UploadedFile, str]] = []
    refused: list[state.RefusedFile] = []
    new = [file for file in files if file.file_id not in uploads.taken]
    for file in new:
        image = ImageFile.of(file.name, file.getvalue())
        name = free_name(image, kept)
        try:
            if name not in kept and len(kept) >= MAX_UPLOADS:
                raise ImageError(
                    _("There are already {count} images.", count=MAX_UPLOADS),
                    _("Remove one on Detect, then add this one."),
                )
            prepare(image)
        except ImageError as error:
            refused.append(state.RefusedFile(file.name, str(error), error.hint))
            continue
        kept[name] = image
        added.append((file, name))
    taken = uploads.taken | {file.file_id for file in new}
    state.update(state.Uploads, files=kept, refused=tuple(refused), taken=taken)
    forget_content(new)
    return added


@frame.callback
def _remove_earlier() -> None:
    uploads = state.read(state.Uploads)
    listed = set(uploads.names.values())
    kept = {name: image for name, image in uploads.files.items() if name in listed}
    state.update(state.Uploads, files=kept)


def free_name(image: ImageFile, kept: Mapping[str, ImageFile]) -> str:
    """The file's name, or the name with a number when another image has it already."""
    return next(
        name
        for name in _numbered(image.name)
        if name not in kept or kept[name].digest == image.digest
    )


def _numbered(name: str) -> Iterator[str]:
    yield name
    yield from (f"{name} ({number})" for number in count(2))


def camera(key: str, width: int, on_change: Callable[[], None] | None = None) -> bytes | None:
    """The photo that was taken: an encoded image. Says why where the browser gives no camera."""
    where = urlsplit(st.context.url or "")
    if where.scheme == "http" and where.hostname not in ("localhost", "127.0.0.1", "::1"):
        st.warning(_(NO_CAMERA_ON_HTTP, host=where.hostname), icon=":material/no_photography:")
    taken = st.camera_input(
        _("Camera"),
        key=key,
        resolution="720p",
        width=width,
        on_change=on_change,
        label_visibility="collapsed",
    )
    return None if taken is None else taken.getvalue()


def keep_photo(data: bytes) -> ImageFile:
    """The photo that was just taken, kept for all pages."""
    photo = ImageFile.of("camera.jpg", data)
    state.update(state.Choice, photo=photo)
    return photo


def _from_camera(hint: st.delta_generator.DeltaGenerator) -> ImageFile | None:
    taken = camera("camera", 560)
    hint.caption(
        _("Take a photo: it goes to this dashboard and its model server, and nowhere else.")
    )
    return state.read(state.Choice).photo if taken is None else keep_photo(taken)


def style_strip(key: str, thumbnails: Sequence[str]) -> None:
    """Make the pills of that key a strip of images: the label stays as text under each."""
    rules = "".join(
        f'.st-key-{key} button:nth-of-type({number})::before{{background-image:url("{uri}")}}'
        for number, uri in enumerate(thumbnails, start=1)
    )
    st.html(f"<style>{rules}</style>")
