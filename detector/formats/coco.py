"""COCO JSON: ground truth in, detections out.

Numbers are written with as few digits as give the same float32 back. The same input gives the same
bytes.
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

import msgspec

from detector.errors import GroundTruthError
from detector.evaluation.ground_truth import ANY_CLASS, GroundTruths
from detector.formats.detected import DetectedImage, shortest
from detector.formats.reading import (
    Box,
    ClassNames,
    Draft,
    ImageNames,
    Report,
    Sizes,
    size_fault,
    whole_size,
)
from detector.formats.typed_json import JsonError, parse, shown, typed

Id = int | float | str


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


class _Subject(msgspec.Struct):
    """The part of an annotation that says what it is about."""

    image_id: Id
    category_id: Id


class _Annotation(msgspec.Struct):
    bbox: tuple[float, float, float, float]
    iscrowd: Annotated[int, msgspec.Meta(ge=0, le=1)] = 0


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

    A box that reaches over the image's edge is named, and used as it is, as pycocotools does.

    Args:
        labels: the model's; index = class id, background first.
        sizes: the images at hand; None = take them as the file describes them.

    Raises:
        GroundTruthError: not a COCO JSON, or nothing in it can be used.
    """
    file = _file(data)
    report, names = Report(), ClassNames(labels)
    categories = _categories(file.categories, report)
    drafts = _drafts(file.images, categories, names, sizes, report)
    for place, entry in enumerate(file.annotations):
        _add(entry, place, drafts, categories, names, report)
    used = (draft.made() for draft in drafts.values() if draft is not None)
    return report.result(used, "the file has no images")


def to_coco(images: Sequence[DetectedImage], labels: Sequence[str]) -> bytes:
    """A COCO data set: images, categories and annotations, each with its score.

    Ids of images and annotations count from 1 in the given order; a category's id is its class id,
    and the background is none. Boxes are [x, y, width, height] in pixels.
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
    return _json(
        {
            "info": {"description": "Detections of Commodity Lens"},
            "licenses": [],
            "images": [
                {
                    "id": image_id,
                    "file_name": image.file_name,
                    "width": image.size[0],
                    "height": image.size[1],
                }
                for image_id, image in enumerate(images, start=1)
            ],
            "categories": [
                {"id": class_id, "name": label, "supercategory": "commodity"}
                for class_id, label in enumerate(labels)
                if class_id > 0
            ],
            "annotations": annotations,
        }
    )


def to_coco_results(images: Iterable[DetectedImage]) -> bytes:
    """A COCO result list, for `COCO.loadRes` over a data set with the same ids as `to_coco`'s."""
    return _json(
        [
            {"image_id": image_id, **result}
            for image_id, image in enumerate(images, start=1)
            for result in _results(image)
        ]
    )


def _file(data: bytes) -> _File:
    """The JSON with its lists of images, annotations and categories. Raises GroundTruthError."""
    try:
        content = parse(data)
        if isinstance(content, list):
            raise GroundTruthError(
                "expected a JSON object with images, annotations and categories, got a list",
                "A list is COCO's format of results; its ground truth is an object.",
            )
        return typed(content, _File)
    except JsonError as error:
        raise GroundTruthError(str(error)) from error


def _categories(entries: Sequence[Any], report: Report) -> dict[Id, str]:
    """Category id -> name."""
    categories = {}
    for place, entry in enumerate(entries):
        try:
            category = typed(entry, _Category, f"categories[{place}]")
        except JsonError as error:
            report.add("category", str(error))
        else:
            categories[category.id] = category.name
    return categories


def _drafts(
    entries: Sequence[Any],
    categories: Mapping[Id, str],
    names: ClassNames,
    sizes: Sizes | None,
    report: Report,
) -> dict[Id, Draft | None]:
    """Image id -> draft; None = an image that was reported and is not used."""
    at_hand = None if sizes is None else ImageNames(sizes)
    known = names.ids(categories.values())
    drafts: dict[Id, Draft | None] = {}
    taken = set()
    for place, fields in enumerate(entries):
        try:
            image = typed(fields, _Image, f"images[{place}]")
        except JsonError as error:
            report.add("image", str(error))
            continue
        entry = f"image {shown(image.file_name)}"
        if image.id in drafts:
            report.add("image twice", f"{entry}: id {shown(image.id)} is there twice")
            continue
        drafts[image.id] = None
        name: str | None = image.file_name
        size = whole_size(image.width, image.height)
        if sizes is not None and at_hand is not None:
            name = at_hand.named(image.file_name)
            if name is None:
                report.add("no image", f"{entry}: there is no image of that name")
                continue
            if fault := size_fault(size, sizes[name]):
                report.add("size", f"{entry}: {fault}")
                continue
            size = sizes[name]
        if size is None:
            report.add("size", f"{entry}: expected a width and a height of 1 or more")
            continue
        if name in taken:
            report.add("image twice", f"{entry}: the image is there twice")
            continue
        taken.add(name)
        draft = drafts[image.id] = Draft(name or "", size, report)
        draft.labelled = known
        _add_extras(fields, draft, names, entry, report)
    return drafts


def _add_extras(
    fields: Mapping[str, Any], draft: Draft, names: ClassNames, entry: str, report: Report
) -> None:
    """`labelled` and `ignore_regions` of an image; what is no such thing is reported."""
    if "labelled" in fields:
        try:
            draft.labelled = names.ids(typed(fields["labelled"], list[str], "labelled"))
        except JsonError as error:
            report.add("labelled", f"{entry}: {error}")
    regions = fields.get("ignore_regions", [])
    for number, written in enumerate(regions if isinstance(regions, list) else [regions]):
        where = f"ignore_regions[{number}]"
        try:
            region = typed(written, _Region, where)
        except JsonError as error:
            report.add("region", f"{entry}: {error}")
            continue
        box = _xyxy(region.bbox)
        if not all(map(math.isfinite, box)) or box[2] <= box[0] or box[3] <= box[1]:
            report.add("region", f"{entry}: {where} is {shown(written)}, which has no area")
            continue
        listed = region.categories
        for class_id in (ANY_CLASS,) if listed is None else sorted(names.ids(listed)):
            draft.regions.append((box, class_id))


def _add(
    fields: Any,
    place: int,
    drafts: Mapping[Id, Draft | None],
    categories: Mapping[Id, str],
    names: ClassNames,
    report: Report,
) -> None:
    """An annotation into the draft of its image; what cannot be used is reported."""
    try:
        subject = typed(fields, _Subject, f"annotations[{place}]")
    except JsonError as error:
        report.add("annotation", str(error))
        return
    entry = f"annotation {shown(fields.get('id', place + 1))}"
    if subject.image_id not in drafts:
        report.add("image id", f"{entry}: there is no image with id {shown(subject.image_id)}")
        return
    draft = drafts[subject.image_id]
    if draft is None:  # the image has been reported; its boxes need not be
        return
    entry += f" in {draft.file_name}"
    name = categories.get(subject.category_id)
    if name is None:
        category = shown(subject.category_id)
        report.add("category id", f"{entry}: there is no category with id {category}")
        return
    try:
        annotation = typed(fields, _Annotation)
    except JsonError as error:
        report.add(f"type of {error.field}", f"{entry}: {error}")
        return
    box = _xyxy(annotation.bbox)
    crowd = annotation.iscrowd == 1
    draft.add(entry, name, names.id(name), box, fields["bbox"], crowd)


def _xyxy(bbox: Box) -> Box:
    x, y, width, height = bbox
    return x, y, x + width, y + height


def _results(image: DetectedImage) -> list[dict[str, Any]]:
    """category_id, bbox (xywh) and score of each detection; sides in double precision."""
    return [
        {
            "category_id": class_id,
            "bbox": [xmin, ymin, round(xmax - xmin, 6), round(ymax - ymin, 6)],
            "score": shortest(score),
        }
        for class_id, score, (xmin, ymin, xmax, ymax) in zip(
            image.detections.class_ids.tolist(),
            image.detections.scores,
            [[shortest(value) for value in box] for box in image.detections.boxes],
            strict=True,
        )
    ]


def _json(content: Any) -> bytes:
    return (json.dumps(content, indent=1) + "\n").encode()
