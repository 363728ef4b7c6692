"""What annotation programs save: CVAT, labelme and Label Studio."""

import json

import pytest

from detector.errors import GroundTruthError
from detector.formats.annotations import read_ground_truth
from detector.formats.names import NO_CLASS, ClassNames
from tests.support.ground_truth import FOUR, SIZES, problems


def read(name, content, sizes=SIZES):
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    return read_ground_truth([(name, data), ("b.txt", b"")], FOUR, sizes)


def of_a(found):
    """The image a.jpg."""
    (image,) = [image for image in found.images if image.file_name == "a.jpg"]
    return image


def is_lost(found):
    return found.not_counted == ("a.jpg",)


# --- CVAT


def cvat(*shapes, labels=("watch", "shoes"), name="a.jpg", width=640):
    listed = "".join(f"<label><name>{label}</name></label>" for label in labels)
    return (
        f"<annotations><version>1.1</version><meta><task><labels>{listed}</labels></task></meta>"
        f'<image id="0" name="{name}" width="{width}" height="480">{"".join(shapes)}</image>'
        '<image id="1" name="else.jpg" width="640" height="480"/></annotations>'
    ).encode()


@pytest.mark.parametrize(
    ("shape", "box"),
    [
        ('<box label="watch" xtl="10" ytl="20" xbr="30.5" ybr="40"/>', [10, 20, 30.5, 40]),
        ('<polygon label="watch" points="10,20;30,20;20,40"/>', [10, 20, 30, 40]),
        ('<ellipse label="watch" cx="20" cy="30" rx="10" ry="5"/>', [10, 25, 30, 35]),
        (
            '<mask label="watch" rle="1, 2" left="10" top="20" width="20" height="5"/>',
            [10, 20, 30, 25],
        ),
        (
            '<box label="watch" xtl="10" ytl="20" xbr="50" ybr="40" rotation="90"/>',
            [20, 10, 40, 50],
        ),
    ],
)
def test_shapes_of_cvat_are_boxes(shape, box):
    found = read("annotations.xml", cvat(shape))
    image = of_a(found)
    assert image.boxes[0] == pytest.approx(box)
    assert image.class_ids.tolist() == [2]
    assert image.labelled == {1, 2}
    assert [problem.kind for problem in found.problems] == ["no image"]


@pytest.mark.parametrize(
    "shape",
    [
        '<box label="watch" xtl="10" ytl="20" xbr="30"/>',
        '<box label="watch" xtl="10" ytl="20" xbr="30" ybr="40" rotation="x"/>',
        '<polygon label="watch" points="10,20;30"/>',
        '<polyline label="watch" points="10,20;30,20;20,40"/>',
        '<points label="watch" points="10,20"/>',
        '<skeleton label="watch"><points label="1" points="10,20"/></skeleton>',
        '<bax label="watch" xtl="10" ytl="20" xbr="30" ybr="40"/>',
        '<tag label="watch"/>',
    ],
)
def test_a_shape_of_cvat_that_is_no_box_takes_its_image_out_of_the_count(shape):
    assert is_lost(read("annotations.xml", cvat(shape)))


def test_a_tag_of_cvat_that_is_no_class_is_about_something_else():
    assert len(of_a(read("annotations.xml", cvat('<tag label="blurred"/>'))).boxes) == 0


def test_the_tracks_of_a_video_are_not_read():
    content = b'<annotations><track id="0" label="watch"/></annotations>'
    assert "the tracks of a video are not read" in problems(read("annotations.xml", content))[0]


def test_cvats_boxes_for_another_size_are_not_used():
    assert "its boxes are for 64 x 480 pixels" in problems(read("x.xml", cvat(width=64)))[0]


# --- labelme


def labelme(*shapes, **more):
    content = {"version": "5.5.0", "flags": {}, "shapes": list(shapes), "imagePath": "..\\a.jpg"}
    return {**content, "imageData": None, "imageHeight": 480, "imageWidth": 640, **more}


def shape(points, kind="rectangle", label="watch"):
    return {"label": label, "points": points, "group_id": None, "shape_type": kind, "flags": {}}


@pytest.mark.parametrize(
    ("points", "kind", "box"),
    [
        ([[30, 40], [10, 20]], "rectangle", [10, 20, 30, 40]),
        ([[10, 20], [30, 20], [20, 40]], "polygon", [10, 20, 30, 40]),
        ([[20, 30], [23, 34]], "circle", [15, 25, 25, 35]),
    ],
)
def test_shapes_of_labelme_are_boxes(points, kind, box):
    found = read("whatever.json", labelme(shape(points, kind)))
    assert of_a(found).boxes.tolist() == [box]
    assert of_a(found).labelled is None
    assert found.problems == ()


@pytest.mark.parametrize(
    "item",
    [
        shape([[1, 2]], "point"),
        shape([[1, 2], [3, 4]], "line"),
        shape([[1, 2], [3, 4]], "star"),
        shape([[1, 2]]),
        shape([[1, 2], [3]]),
        shape(None),
        shape([[1, 2], [3, 4]], 5),
        "nonsense",
        None,
    ],
)
def test_a_shape_of_labelme_that_is_no_box_takes_its_image_out_of_the_count(item):
    assert is_lost(read("a.json", labelme(item)))


def test_a_labelme_file_is_about_the_image_of_its_own_name():
    found = read("a.json", labelme(shape([[1, 2], [3, 4]]), imagePath="b.jpg"))
    assert len(of_a(found).boxes) == 1
    assert [problem.kind for problem in found.problems] == ["names contradict"]


@pytest.mark.parametrize("label", ["person", None, 5])
def test_nothing_is_right_or_wrong_where_a_label_of_labelme_is_not_known(label):
    image = of_a(read("a.json", labelme(shape([[1, 2], [3, 4]], label=label))))
    assert (len(image.boxes), len(image.regions), image.unread) == (0, 1, 1)


# --- Label Studio


def task(*results, image="/data/upload/1/0a1b2c3d-a.jpg", **more):
    annotation = {"id": 1, "result": list(results), "was_cancelled": False}
    return {"id": 5, "data": {"image": image}, "annotations": [annotation], **more}


def result(value, names=("watch",), kind="rectanglelabels", **more):
    return {
        "id": "x",
        "type": kind,
        "original_width": 640,
        "original_height": 480,
        "image_rotation": 0,
        "value": {**value, kind: list(names)},
        **more,
    }


QUARTER = {"x": 25, "y": 25, "width": 50, "height": 50, "rotation": 0}


@pytest.mark.parametrize(
    ("value", "kind", "box"),
    [
        (QUARTER, "rectanglelabels", [160, 120, 480, 360]),
        ({**QUARTER, "x": 50, "rotation": 90}, "rectanglelabels", [80, 120, 320, 440]),
        ({"points": [[25, 25], [75, 25], [50, 75]]}, "polygonlabels", [160, 120, 480, 360]),
        (
            {"x": 50, "y": 50, "radiusX": 25, "radiusY": 25},
            "ellipselabels",
            [160, 120, 480, 360],
        ),
    ],
)
def test_regions_of_label_studio_are_boxes(value, kind, box):
    found = read("export.json", [task(result(value, kind=kind))])
    assert of_a(found).boxes[0] == pytest.approx(box)
    assert of_a(found).class_ids.tolist() == [2]
    assert found.problems == ()


@pytest.mark.parametrize(
    "image",
    [
        "/data/upload/1/0a1b2c3d-a.jpg",
        "/data/local-files/?d=photos/a.jpg",
        "https://example.com/x/a.jpg?token=1",
        "s3://bucket/a.jpg",
        "a.jpg",
        "%61.jpg",
    ],
)
def test_the_image_of_a_task_is_found_by_its_address(image):
    assert len(of_a(read("export.json", [task(result(QUARTER), image=image)])).boxes) == 1


def test_json_min_is_read():
    value = {**QUARTER, "rectanglelabels": ["watch"], "original_width": 640, "original_height": 480}
    content = [
        {"image": "/data/upload/1/0a1b2c3d-a.jpg", "id": 1, "label": [value], "annotator": 1}
    ]
    assert of_a(read("export.json", content)).boxes.tolist() == [[160, 120, 480, 360]]


def test_a_shape_and_its_labels_in_two_results_are_one_object():
    parts = [result(QUARTER, [], "rectangle"), result(QUARTER, ["watch"], "labels")]
    assert of_a(read("export.json", [task(*parts)])).class_ids.tolist() == [2]


def test_what_is_said_of_the_whole_image_is_no_object():
    choice = {"type": "choices", "value": {"choices": ["nice"]}}
    assert len(of_a(read("export.json", [task(choice)])).boxes) == 0


@pytest.mark.parametrize("names", [[], ["watch", "shoes"], ["person"], [5]])
def test_nothing_is_right_or_wrong_where_a_region_has_no_one_class(names):
    image = of_a(read("export.json", [task(result(QUARTER, names))]))
    assert (len(image.boxes), len(image.regions), image.unread) == (0, 1, 1)


@pytest.mark.parametrize(
    "changed",
    [
        task(result({"x": 5}, kind="keypointlabels")),
        task(result({"rle": [1]}, kind="brushlabels")),
        task(result(QUARTER, image_rotation=90)),
        task(result(QUARTER, original_width=64)),
        task(result({**QUARTER, "width": "wide"})),
        task("nonsense"),
        task(annotations=[]),
        task(annotations=None),
        task(annotations=[{"result": None}]),
        task(annotations=[{"result": [], "was_cancelled": True}]),
        task(annotations=[{"result": []}, {"result": []}]),
        {"image": "a.jpg", "id": 1},
    ],
)
def test_a_task_that_is_not_understood_takes_its_image_out_of_the_count(changed):
    assert is_lost(read("export.json", [changed]))


def test_of_several_annotations_the_one_that_is_called_the_truth_counts():
    annotations = [{"result": []}, {"result": [result(QUARTER)], "ground_truth": True}]
    assert len(of_a(read("export.json", [task(annotations=annotations)])).boxes) == 1


# --- what is none of these


@pytest.mark.parametrize("content", [b"[]", b"{}", b"5", b"null", b'[{"a": 1}]', b'{"shapes": 5}'])
def test_a_json_of_something_else_is_named(content):
    found = read("x.json", content)
    assert [problem.kind for problem in found.problems] == ["file", "no ground truth"]


def test_an_xml_of_something_else_is_an_error():
    with pytest.raises(GroundTruthError, match="expected an XML <annotation>"):
        read_ground_truth([("x.xml", b"<html/>")], FOUR, SIZES)


def test_a_name_may_be_mapped_to_none_of_the_classes():
    names = ClassNames(FOUR, {"person": None})
    assert (names.id("person"), names.id("Person"), names.id("cat")) == (NO_CLASS, NO_CLASS, None)
