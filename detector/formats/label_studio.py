"""Label Studio's JSON and JSON-MIN: a list of tasks, an image each. Lengths are in percent."""

from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from detector.formats.reading import (
    Box,
    Draft,
    Reading,
    around,
    number,
    numbers,
    size_fault,
    whole_size,
)
from detector.formats.shapes import ellipse, turned
from detector.formats.typed_json import shown
from detector.translation import _

# Results that are about the whole image, or about others.
_WITHOUT_PLACE = ("choices", "textarea", "relation", "rating", "number", "taxonomy", "pairwise")
_LABELS = ("rectanglelabels", "polygonlabels", "ellipselabels", "brushlabels", "labels")


def is_label_studio(content: Any) -> bool:
    """Whether the content of a JSON is a list of tasks about images."""
    return isinstance(content, list) and any(
        isinstance(task, dict) and _image_of(task) for task in content
    )


def read_content(content: Any, file_name: str, reading: Reading) -> list[Draft]:
    """The images of the tasks. A task that nobody has finished does not count."""
    drafts = []
    for place, task in enumerate(content, start=1):
        image = _image_of(task) if isinstance(task, dict) else ""
        entry = _("{file}, task {id}", file=file_name, id=shown(_id_of(task, place)))
        at_hand = reading.images
        name = at_hand.named(image) if at_hand and image else None
        if at_hand is None or name is None:
            message = _("{entry}: there is no image named {name}", entry=entry, name=shown(image))
            reading.report.add("no image", message)
            continue
        draft = Draft(name, at_hand.sizes[name], reading, image, entry)
        _read_task(task, draft, entry)
        drafts.append(draft)
    return drafts


def _id_of(task: Any, place: int) -> Any:
    return task.get("id", place) if isinstance(task, dict) else place


def _image_of(task: dict[str, Any]) -> str:
    """The image's path, of its address on the server: under `data`, or in JSON-MIN at the top."""
    data = task.get("data")
    fields = data if isinstance(data, dict) else task
    url = fields.get("image") or fields.get("img") or fields.get("image_url")
    if not isinstance(url, str):
        return ""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    local = parse_qs(parts.query).get("d", [""])[0]
    return local or unquote(parts.path) or url


def _read_task(task: dict[str, Any], draft: Draft, entry: str) -> None:
    results = _results(task)
    if results is None:
        message = _("{entry}: expected one finished annotation with a list of results", entry=entry)
        draft.lose("task", message)
        return
    regions: dict[Any, dict[str, Any]] = {}
    for place, result in enumerate(results):
        if not isinstance(result, dict):
            message = _("{entry}: {value} is no result", entry=entry, value=shown(result))
            draft.lose("result", message)
            continue
        if result.get("type") in _WITHOUT_PLACE:
            continue
        # A shape and its labels may stand in two results of one id.
        value = result.get("value", result)
        value = value if isinstance(value, dict) else {}
        key = result.get("id") if isinstance(result.get("id"), str) else place
        known = regions.setdefault(key, {**result, "value": {}, "names": []})
        known["value"] |= value
        known["names"] += _names(value)
    for place, region in enumerate(regions.values(), start=1):
        _add(region, _("{entry}, region {position}", entry=entry, position=place), draft)


def _results(task: dict[str, Any]) -> list[Any] | None:
    """The results of a task's one annotation; None where there is none, or more than one."""
    if "data" not in task:  # JSON-MIN
        shapes = [value for value in task.values() if isinstance(value, list)]
        found = shapes[0] if len(shapes) == 1 else None
    else:
        annotations = task.get("annotations", task.get("completions"))
        if not isinstance(annotations, list) or not all(isinstance(a, dict) for a in annotations):
            return None
        finished = [each for each in annotations if not each.get("was_cancelled")]
        truths = [each for each in finished if each.get("ground_truth") is True] or finished
        found = truths[0].get("result") if len(truths) == 1 else None
    return found if isinstance(found, list) else None


def _names(value: dict[str, Any]) -> list[Any]:
    found: list[Any] = []
    for key in _LABELS:
        names = value.get(key, [])
        found += names if isinstance(names, list) else [names]
    return found


def _add(region: dict[str, Any], entry: str, draft: Draft) -> None:
    size = whole_size(region.get("original_width"), region.get("original_height"))
    if fault := size_fault(size, draft.size):
        draft.lose("size", f"{entry}: {fault}")
        return
    names = list(dict.fromkeys(map(shown, region["names"])))
    name = region["names"][0] if len(names) == 1 else ", ".join(names)
    box = _box(region["value"], draft.size)
    if number(region.get("image_rotation", 0)) != 0:
        box = None  # it is not said whether the places are those before or after it was turned
    draft.add(entry, name if isinstance(name, str) else shown(name), box, region["value"])


def _box(value: dict[str, Any], size: tuple[int, int]) -> Box | None:
    across, down = size[0] / 100, size[1] / 100
    if isinstance(points := value.get("points"), list):
        pairs = [numbers(point) if isinstance(point, list) else None for point in points]
        found = [pair for pair in pairs if pair is not None and len(pair) == 2]
        if len(found) != len(pairs) or len(found) < 3:
            return None
        return around([x * across for x, _y in found], [y * down for _x, y in found])
    degrees = number(value.get("rotation", 0))
    corner = numbers([value.get("x"), value.get("y")])
    sides = numbers([value.get("width"), value.get("height")])
    radii = numbers([value.get("radiusX"), value.get("radiusY")])
    if degrees is None or corner is None or (sides is None) == (radii is None):
        return None
    x, y = corner[0] * across, corner[1] * down
    if radii is not None:
        box = ellipse(x, y, radii[0] * across, radii[1] * down)
    else:
        w, h = sides or (0.0, 0.0)
        box = x, y, x + w * across, y + h * down
    return turned(box, degrees, (x, y)) if degrees else box
