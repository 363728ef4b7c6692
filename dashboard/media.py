"""Images on the page: URLs, thumbnails, boxes as HTML; and the components that run in the browser.
The only file that touches what Streamlit keeps private.

A component is a folder of dashboard/frontend/: `main.js` with the modules that it imports, from
other components' folders too, and perhaps `style.css` and `markup.html`. Streamlit serves several
modules only to a component whose folder it knows, and it looks for those in installed
distributions. Here it is told of the folder that lies beside this file: the project runs without
being installed, and two checkouts never serve each other's files.
"""

import base64
import hashlib
import html
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

import streamlit as st
from PIL import Image
from streamlit import runtime
from streamlit.errors import StreamlitAPIException
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.state import query_params
from streamlit.runtime.uploaded_file_manager import UploadedFile, UploadedFileRec
from streamlit.web.server.starlette.starlette_app_utils import decode_xsrf_token_string
from streamlit.web.server.starlette.starlette_server_config import XSRF_COOKIE_NAME

from dashboard import metrics
from dashboard.answers import config
from dashboard.files import ImageFile
from detector import answers, images
from detector.answers import LoadedImage
from detector.drawing.colors import class_color, text_color
from detector.drawing.marks import label_places, label_texts
from detector.ssd import Detections
from detector.translation import _

# Of the strips of images: twice their width on the page, for sharp screens.
THUMBNAIL_SIDE = 208
# Images that a session keeps ready for the screen, some 0.6 MB each.
MAX_KEPT = 48

FRONTEND = Path(__file__).resolve().parent / "frontend"
_PROJECT = "commodity_lens"
_telling = Lock()


@dataclass(frozen=True)
class Screen:
    """An image for the screen.

    Attributes:
        display: JPEG, longest side at most 1600.
        thumbnail: data URI of a small JPEG.
    """

    display: bytes
    thumbnail: str


def prepare(image: ImageFile) -> LoadedImage:
    """The image as the model sees it and, `made`, its Screen. Decoded once a session.

    Of many visitors' images only a few are decoded at a time: whoever has to wait is told so.

    Raises:
        ImageError: it cannot be read.
    """
    with (
        st.spinner(_("Many images are coming in at once: yours is decoded as soon as it can be…"))
        if answers.DECODING.waiting
        else nullcontext()
    ):
        return _prepare(image.digest, image)


@st.cache_resource(show_spinner=False, scope="session", max_entries=MAX_KEPT)
def _prepare(digest: str, _image: ImageFile) -> LoadedImage:
    loaded = answers.load(_image.read(), config().image_limits, _screen)
    metrics.decoding.observe(loaded.timings_s["decode"])
    return loaded


def _screen(image: Image.Image) -> Screen:
    display = images.shrunk(image, images.DISPLAY_SIDE)
    thumbnail = images.encode_jpeg(display, THUMBNAIL_SIDE)
    return Screen(images.encode_jpeg(display), jpeg_uri(thumbnail))


def screen_of(loaded: LoadedImage) -> Screen:
    """What `prepare` made for the screen."""
    screen: Screen = loaded.made
    return screen


def jpeg_uri(data: bytes) -> str:
    """An encoded JPEG as a data URI."""
    return _data_uri(data, "image/jpeg")


def _data_uri(data: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def photo_url(image: ImageFile, loaded: LoadedImage) -> str:
    """Where the browser gets the photo: once, instead of with every change of the figure."""
    return jpeg_url(screen_of(loaded).display, f"photo-{image.digest}")


def jpeg_url(data: bytes, name: str) -> str:
    """Where the browser gets an encoded JPEG. See `file_url`."""
    return file_url(data, "image/jpeg", name)


def file_url(data: bytes, kind: str, name: str) -> str:
    """Where the browser gets a file.

    Streamlit has no public call for this. Without its runtime, as in tests of the script alone, the
    file goes into the page.

    Args:
        kind: its media type.
        name: another file of that name takes the place of this one in a page.
    """
    if not runtime.exists():
        return _data_uri(data, kind)
    try:
        files = runtime.get_instance().media_file_mgr
        url = files.add(data, kind, name)
    except (AttributeError, TypeError):  # another Streamlit than the one that was pinned
        return _data_uri(data, kind)
    # Relative to the page, which alone knows what a proxy has put in front of its path.
    return url.lstrip("/")


def visitor() -> str:
    """The browser that is connected: the secret in its cookie; "" where it has none."""
    try:
        token, _time = decode_xsrf_token_string(st.context.cookies.get(XSRF_COOKIE_NAME, ""))
    except (AttributeError, TypeError):  # another Streamlit than the one that was pinned
        return ""
    return token.hex() if token else ""


def readdress(key: str, words: Sequence[str]) -> None:
    """Have the page's address say this of a widget that is bound to it and not drawn yet.

    Streamlit takes the widget's first value from the address as it was opened, and has no public
    call to correct that.
    """
    context = get_script_run_ctx()
    try:
        state: Any = context.session_state if context is not None else None
        with state.query_params() as parameters:
            parameters._initial_query_params[key] = list(words)
        st.query_params[key] = list(words)
    except (AttributeError, TypeError, StreamlitAPIException):  # another Streamlit
        return


def readdress_sliders() -> None:
    """Have the page's address say what the sliders hold that are bound to it.

    The browser writes a slider's value into the address as it is moved. What a run sends is the
    whole address as it was when the run began: it undoes a move in between. Streamlit has no public
    call to correct that.
    """
    context = get_script_run_ctx()
    try:
        session: Any = context.session_state._state if context is not None else None
        parameters, drawn = session.query_params, session._new_widget_state.widget_metadata
        before = dict(parameters._query_params)
        for key, bound in parameters._bindings_by_param.items():
            slider = drawn.get(bound.widget_id)
            if slider is None or bound.value_type != "double_array_value":
                continue
            value = session[bound.widget_id]
            if value == slider.deserializer(None):
                parameters.discard_param_no_forward_msg(key)
            else:
                words = query_params._coerce_value_for_query_url(
                    slider.serializer(value), bound.value_type
                )
                parameters.set_with_no_forward_msg(key, words[0] if len(words) == 1 else words)
        if parameters._query_params != before:
            parameters.update({})  # sends it
    except (AttributeError, KeyError, TypeError):  # another Streamlit
        return


def session_count() -> int:
    """How many visitors' sessions are there now; 0 where Streamlit does not say."""
    try:
        manager: Any = runtime.get_instance()._session_mgr
        return int(manager.num_active_sessions())
    except (AttributeError, RuntimeError):  # another Streamlit than the one that was pinned
        return 0


def forget_ended_sessions() -> int:
    """Have Streamlit let go of sessions whose two minutes are over, which else stay, with all that
    they looked at, until another visitor comes or goes. Returns how many they were."""
    went: Future[int] = Future()
    try:
        now: Any = runtime.get_instance()
        kept = now._session_mgr._session_storage._cache

        def forget() -> None:
            try:
                ended = kept.expire()
                for _session_id, each in ended:
                    each.session.shutdown()
                    # A variable of Streamlit's own loop has the last session until the next comes.
                    each.session.session_state.clear()
                    each.session._fragment_storage.clear()
                went.set_result(len(ended))
            except AttributeError as error:
                went.set_exception(error)

        now._get_async_objs().eventloop.call_soon_threadsafe(forget)
        return went.result(10)
    except (AttributeError, RuntimeError, TimeoutError):  # another Streamlit, or it ends
        return 0


def keep_upload_addresses() -> None:
    """Have Streamlit keep what it has told a browser's uploader until that has got it.

    A run that begins throws away what the one before has not sent yet, and with it the address that
    an upload has just asked for: the upload would never begin.
    """
    clear = ForwardMsgQueue.clear

    def cleared(queue: Any, retain_lifecycle_msgs: bool = False, *rest: Any, **named: Any) -> None:
        told = [each for each in queue._queue if each.WhichOneof("type") == "file_urls_response"]
        clear(queue, retain_lifecycle_msgs, *rest, **named)
        if retain_lifecycle_msgs:
            queue._queue[:0] = [each for each in told if each not in queue._queue]

    patched: Any = ForwardMsgQueue
    patched.clear = cleared


def forget_content(files: Sequence[UploadedFile]) -> None:
    """Have Streamlit forget what is in an uploader's files, which else stays in memory for as long
    as the visitor does. The uploader lists them as before; they are empty from the next run on."""
    context = get_script_run_ctx()
    if context is None or not runtime.exists():
        return
    try:
        uploaded: Any = runtime.get_instance().uploaded_file_mgr
        for file in files:
            record = UploadedFileRec(file.file_id, file.name, file.type, b"")
            uploaded.add_file(context.session_id, record)
    except (AttributeError, TypeError):  # another Streamlit than the one that was pinned
        return


@dataclass(frozen=True)
class PlacedBox:
    """A box in percent of its image, and its label.

    Attributes:
        index: of the detection.
        place: (left, top, whether the label ends there instead of beginning); None: no room.
    """

    index: int
    left: float
    top: float
    width: float
    height: float
    text: str
    place: tuple[float, float, bool] | None


def placed_boxes(
    detections: Detections,
    size: tuple[int, int],
    labels: Sequence[str],
    usual_size: tuple[int, int],
) -> Iterator[PlacedBox]:
    """The boxes in percent of the image, best scored last, so that they are drawn on top.

    Args:
        size: (width, height) of the image, in pixels.
        usual_size: (width, height) on the screen that labels are laid out for, in points.
    """
    width, height = size
    texts = label_texts(detections, labels)
    places = label_places(detections.boxes, texts, size, usual_size=usual_size)
    boxes = detections.boxes.astype(float) / (width, height, width, height) * 100
    for index in reversed(range(len(detections))):
        left, top, right, bottom = (float(value) for value in boxes[index])
        place = places[index]
        yield PlacedBox(
            index,
            left,
            top,
            right - left,
            bottom - top,
            texts[index],
            place and (100 * place[0] / width, 100 * place[1] / height, place[2]),
        )


def boxes_html(
    detections: Detections,
    size: tuple[int, int],
    labels: Sequence[str],
    usual_size: tuple[int, int] | None = None,
) -> str:
    """The boxes over an image, in percent of it.

    Args:
        size: (width, height) of the image, in pixels.
        usual_size: as of `placed_boxes`; None = boxes alone, without labels.
    """
    parts = []
    for box in placed_boxes(detections, size, labels, usual_size or size):
        color = class_color(int(detections.class_ids[box.index]))
        text = html.escape(box.text)
        parts.append(
            f'<div class="box" style="left:{box.left:.2f}%;top:{box.top:.2f}%;'
            f"width:{box.width:.2f}%;height:{box.height:.2f}%;border-color:{color}"
            f'" title="{text}"></div>'
        )
        if usual_size is not None and box.place is not None:
            left, top, ends_there = box.place
            parts.append(
                f'<span style="left:{left:.2f}%;background:{color};color:{text_color(color)};'
                f"top:clamp(0.7em, {top:.2f}%, 100% - 0.7em);"
                f'transform:translate({-100 if ends_there else 0}%,-50%)">{text}</span>'
            )
    return "".join(parts)


# --- components


@dataclass(frozen=True)
class FigureData:
    """What the component beside a figure gets.

    Attributes:
        frame: key of the container that holds both.
        texts: label and tip of each of its buttons.
    """

    frame: str
    texts: Mapping[str, tuple[str, str]]


def component(name: str, **options: Any) -> Any:
    """Mount the component of dashboard/frontend/`name`/.

    Args:
        options: as of what `st.components.v2.component` returns: `key`, `data`, `default` and
            `on_…_change`.

    Raises:
        RuntimeError: Streamlit is another version than the pinned one, and cannot be told.
    """
    folder = FRONTEND / name
    _tell_streamlit(folder)
    return _mounting(folder)(**options)


def figure_hands(frame: str) -> None:
    """Zoom buttons for the figure of a photo, and what wheel and fingers do over it.

    Args:
        frame: key of the container that holds the figure; this is called within it.
    """
    data = FigureData(
        frame,
        {
            "out": (_("Zoom out"), _("Zoom out")),
            "in": (_("Zoom in"), _("Zoom in: also Ctrl and wheel, or two fingers")),
            "reset": (_("Whole image"), _("Whole image: also a double click")),
            "full": (_("Full screen"), _("Full screen, and back")),
        },
    )
    with st.container(key=f"{frame}_hands"):
        component("figure", key=f"{frame}_hands_mounted", data=asdict(data))


def digest_of(folder: Path) -> str:
    """Twelve letters that are others as soon as anything in the folder is."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(folder).as_posix()} {len(content)} ".encode())
        digest.update(content)
    return digest.hexdigest()[:12]


@cache
def _versioned(folder: Path) -> str:
    """The component's name, which is in the address of its files: Streamlit says nothing of how
    long they may be cached, so after an upgrade they have another."""
    return f"{folder.name}-{digest_of(FRONTEND)}"


@cache
def _mounting(folder: Path) -> Any:
    return st.components.v2.component(
        f"{_PROJECT}.{_versioned(folder)}",
        html=_text(folder / "markup.html"),
        # In the page together with the markup, not loaded after it: nothing jumps.
        css=_text(folder / "style.css"),
        js=f"{folder.name}/main.js",
    )


def _text(path: Path) -> str | None:
    return path.read_text("utf-8") if path.exists() else None


def _tell_streamlit(folder: Path) -> None:
    """Each runtime once: the tester of pages has one for each page."""
    try:
        from streamlit.components.v2.get_bidi_component_manager import get_bidi_component_manager
        from streamlit.components.v2.manifest_scanner import ComponentConfig, ComponentManifest

        manager = get_bidi_component_manager()
        name = _versioned(folder)
        with _telling:
            if manager.get_component_asset_root(f"{_PROJECT}.{name}") is None:
                config = ComponentConfig(name, asset_dir=FRONTEND.name)
                manifest = ComponentManifest(_PROJECT, "0", [config])
                manager.register_from_manifest(manifest, FRONTEND.parent)
    except (ImportError, AttributeError, TypeError) as error:
        raise RuntimeError(
            f"Streamlit {st.__version__} cannot be told where the dashboard's own components are: "
            "install the version that requirements.txt names."
        ) from error
