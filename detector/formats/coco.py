"""COCO JSON: ground truth in and out, detections out.

Numbers are written with as few digits as give the same float32 back. The same input gives the same
bytes.
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import msgspec

from detector.errors import GroundTruthError
from detector.evaluation.ground_truth import ANY_CLASS, GroundTruth, GroundTruths
from detector.formats.detected import DetectedImage, shortest
from detector.formats.names import NO_CLASS, Id, Sizes, in_folder_of, same_id, same_name
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
from detector.formats.results import Legend, ResultsDraft, Subject
from detector.formats.typed_json import JsonError, parse, shown, typed
from detector.translation import _

T = TypeVar("T")


class _File(msgspec.Struct):
    """The lists; their entries are looked at one by one, so that a bad one spoils no other."""

    images: list[Any]
    annotations: list[Any]
    categories: list[Any]


class _Category(msgspec.Struct):
    id: Id
    name: str


class _Image(msgspec.Struct):
    id: Id
    file_name: str
    width: Any = None  # asked for only where the image itself is not at hand
    height: Any = None


class _Result(msgspec.Struct):
    image_id: Id
    category_id: Id
    bbox: Any = None
    score: Any = None


# What an image's entry says that is of no interest, or is read as something else.
_NO_ATTRIBUTES = {
    *("id", "file_name", "width", "height", "license", "licence", "flickr_url", "coco_url", "url"),
    *("date_captured", "labelled", "ignore_regions", "title", "alt"),
}
_LONGEST_ATTRIBUTE = 40  # letters: more are a description


class _Subject(msgspec.Struct):
    """The part of an annotation that says which image it is about."""

    image_id: Id


class _Region(msgspec.Struct):
    bbox: tuple[float, float, float, float]
    categories: list[str] | None = None


def read_coco(data: bytes, labels: Sequence[str], sizes: Sizes | None = None) -> GroundTruths:
    """The ground truth in a COCO JSON.

    Categories are matched to the labels by name, whatever the case. The file speaks of its own
    categories only: of other classes nothing is known, as if they were not `labelled`.

    Two fields beyond COCO are honoured, both of an image: `labelled`, the names of the categories
    whose objects all have boxes in it; `ignore_regions`, a list of {categories, bbox}: there these
    categories (all, where none are named) may be present without a box.

    A box that reaches over the image's edge is named, and used as it is, as pycocotools does. Where
    there is no bbox, the box around the polygons of the segmentation is taken.

    Args:
        labels: the model's; index = class id, background first.
        sizes: the images at hand; None = take them as the file describes them.

    Raises:
        GroundTruthError: not a COCO JSON, or nothing in it can be used.
    """
    reading = Reading(labels, sizes)
    try:
        content = parse(data)
    except JsonError as error:
        raise GroundTruthError(str(error)) from error
    return reading.result(read_content(content, "", reading), _("the file has no images"))


def read_content(content: Any, file_name: str, reading: Reading) -> list[Draft]:
    """The images in the content of a COCO JSON. Raises GroundTruthError."""
    return _Coco(content, reading, file_name).drafts


def legend_of(content: Any) -> Legend:
    """What the ids of images and categories mean, by the content of a COCO JSON."""
    lists = content if isinstance(content, dict) else {}
    images, categories = _listed(lists, "images", _Image), _listed(lists, "categories", _Category)
    return Legend(
        {same_id(image.id): image.file_name for image in images},
        {same_id(category.id): category.name for category in categories},
    )


def add_results(content: Any, draft: ResultsDraft, source: str) -> None:
    """Takes in the detections in a COCO JSON: a list of results, or a data set whose annotations
    have scores."""
    draft.has_sizes = True
    entries, legend = content, Legend()
    if isinstance(content, dict):
        entries, legend = content["annotations"], legend_of(content)
        draft.is_complete = True
        for image in _listed(content, "images", _Image):
            size = whole_size(image.width, image.height)
            draft.image(Subject(in_folder_of(source, image.file_name), size=size))
    for place, fields in enumerate(entries):
        _add_result(fields, place, draft, legend, source)


def _add_result(fields: Any, place: int, draft: ResultsDraft, legend: Legend, source: str) -> None:
    def entry() -> str:
        return _("{file}, detection {number}", file=source, number=place + 1)

    try:
        found = typed(fields, _Result)
    except JsonError as error:
        draft.report.add("entry", f"{entry()}: {error}")
        return
    image_id, category_id = same_id(found.image_id), same_id(found.category_id)
    name = legend.images.get(image_id)
    image = Subject(image_id, True) if name is None else Subject(in_folder_of(source, name))
    label = legend.categories.get(category_id)
    class_row = draft.class_of(category_id if label is None else label, is_id=label is None)
    draft.add(entry, draft.image(image), class_row, found.score, _box(found.bbox), found.bbox)


def _listed(lists: Mapping[str, Any], name: str, kind: type[T]) -> list[T]:
    """The entries of a list that are of that kind."""
    found = []
    entries = lists.get(name)
    for entry in entries if isinstance(entries, list) else []:
        with suppress(JsonError):
            found.append(typed(entry, kind))
    return found


def to_coco(images: Sequence[DetectedImage], labels: Sequence[str]) -> bytes:
    """A COCO data set: images, categories and annotations, each with its score.

    Ids of images and annotations count from 1 in the given order; a category's id is its class id,
    and the background is none. Boxes are [x, y, width, height] in pixels. Frames of a video have a
    `time_s` in their image.
    """
    annotations: list[dict[str, Any]] = []
    for image_id, image in enumerate(images, start=1):
        for result in _results(image):
            _, _, width, height = result["bbox"]
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image_id,
                    **result,
                    "area": width * height,
                    "iscrowd": 0,
                    "segmentation": [],
                }
            )
    entries: list[dict[str, Any]] = [
        {
            "id": image_id,
            "file_name": image.file_name,
            "width": image.size[0],
            "height": image.size[1],
            **({} if image.time_s is None else {"time_s": round(image.time_s, 3)}),
        }
        for image_id, image in enumerate(images, start=1)
    ]
    return _data_set("Detections of Commodity Lens", entries, annotations, labels)


def truth_to_coco(truths: Sequence[GroundTruth], labels: Sequence[str]) -> bytes:
    """A COCO data set of ground truth, which `read_coco` reads as the same.

    Ids are those of `to_coco`. Attributes, `labelled` and `ignore_regions` stand in the images.
    """
    entries: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for image_id, truth in enumerate(truths, start=1):
        entry: dict[str, Any] = {
            **truth.attributes,
            "id": image_id,
            "file_name": truth.file_name,
            "width": truth.size[0],
            "height": truth.size[1],
        }
        if truth.labelled is not None:
            entry["labelled"] = [labels[class_id] for class_id in sorted(truth.labelled)]
        if len(truth.regions):
            entry["ignore_regions"] = [
                {
                    **({} if class_id == ANY_CLASS else {"categories": [labels[class_id]]}),
                    "bbox": _xywh(box),
                }
                for class_id, box in zip(
                    truth.region_class_ids.tolist(), truth.regions.tolist(), strict=True
                )
            ]
        entries.append(entry)
        for class_id, box, is_crowd in zip(
            truth.class_ids.tolist(), truth.boxes.tolist(), truth.crowd.tolist(), strict=True
        ):
            bbox = _xywh(box)
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image_id,
                    "category_id": class_id,
                    "bbox": bbox,
                    "area": bbox[2] * bbox[3],
                    "iscrowd": int(is_crowd),
                    "segmentation": [],
                }
            )
    return _data_set("Ground truth of Commodity Lens", entries, annotations, labels)


def to_coco_results(images: Iterable[DetectedImage]) -> bytes:
    """A COCO result list, for `COCO.loadRes` over a data set with the same ids as `to_coco`'s."""
    return _json(
        [
            {"image_id": image_id, **result}
            for image_id, image in enumerate(images, start=1)
            for result in _results(image)
        ]
    )


class _Coco:
    """The reading of one file.

    Attributes:
        drafts: of each image that is at hand.
    """

    def __init__(self, content: Any, reading: Reading, source: str) -> None:
        self._reading, self._report = reading, reading.report
        self._source = source
        file = _file(content)
        self._categories: dict[Id, str] = {}
        self._read_categories(file.categories)
        self._known = reading.names.ids(self._categories.values())
        self.drafts: list[Draft] = []
        # Image id -> draft; None = an image that is not at hand, or was reported.
        self._by_id: dict[Id, Draft | None] = {}
        self._entries: dict[Id, Any] = {}
        for place, entry in enumerate(file.images):
            self._read_image(place, entry)
        for place, entry in enumerate(file.annotations):
            self._read_annotation(place, entry)

    def _read_categories(self, entries: Sequence[Any]) -> None:
        contradicting = set()
        for place, entry in enumerate(entries):
            try:
                category = typed(entry, _Category, f"categories[{place}]")
            except JsonError as error:
                self._report.add("category", str(error))
                continue
            category_id = same_id(category.id)
            before = self._categories.setdefault(category_id, category.name)
            if not same_name(before, category.name):
                contradicting.add(category_id)
                message = _(
                    "category id {id} is both {first} and {second}; neither is used",
                    id=shown(category.id),
                    first=shown(before),
                    second=shown(category.name),
                )
                self._report.add("category twice", message)
        for category_id in contradicting:
            del self._categories[category_id]

    def _read_image(self, place: int, fields: Any) -> None:
        try:
            image = typed(fields, _Image, f"images[{place}]")
        except JsonError as error:
            self._report.add("image", str(error))
            return
        image_id, entry = same_id(image.id), _("image {name}", name=shown(image.file_name))
        if image_id in self._by_id:
            if fields == self._entries[image_id]:
                return
            message = _("{entry}: id {id} is there twice", entry=entry, id=shown(image.id))
            if (first := self._by_id[image_id]) is not None:
                first.lose("id twice", message)
            if (other := self._draft(image, entry)) is not None:
                other.lose("id twice", message)
                self.drafts.append(other)
            return
        self._entries[image_id] = fields
        draft = self._by_id[image_id] = self._draft(image, entry)
        if draft is not None:
            self.drafts.append(draft)
            draft.labelled = self._known
            draft.attributes = _attributes(fields)
            self._add_extras(fields, draft, entry)

    def _draft(self, image: _Image, entry: str) -> Draft | None:
        """A draft of the image; None where it is not at hand, or of no usable size."""
        name: str | None = image.file_name
        written = in_folder_of(self._source, image.file_name)
        size = whole_size(image.width, image.height)
        at_hand = self._reading.images
        if at_hand is not None:
            name = at_hand.named(written)
            if name is None:
                message = _("{entry}: there is no image of that name", entry=entry)
                self._report.add("no image", message)
                return None
            if fault := size_fault(size, at_hand.sizes[name]):
                self._report.add("size", f"{entry}: {fault}")
                return None
            size = at_hand.sizes[name]
        if size is None:
            message = _("{entry}: expected a width and a height of 1 or more", entry=entry)
            self._report.add("size", message)
            return None
        source = f"{self._source}, {entry}" if self._source else entry
        return Draft(name or "", size, self._reading, written, source)

    def _add_extras(self, fields: Mapping[str, Any], draft: Draft, entry: str) -> None:
        """`labelled` and `ignore_regions` of an image.

        A class that is not understood there may be unlabelled, a region anywhere.
        """
        names = self._reading.names
        if "labelled" in fields:
            try:
                draft.labelled = names.ids(typed(fields["labelled"], list[str], "labelled"))
            except JsonError as error:
                draft.lose("labelled", f"{entry}: {error}")
        regions = fields.get("ignore_regions", [])
        for place, written in enumerate(regions if isinstance(regions, list) else [regions]):
            where = f"ignore_regions[{place}]"
            try:
                region = typed(written, _Region, where)
            except JsonError as error:
                draft.lose("region", f"{entry}: {error}")
                continue
            box = _xyxy(region.bbox)
            if not all(map(math.isfinite, box)) or box[2] <= box[0] or box[3] <= box[1]:
                message = _(
                    "{entry}: {where} is {value}, which has no area",
                    entry=entry,
                    where=where,
                    value=shown(written),
                )
                draft.lose("region", message)
                continue
            for class_id in self._classes(region.categories):
                draft.ignore(box, class_id)

    def _classes(self, listed: Sequence[str] | None) -> Sequence[int]:
        """Class ids of a region; of any class where one of them is not known."""
        if listed is None:
            return (ANY_CLASS,)
        found = [self._reading.names.id(name) for name in listed]
        if None in found:
            return (ANY_CLASS,)
        return sorted({class_id for class_id in found if class_id})

    def _read_annotation(self, place: int, fields: Any) -> None:
        try:
            subject = typed(fields, _Subject, f"annotations[{place}]")
        except JsonError as error:
            self._add_stray(fields, "annotation", str(error))
            return
        entry = _("annotation {id}", id=shown(fields.get("id", place + 1)))
        image_id = same_id(subject.image_id)
        if image_id not in self._by_id:
            places = {"entry": entry, "id": shown(subject.image_id)}
            self._add_stray(
                fields, "image id", _("{entry}: there is no image with id {id}", **places)
            )
            return
        draft = self._by_id[image_id]
        if draft is not None:  # else the image has been reported; its boxes need not be
            entry = _("{entry} in {image}", entry=entry, image=draft.file_name)
            self._add(fields, entry, draft)

    def _add_stray(self, fields: Any, kind: str, message: str) -> None:
        """An object that may be in any image: of its class, nothing is known in any of them."""
        name = self._category(fields) if isinstance(fields, dict) else None
        class_id = None if name is None else self._reading.names.id(name)
        if class_id == NO_CLASS:
            return
        if class_id is None:
            self._report.add(kind, message)
            for draft in self.drafts:
                draft.is_understood = False
            self._reading.first_loss = self._reading.first_loss or message
            return
        for draft in self.drafts:
            draft.labelled = (draft.labelled or frozenset()) - {class_id}
        for draft in self.drafts[:1]:
            draft.count_unread()
        message = _(
            "{fault}: what is found of {label} is not counted in the images of this file",
            fault=message,
            label=self._reading.labels[class_id],
        )
        self._report.add(kind, message)

    def _category(self, fields: Mapping[str, Any]) -> str | None:
        """The name of an annotation's category; None where it is not known."""
        category_id = fields.get("category_id")
        if not isinstance(category_id, (int, float, str)) or isinstance(category_id, bool):
            return None
        return self._categories.get(same_id(category_id))

    def _add(self, fields: Mapping[str, Any], entry: str, draft: Draft) -> None:
        name = self._category(fields)
        if name is None:
            message = _(
                "{entry}: there is no category with id {id}; nothing found there is right or wrong",
                entry=entry,
                id=shown(fields.get("category_id")),
            )
            self._report.add("category id", message)
        crowd = _flag(fields.get("iscrowd"))
        if crowd is None:
            message = _(
                "{entry}: iscrowd is {value}, expected 0 or 1; nothing found there is right or "
                "wrong",
                entry=entry,
                value=shown(fields["iscrowd"]),
            )
            self._report.add("iscrowd", message)
        box = _box(fields.get("bbox"))
        if (box is None or box[2] <= box[0] or box[3] <= box[1]) and (
            outline := _outline(fields.get("segmentation"))
        ):
            message = _(
                "{entry}: the bbox is {bbox}; the box around its segmentation is used",
                entry=entry,
                bbox=shown(fields.get("bbox")),
            )
            self._report.add("segmentation", message)
            box = outline
        draft.add(entry, name, box, fields.get("bbox"), crowd)


def _file(content: Any) -> _File:
    """The lists of images, annotations and categories. Raises GroundTruthError."""
    if isinstance(content, list):
        raise GroundTruthError(
            _("expected a JSON object with images, annotations and categories, got a list"),
            _("A list is COCO's format of results; its ground truth is an object."),
        )
    try:
        return typed(content, _File)
    except JsonError as error:
        raise GroundTruthError(str(error)) from error


def _flag(value: Any) -> bool | None:
    """Yes or no, from 0 and 1 as numbers, texts, true and false; null is no. None = neither."""
    if value is None or isinstance(value, bool):
        return bool(value)
    return {0.0: False, 1.0: True}.get(found) if (found := number(value)) is not None else None


def _box(written: Any) -> Box | None:
    """A bbox as xyxy; None where it is not four finite numbers."""
    found = numbers(written) if isinstance(written, list) else None
    return _xyxy((found[0], found[1], found[2], found[3])) if found and len(found) == 4 else None


def _outline(segmentation: Any) -> Box | None:
    """The box around polygons; None where there is none, or one is not understood."""
    if not isinstance(segmentation, list) or not segmentation:
        return None
    found: list[float] = []
    for polygon in segmentation:
        points = numbers(polygon) if isinstance(polygon, list) else None
        if points is None or len(points) < 6 or len(points) % 2:
            return None
        found += points
    return around(found[::2], found[1::2])


def _xyxy(bbox: Box) -> Box:
    x, y, width, height = bbox
    return x, y, x + width, y + height


def _results(image: DetectedImage) -> list[dict[str, Any]]:
    """category_id, bbox (xywh) and score of each detection; sides in double precision."""
    return [
        {
            "category_id": class_id,
            "bbox": _xywh([shortest(side) for side in box]),
            "score": shortest(score),
        }
        for class_id, score, box in zip(
            image.detections.class_ids.tolist(),
            image.detections.scores,
            image.detections.boxes,
            strict=True,
        )
    ]


def _xywh(box: Sequence[float]) -> list[float]:
    xmin, ymin, xmax, ymax = box
    return [xmin, ymin, round(xmax - xmin, 6), round(ymax - ymin, 6)]


def _data_set(
    description: str,
    images: Sequence[Mapping[str, Any]],
    annotations: Sequence[Mapping[str, Any]],
    labels: Sequence[str],
) -> bytes:
    return _json(
        {
            "info": {"description": description},
            "licenses": [],
            "images": images,
            "categories": [
                {"id": class_id, "name": label, "supercategory": "commodity"}
                for class_id, label in enumerate(labels)
                if class_id > 0
            ],
            "annotations": annotations,
        }
    )


def _json(content: Any) -> bytes:
    return (json.dumps(content, indent=1) + "\n").encode()


def _attributes(fields: Mapping[str, Any]) -> dict[str, str]:
    """What is short enough to sort images by."""
    return {
        name: str(value)
        for name, value in fields.items()
        if name not in _NO_ATTRIBUTES
        and isinstance(value, (str, bool, int))
        and 0 < len(str(value)) <= _LONGEST_ATTRIBUTE >= len(name)
    }
