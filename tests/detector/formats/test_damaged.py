"""Whatever becomes of a file of ground truth, no measure is wrong and nothing else is raised.

One image has a phone, the detector finds it, and each file says so. Then one thing in the file is
replaced, taken away, doubled or renamed: the phone is found, or neither right nor wrong, or the
image does not count; never is a detection wrong, or an object missed.
"""

import copy
import json
import random
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from detector.errors import GroundTruthError
from detector.evaluation.curves import tally
from detector.evaluation.matching import compare, match
from detector.formats.annotations import read_ground_truth
from detector.ssd import Detections, Settings

LABELS = ("background", "clothes", "pants", "shoes", "watch", "phone")
SIZES = {"desk.jpg": (200, 150), "other.jpg": (200, 150)}
BOX = [60.0, 45.0, 140.0, 105.0]
FOUND = Detections(np.float32([BOX]), np.float32([0.9]), np.int64([5]), np.int64([0]))

COCO = {
    "images": [
        {"id": 1, "file_name": "desk.jpg", "width": 200, "height": 150, "labelled": ["phone"]}
    ],
    "annotations": [
        {"id": 1, "image_id": 1, "category_id": 5, "bbox": [60, 45, 80, 60], "iscrowd": 0}
    ],
    "categories": [{"id": 5, "name": "phone"}, {"id": 6, "name": "watch"}],
}
LABELME = {
    "shapes": [{"label": "phone", "points": [[60, 45], [140, 105]], "shape_type": "rectangle"}],
    "imagePath": "desk.jpg",
    "imageHeight": 150,
    "imageWidth": 200,
}
VALUE = {"x": 30, "y": 30, "width": 40, "height": 40, "rotation": 0, "rectanglelabels": ["phone"]}
REGION = {
    "id": "r",
    "type": "rectanglelabels",
    "value": VALUE,
    "original_width": 200,
    "original_height": 150,
    "image_rotation": 0,
}
STUDIO = [
    {
        "id": 1,
        "data": {"image": "/data/upload/1/0a1b2c3d-desk.jpg"},
        "annotations": [{"result": [REGION], "was_cancelled": False}],
    }
]
STUDIO_MIN = [{"id": 1, "image": "desk.jpg", "label": [VALUE]}]
JSONS = {"coco": COCO, "labelme": LABELME, "studio": STUDIO, "studio min": STUDIO_MIN}
VOC = """<annotation><folder>x</folder><filename>desk.jpg</filename><size><width>200</width>
<height>150</height><depth>3</depth></size><object><name>phone</name><difficult>0</difficult><bndbox>
<xmin>61</xmin><ymin>46</ymin><xmax>140</xmax><ymax>105</ymax></bndbox></object></annotation>"""
CVAT = """<annotations><meta><task><labels><label><name>phone</name></label></labels></task></meta>
<image id="0" name="desk.jpg" width="200" height="150"><box label="phone" xtl="60" ytl="45"
xbr="140" ybr="105" rotation="0"/></image></annotations>"""
XMLS = {"voc": VOC, "cvat": CVAT}
TEXT = "4 0.5 0.5 0.4 0.4"

JUNK: list[Any] = [
    None, True, False, "", "x", "\ud800", "é" * 500, [], {}, [[]], {"a": 1}, [None], ["x"],
    float("nan"), float("inf"), -1, 0, 7, 1.5, 10**30, 2**64, "1e999", "0x10", "1_0", "五",
]  # fmt: skip
# What an empty list, or another number, says plainly.
LISTS = {"annotations", "shapes", "result", "label"}
PLACES = {"bbox", "points", "x", "y", "width", "height", "rotation"}


def judged(name: str, data: bytes, **others: bytes) -> tuple[int, int, int] | None:
    """Right, wrong and missed of the image; None where it does not count."""
    files = [(name, data), ("other.txt", b""), *others.items()]
    try:
        read = read_ground_truth(files, LABELS, SIZES)
    except GroundTruthError as error:
        str(error).encode()
        return None
    "".join(map(str, read.problems)).encode()
    truths = [truth for truth in read.images if truth.file_name == "desk.jpg"]
    if not truths:
        return None
    total = tally(match(compare([(truths[0], FOUND)], len(LABELS))), Settings()).total()
    return int(total.true_positives), int(total.false_positives), int(total.misses)


def not_wrong(name: str, data: bytes, **others: bytes) -> bool:
    return judged(name, data, **others) in (None, (1, 0, 0), (0, 0, 0))


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from paths(value[key], (*path, key))


def changed(content: Any, path: tuple[Any, ...], junk: Any) -> Any:
    whole = {"": copy.deepcopy(content)}
    *before, last = ("", *path)
    parent: Any = whole
    for key in before:
        parent = parent[key]
    if junk is ...:
        del parent[last]
    else:
        parent[last] = [parent[last]] if junk == "wrap" else junk
    return whole.get("")


def is_plain(path: tuple[Any, ...], junk: Any) -> bool:
    """Whether the change makes it a file that says something else."""
    key = next((key for key in reversed(path) if isinstance(key, str)), "")
    if isinstance(path[-1] if path else "", int) and junk is ...:
        return True  # an entry less, or a corner
    if key in LISTS and isinstance(path[-1], str) and junk == []:
        return True
    return key in PLACES and isinstance(junk, int | float) and not isinstance(junk, bool)


@pytest.mark.parametrize("name", JSONS)
def test_a_json_with_something_replaced_or_taken_away_measures_nothing_wrong(name):
    content = JSONS[name]
    assert judged("desk.json", json.dumps(content).encode()) == (1, 0, 0)
    for path in paths(content):
        for junk in [*JUNK, ..., "wrap"]:
            data = json.dumps(changed(content, path, junk)).encode()
            assert is_plain(path, junk) or not_wrong("desk.json", data), (path, junk)


def xml_changes(content: str) -> Iterator[bytes]:
    count = len(list(ElementTree.fromstring(content).iter()))
    texts = ["", "x", "nan", "inf", "1e999", "1_0", "五", "a" * 999]
    for place in range(count):
        for kind in ["remove", "double", "rename", *texts, "attributes"]:
            root = ElementTree.fromstring(content)
            parents = {child: parent for parent in root.iter() for child in parent}
            element = list(root.iter())[place]
            if kind == "rename":
                element.tag = "other"
            elif kind in ("remove", "double"):
                if element is root or element.tag in ("object", "box"):
                    continue  # an object less, or one more
                if kind == "remove":
                    parents[element].remove(element)
                else:
                    twin = copy.deepcopy(element)
                    twin.text = "7"
                    parents[element].append(twin)
            elif kind == "attributes":
                for key in list(element.attrib):
                    for text in texts:
                        element.attrib[key], before = text, element.attrib[key]
                        yield ElementTree.tostring(root)
                        element.attrib[key] = before
                    value = element.attrib.pop(key)
                    yield ElementTree.tostring(root)
                    element.attrib[key] = value
                continue
            else:
                element.text = kind
            yield ElementTree.tostring(root)


@pytest.mark.parametrize("name", XMLS)
def test_an_xml_with_something_replaced_or_taken_away_measures_nothing_wrong(name):
    assert judged("desk.xml", XMLS[name].encode()) == (1, 0, 0)
    for data in xml_changes(XMLS[name]):
        assert not_wrong("desk.xml", data), data


def test_a_yolo_text_with_something_replaced_or_taken_away_measures_nothing_wrong():
    assert judged("desk.txt", TEXT.encode()) == (1, 0, 0)
    words = TEXT.split()
    junk = ["x", "nan", "inf", "1e999", "0,5", "1_0", "五", "½", "-", "\x00", "0x1", '"' * 300]
    for place in range(len(words)):
        for word in junk:
            replaced = [*words[:place], word, *words[place + 1 :]]
            added = [*words[:place], word, *words[place:]]
            taken = words[:place] + words[place + 1 :]
            for line in (replaced, added, taken, [*words, *words], [",".join(words)]):
                assert not_wrong("desk.txt", " ".join(line).encode()), line


@pytest.mark.parametrize("damage", [b"\xff", b"", b"\n\n", b"phone\n\nwatch", b"names: [", b"\x00"])
@pytest.mark.parametrize("name", ["classes.txt", "labels.txt", "x.names", "x.labels", "data.yaml"])
def test_a_list_of_names_that_is_damaged_measures_nothing_wrong(name, damage):
    assert judged("desk.txt", TEXT.encode(), **{name: damage}) in (None, (0, 0, 0))


def test_bytes_that_are_changed_at_random_raise_nothing_else():
    chance = random.Random(20261128)
    files = {
        **{f"{name}.json": json.dumps(content).encode() for name, content in JSONS.items()},
        **{f"{name}.xml": content.encode() for name, content in XMLS.items()},
        "desk.txt": TEXT.encode(),
        "classes.txt": b"watch\nphone\n",
        "data.yaml": b"names: {0: watch, 1: phone}\nnc: 2\n",
    }
    for _ in range(1500):
        name, data = chance.choice(list(files.items()))
        damaged = bytearray(data)
        for _ in range(chance.randint(1, 4)):
            place = chance.randrange(len(damaged))
            damaged[place : place + chance.randint(0, 3)] = chance.randbytes(chance.randint(0, 3))
        judged(name, bytes(damaged[: chance.randint(0, 2 * len(damaged))]))


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("x.json", b"[" * 200_000),
        ("x.json", b'{"a":' * 200_000),
        ("x.xml", b"<a>" * 200_000),
        ("x.xml", b"<annotation>" + b"<a>" * 50_000 + b"</a>" * 50_000 + b"</annotation>"),
        ("x.yaml", b"a: &a [" + b"*a, " * 20_000 + b"]"),
        ("x.yaml", b"{" * 20_000),
        ("desk.txt", b"4 0.5 0.5 0.4 0.4 " * 50_000),
        ("desk.txt", b"9" * 200_000),
        ("desk.txt", b"4 " + b"9" * 200_000 + b" 1 1 1"),
    ],
)  # fmt: skip
def test_a_file_without_end_raises_nothing_else(name, data):
    judged(name, data)
