import json

import numpy as np
import pytest

from detector.errors import GroundTruthError
from detector.evaluation.ground_truth import (
    ANY_CLASS,
    GroundTruth,
    read_coco,
    read_ground_truth,
    read_voc,
    read_yolo,
)
from detector.formats.exports import DetectedImage, to_coco, to_voc, to_yolo
from detector.ssd import Detections

LABELS = ("background", "shoes", "watch", "books")
SIZES = {"a.jpg": (640, 480), "b.jpg": (200, 300)}


def coco(images=None, annotations=(), categories=("shoes", "watch", "books")):
    if images is None:
        images = [{"id": 1, "file_name": "a.jpg", "width": 640, "height": 480}]
    return json.dumps(
        {
            "images": images,
            "annotations": list(annotations),
            "categories": [{"id": 10 + n, "name": name} for n, name in enumerate(categories)],
        }
    ).encode()


def note(bbox, category_id=11, image_id=1, **more):
    return {"id": 7, "image_id": image_id, "category_id": category_id, "bbox": bbox, **more}


def problems(truths):
    return [str(problem) for problem in truths.problems]


def voc(*objects, filename="a.jpg", size=(640, 480), head=""):
    width, height = size
    items = "".join(
        f"<object><name>{name}</name>{extra}<bndbox><xmin>{box[0]}</xmin><ymin>{box[1]}</ymin>"
        f"<xmax>{box[2]}</xmax><ymax>{box[3]}</ymax></bndbox></object>"
        for name, box, extra in objects
    )
    return (
        f"{head}<annotation><filename>{filename}</filename><size><width>{width}</width>"
        f"<height>{height}</height><depth>3</depth></size>{items}</annotation>"
    ).encode()


# --- GroundTruth


def test_a_picture_may_have_no_boxes():
    truth = GroundTruth("a.jpg", (640, 480))
    assert truth.boxes.shape == (0, 4)
    assert truth.crowd.shape == truth.class_ids.shape == truth.region_class_ids.shape == (0,)
    assert truth.labelled is None


def test_the_arrays_of_a_ground_truth_are_read_only_copies():
    boxes = np.array([[0.0, 0, 5, 5]])
    truth = GroundTruth("a.jpg", (9, 9), boxes, np.array([1]))
    boxes[0, 2] = 7
    assert truth.boxes.tolist() == [[0, 0, 5, 5]]
    assert truth.crowd.tolist() == [False]
    with pytest.raises(ValueError, match="read-only"):
        truth.boxes[0] = 0


@pytest.mark.parametrize(
    "arguments",
    [
        {"size": (0, 5)},
        {"boxes": np.zeros((1, 5)), "class_ids": [1]},
        {"boxes": [[0, 0, 1, 1]], "class_ids": [1, 2]},
        {"boxes": [[0, 0, 1, 1]], "class_ids": [0]},
        {"boxes": [[0, 0, 0, 1]], "class_ids": [1]},
        {"boxes": [[0, 0, np.nan, 1]], "class_ids": [1]},
        {"boxes": [[0, 0, 1, 1]], "class_ids": [1], "crowd": [True, False]},
        {"regions": [[0, 0, 1, 1]], "region_class_ids": [-1]},
    ],
)
def test_a_ground_truth_of_the_wrong_shape_or_range_is_refused(arguments):
    with pytest.raises(ValueError, match="expected"):
        GroundTruth(**{"file_name": "a.jpg", "size": (640, 480), **arguments})


# --- COCO


def test_a_coco_picture_without_annotations_says_that_nothing_is_there():
    truths = read_coco(coco(), LABELS)
    assert [len(picture.boxes) for picture in truths.pictures] == [0]
    assert truths.problems == ()


def test_coco_boxes_are_corner_and_size():
    (picture,) = read_coco(coco(annotations=[note([10.5, 20, 30, 40.25])]), LABELS).pictures
    assert picture.file_name == "a.jpg"
    assert picture.size == (640, 480)
    assert picture.boxes.tolist() == [[10.5, 20, 40.5, 60.25]]
    assert picture.class_ids.tolist() == [2]
    assert picture.crowd.tolist() == [False]


def test_coco_categories_are_matched_by_name_whatever_the_case_and_the_ids():
    content = coco(annotations=[note([0, 0, 9, 9], 10)], categories=(" Books ",))
    (picture,) = read_coco(content, LABELS).pictures
    assert picture.class_ids.tolist() == [3]


def test_a_category_named_background_is_no_class():
    content = coco(annotations=[note([0, 0, 9, 9], 10)], categories=("background",))
    assert "unknown class 'background'" in str(read_coco(content, LABELS).problems[0])


def test_of_classes_that_the_coco_file_does_not_have_nothing_is_known():
    (picture,) = read_coco(coco(categories=("watch", "person")), LABELS).pictures
    assert picture.labelled == {2}


def test_iscrowd_makes_a_crowd_box():
    content = coco(annotations=[note([0, 0, 9, 9], iscrowd=1), note([5, 5, 9, 9], iscrowd=0)])
    (picture,) = read_coco(content, LABELS).pictures
    assert picture.crowd.tolist() == [True, False]


def test_labelled_and_ignore_regions_are_honoured():
    image = {
        "id": 1,
        "file_name": "a.jpg",
        "width": 640,
        "height": 480,
        "labelled": ["Watch", "books"],
        "ignore_regions": [
            {"categories": ["books", "shoes"], "bbox": [1, 2, 10, 20]},
            {"bbox": [0, 0, 5, 5]},
        ],
    }
    (picture,) = read_coco(coco([image]), LABELS).pictures
    assert picture.labelled == {2, 3}
    assert picture.regions.tolist() == [[1, 2, 11, 22], [1, 2, 11, 22], [0, 0, 5, 5]]
    assert picture.region_class_ids.tolist() == [1, 3, ANY_CLASS]


def test_an_empty_list_of_labelled_categories_means_none():
    image = {"id": 1, "file_name": "a.jpg", "width": 9, "height": 9, "labelled": []}
    assert read_coco(coco([image]), LABELS).pictures[0].labelled == frozenset()


def test_what_cannot_be_used_is_named_once_a_kind_and_the_rest_is_used():
    content = coco(
        annotations=[
            note([0, 0, 50, 50]),
            note([1, 1, 5, 5], 13, id=21),
            note([1, 1, 5, 5], 13, id=22),
            note([1, 1, 0, 5], id=23),
            note([1, 1, 5, -5], id=24),
            note([700, 1, 5, 5], id=25),
            note([-30, 1, 20, 5], id=26),
            note([600, 1, 75, 5], id=27),
            note(["1", 1, 5, 5], id=28),
            note([1, 1, 5], id=29),
            note([True, 1, 5, 5], id=30),
            note([1, 1, 5, 5], image_id=99, id=31),
            note([1, 1, 5, 5], 77, id=32),
            note([1, 1, 5, 5], id=33, iscrowd="no"),
            "nonsense",
        ],
        categories=("shoes", "watch", "books", "person"),
    )
    truths = read_coco(content, LABELS)
    assert truths.pictures[0].boxes.tolist() == [[0, 0, 50, 50], [600, 1, 675, 6]]
    assert problems(truths) == [
        "annotation 21 in a.jpg: unknown class 'person' (and 1 more)",
        "annotation 23 in a.jpg: the box [1, 1, 0, 5] has no area (and 1 more)",
        "annotation 25 in a.jpg: the box [700, 1, 5, 5] lies outside the 640 x 480 picture "
        "(and 1 more)",
        "annotation 27 in a.jpg: the box [600, 1, 75, 5] reaches 35 pixels over the edge of the "
        "640 x 480 picture; it is used as it is",
        "annotation 28 in a.jpg: the box ['1', 1, 5, 5] is not four numbers (and 2 more)",
        "annotation 31: there is no image with id 99",
        "annotation 32 in a.jpg: there is no category with id 77",
        "annotation 33 in a.jpg: iscrowd is 'no', expected 0 or 1 (and 1 more)",
    ]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "null", "1" * 400])
def test_a_box_with_a_number_that_is_none_is_left_out(number):
    content = coco(annotations=[note([1, 2, "?", 4]), note([1, 2, 3, 4])])
    truths = read_coco(content.replace(b'"?"', number.encode()), LABELS)
    assert truths.pictures[0].boxes.tolist() == [[1, 2, 4, 6]]
    assert [problem.kind for problem in truths.problems] == ["no numbers"]


def test_a_corner_that_is_rounded_over_the_edge_is_nobodys_fault():
    truths = read_coco(coco(annotations=[note([600, 400, 40.9, 80.6])]), LABELS)
    assert truths.problems == ()


def test_images_without_a_picture_are_named_and_their_boxes_are_not():
    images = [
        {"id": number, "file_name": name, "width": 640, "height": 480}
        for number, name in enumerate(["x.jpg", "a.jpg", "y.jpg", "z.jpg"])
    ]
    truths = read_coco(coco(images, [note([1, 1, 5, 5], image_id=0)]), LABELS, SIZES)
    assert [picture.file_name for picture in truths.pictures] == ["a.jpg"]
    assert problems(truths) == [
        "image 'x.jpg': there is no picture of that name (and 2 more)",
    ]


def test_folders_and_case_of_a_file_name_do_not_matter_where_one_picture_fits():
    images = [{"id": 1, "file_name": "train\\A.JPG", "width": 640, "height": 480}]
    assert read_coco(coco(images), LABELS, SIZES).pictures[0].file_name == "a.jpg"


def test_a_name_that_fits_two_pictures_fits_none():
    images = [{"id": 1, "file_name": "a.jpg", "width": 640, "height": 480}]
    with pytest.raises(GroundTruthError, match="no picture of that name"):
        read_coco(coco(images), LABELS, {"x/a.jpg": (640, 480), "y/a.jpg": (640, 480)})


def test_a_picture_of_another_size_than_the_file_says_is_left_out():
    images = [
        {"id": 1, "file_name": "a.jpg", "width": 480, "height": 640},
        {"id": 2, "file_name": "b.jpg"},
    ]
    truths = read_coco(coco(images), LABELS, SIZES)
    assert [(picture.file_name, picture.size) for picture in truths.pictures] == [
        ("b.jpg", (200, 300))
    ]
    assert problems(truths) == [
        "image 'a.jpg': its boxes are for 480 x 640 pixels, the picture has 640 x 480"
    ]


def test_a_picture_that_is_listed_twice_is_used_once():
    image = {"id": 1, "file_name": "a.jpg", "width": 640, "height": 480}
    content = coco([image, image, {**image, "id": 2}], [note([1, 1, 5, 5])])
    truths = read_coco(content, LABELS)
    assert [len(picture.boxes) for picture in truths.pictures] == [1]
    assert problems(truths) == ["image 'a.jpg': id 1 is there twice (and 1 more)"]


@pytest.mark.parametrize(
    ("images", "message"),
    [
        ([5], "image 1: expected an id and a file_name"),
        ([{"id": 1}], "image 1: expected an id and a file_name"),
        ([{"id": [], "file_name": "a.jpg"}], "image 1: expected an id and a file_name"),
        ([{"id": 1, "file_name": "a.jpg"}], "expected a width and a height"),
        ([{"id": 1, "file_name": "a.jpg", "width": 0, "height": 5}], "expected a width"),
        ([{"id": 1, "file_name": "a.jpg", "width": 2.5, "height": 5}], "expected a width"),
        ([], "no pictures"),
    ],
)
def test_a_coco_file_with_nothing_to_use_is_an_error_that_names_the_first_fault(images, message):
    with pytest.raises(GroundTruthError, match=message) as caught:
        read_coco(coco(images), LABELS)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("field", "value", "kind"),
    [
        ("labelled", "watch", "labelled"),
        ("labelled", [1], "labelled"),
        ("ignore_regions", 5, "region"),
        ("ignore_regions", [{"bbox": [1, 2, 0, 4]}], "region"),
        ("ignore_regions", [{"bbox": [1e308, 0, 1e308, 9]}], "region"),
        ("ignore_regions", [{"categories": "watch", "bbox": [1, 2, 3, 4]}], "region"),
    ],
)
def test_a_field_of_the_wrong_type_is_named_and_left_out(field, value, kind):
    image = {"id": 1, "file_name": "a.jpg", "width": 9, "height": 9, field: value}
    truths = read_coco(coco([image]), LABELS)
    assert [problem.kind for problem in truths.problems] == [kind]
    assert truths.pictures[0].labelled == {1, 2, 3}
    assert len(truths.pictures[0].regions) == 0


def test_broken_json_is_an_error_with_line_and_column():
    with pytest.raises(GroundTruthError, match="broken JSON at line 2, column 12"):
        read_coco(b'{\n "images": oops}', LABELS)


@pytest.mark.parametrize(
    "data",
    [b"", b"\xff\xfe\xfd", b"[" * 100_000, b"1" * 5000, b"{}", b"[]", b'"x"', b'{"images": 5}'],
)
def test_what_is_no_coco_json_is_an_error(data):
    with pytest.raises(GroundTruthError):
        read_coco(data, LABELS)


def test_a_list_of_coco_results_is_told_apart():
    with pytest.raises(GroundTruthError, match="got a list") as caught:
        read_coco(b'[{"image_id": 1, "score": 0.5}]', LABELS)
    assert "results" in caught.value.hint


def test_a_message_stays_short_and_printable_whatever_is_in_the_file():
    content = coco(annotations=[note(["\ud800" * 1000, 1, 2, 3])])
    (problem,) = read_coco(content, LABELS).problems
    assert len(str(problem)) < 200
    str(problem).encode()


# --- Pascal VOC


def test_a_voc_annotation_without_objects_says_that_nothing_is_there():
    (picture,) = read_voc(voc(), LABELS, SIZES).pictures
    assert len(picture.boxes) == 0
    assert picture.labelled is None


def test_voc_corners_count_from_one_and_belong_to_the_box():
    truths = read_voc(voc(("Watch", (1, 1, 640, 480), ""), ("books", (11, 21, 30, 40), "")), LABELS)
    (picture,) = truths.pictures
    assert picture.boxes.tolist() == [[0, 0, 640, 480], [10, 20, 30, 40]]
    assert picture.class_ids.tolist() == [2, 3]


def test_a_box_counted_from_zero_is_no_problem():
    assert read_voc(voc(("watch", (0, 0, 639, 479), "")), LABELS).problems == ()


def test_difficult_objects_are_crowd_boxes():
    easy, hard = "<difficult>0</difficult>", "<difficult>1</difficult>"
    box = (5, 5, 9, 9)
    content = voc(("watch", box, hard), ("watch", box, easy), ("watch", box, ""))
    assert read_voc(content, LABELS).pictures[0].crowd.tolist() == [True, False, False]


def test_the_parts_of_a_voc_object_are_not_objects():
    part = "<part><name>shoes</name><bndbox><xmin>1</xmin></bndbox></part>"
    (picture,) = read_voc(voc(("watch", (5, 5, 9, 9), part)), LABELS).pictures
    assert picture.boxes.tolist() == [[4, 4, 9, 9]]


def test_a_voc_file_finds_its_picture_by_its_own_name_when_the_inner_one_fits_none():
    content = voc(filename="000012.png", size=(200, 300))
    (picture,) = read_voc(content, LABELS, SIZES, "labels/b.xml").pictures
    assert picture.file_name == "b.jpg"


def test_a_voc_file_without_a_picture_is_an_error():
    with pytest.raises(GroundTruthError, match=r"no picture named 'x\.jpg'"):
        read_voc(voc(filename="x.jpg"), LABELS, SIZES, "x.xml")


def test_a_voc_file_for_another_size_is_an_error():
    with pytest.raises(GroundTruthError, match="for 64 x 48 pixels, the picture has 640 x 480"):
        read_voc(voc(size=(64, 48)), LABELS, SIZES)


def test_voc_objects_that_cannot_be_used_are_named():
    content = voc(
        ("person", (1, 1, 5, 5), ""),
        ("watch", (5, 5, 1, 9), ""),
        ("watch", (5, 5, "x", 9), ""),
        ("watch", ("nan", 5, 7, 9), ""),
        ("watch", (5.5, 5, 7, 9), ""),
    )
    truths = read_voc(content, LABELS, SIZES, "a.xml")
    assert truths.pictures[0].boxes.tolist() == [[4.5, 4, 7, 9]]
    assert problems(truths) == [
        "a.xml, object 1: unknown class 'person'",
        "a.xml, object 2: the box ['5', '5', '1', '9'] has no area",
        "a.xml, object 3: the box ['5', '5', 'x', '9'] is not four numbers (and 1 more)",
    ]


def test_broken_xml_is_an_error_with_line_and_column():
    with pytest.raises(GroundTruthError, match="broken XML at line 2, column 3: mismatched tag"):
        read_voc(b"<annotation>\n</wrong>", LABELS)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html/>",
        b"<annotation/>",
        b"<annotation>&undefined;</annotation>",
        b'<?xml version="1.0" encoding="klingon"?><annotation/>',
        b'<?xml version="1.0" encoding="utf-7"?><annotation/>',
        b"\xff\xff",
    ],
)
def test_what_is_no_voc_xml_is_an_error(data):
    with pytest.raises(GroundTruthError):
        read_voc(data, LABELS)


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 9))


@pytest.mark.parametrize(
    "doctype",
    [
        "<!DOCTYPE annotation>",
        '<!DOCTYPE annotation SYSTEM "file:///etc/passwd">',
        '<!DOCTYPE annotation [<!ENTITY name SYSTEM "file:///etc/hostname">]>',
        f'<!DOCTYPE annotation [<!ENTITY l0 "ha">{LAUGHS}]>',
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_an_xml_with_a_document_type_is_refused(doctype, encoding):
    content = voc(("watch", (1, 1, 5, 5), ""), head=doctype).decode()
    with pytest.raises(GroundTruthError, match="DOCTYPE"):
        read_voc(content.encode(encoding), LABELS)


# --- YOLO


def test_an_empty_yolo_file_says_that_nothing_is_there():
    (picture,) = read_yolo(b"", LABELS, SIZES, "a.txt").pictures
    assert picture.file_name == "a.jpg"
    assert len(picture.boxes) == 0


def test_yolo_boxes_are_centre_and_size_as_fractions_of_the_picture():
    (picture,) = read_yolo(b"1 0.5 0.5 0.25 0.5\r\n\r\n", LABELS, SIZES, "labels/A.txt").pictures
    assert picture.boxes.tolist() == [[240, 120, 400, 360]]
    assert picture.class_ids.tolist() == [2]
    assert picture.labelled is None


def test_yolo_classes_are_those_of_the_list_where_there_is_one():
    names = ["Books", "person", "shoes"]
    content = b"0 0.5 0.5 0.5 0.5\n2 0.5 0.5 0.5 0.5\n1 0.5 0.5 0.5 0.5"
    truths = read_yolo(content, LABELS, SIZES, "a.txt", names)
    assert truths.pictures[0].class_ids.tolist() == [3, 1]
    assert truths.pictures[0].labelled == {1, 3}
    assert problems(truths) == ["a.txt, line 3: unknown class 'person'"]


def test_yolo_lines_that_cannot_be_used_are_named():
    content = (
        b"1 0.5 0.5 0.5 0.5\n"
        b"3 0.5 0.5 0.5 0.5\n"
        b"1 0.5 0.5 0.5\n"
        b"1 0.5 0.5 0.5 0.5 0.9\n"
        b"watch 0.5 0.5 0.5 0.5\n"
        b"1 0.5 nan 0.5 0.5\n"
        b"1 0.5 0.5 inf inf\n"
        b"1 0.5 0.5 0 0.5\n"
        b"1 320 240 50 50\n"
    )
    truths = read_yolo(content, LABELS, SIZES, "a.txt")
    assert len(truths.pictures[0].boxes) == 1
    assert problems(truths) == [
        "a.txt, line 2: unknown class 'number 3'",
        "a.txt, line 3: expected a class number, centre x, centre y, width, height; "
        "got '1 0.5 0.5 0.5' (and 2 more)",
        "a.txt, line 6: the box ['0.5', 'nan', '0.5', '0.5'] is not four numbers (and 1 more)",
        "a.txt, line 8: the box ['0.5', '0.5', '0', '0.5'] has no area",
        "a.txt, line 9: the box ['320', '240', '50', '50'] lies outside the 640 x 480 picture",
    ]


def test_a_yolo_file_of_no_picture_is_an_error():
    with pytest.raises(GroundTruthError, match="no picture named 'x'"):
        read_yolo(b"", LABELS, SIZES, "x.txt")


def test_bytes_that_are_no_text_are_an_error():
    with pytest.raises(GroundTruthError, match="not a text file"):
        read_yolo(b"\xff\xd8\xff", LABELS, SIZES, "a.txt")


# --- files of all formats


def test_no_files_are_an_error():
    with pytest.raises(GroundTruthError, match="no ground truth in the files"):
        read_ground_truth({}, LABELS, SIZES)


def test_files_of_several_formats_are_put_together():
    truths = read_ground_truth(
        {
            "a.xml": voc(("watch", (1, 1, 5, 5), "")),
            "b.txt": b"0 0.5 0.5 0.5 0.5",
            "classes.txt": b"books\nshoes\n",
        },
        LABELS,
        SIZES,
    )
    assert [picture.file_name for picture in truths.pictures] == ["a.jpg", "b.jpg"]
    assert truths.pictures[1].class_ids.tolist() == [3]
    assert truths.problems == ()


def test_a_broken_file_among_good_ones_is_named_and_the_others_are_used():
    truths = read_ground_truth(
        {"a.xml": voc(), "b.xml": b"<broken", "c.txt": b"", "d.pdf": b""}, LABELS, SIZES
    )
    assert [picture.file_name for picture in truths.pictures] == ["a.jpg"]
    assert problems(truths) == [
        "b.xml: broken XML at line 1, column 1: unclosed token (and 2 more)",
        "b.jpg: no ground truth for this picture",
    ]


def test_faults_of_one_kind_are_counted_over_all_files():
    line = b"9 0.5 0.5 0.5 0.5\n"
    truths = read_ground_truth({"a.txt": line * 2, "b.txt": line * 3}, LABELS, SIZES)
    assert problems(truths) == ["a.txt, line 1: unknown class 'number 9' (and 4 more)"]


def test_the_first_file_of_a_picture_counts():
    truths = read_ground_truth(
        {"a.xml": voc(), "a.txt": b"0 0.5 0.5 0.5 0.5", "b.txt": b""}, LABELS, SIZES
    )
    assert [len(picture.boxes) for picture in truths.pictures] == [0, 0]
    assert problems(truths) == ["a.txt: a.jpg has its ground truth from an earlier file"]


def test_files_of_which_none_can_be_used_are_an_error_that_names_the_first():
    with pytest.raises(GroundTruthError, match=r"x\.txt: there is no picture.*and 1 more"):
        read_ground_truth({"x.txt": b"", "y.txt": b""}, LABELS, SIZES)


# --- what this project writes


@pytest.fixture
def detected():
    boxes = np.array([[10, 20, 110, 220], [0, 0, 640, 480]], np.float32)
    found = Detections(boxes, np.float32([0.9, 0.5]), np.int64([3, 1]), np.int64([0, 1]))
    return DetectedImage("a.jpg", (640, 480), found)


@pytest.mark.parametrize("format_name", ["coco", "voc", "yolo"])
def test_exported_detections_are_read_back_as_ground_truth(detected, format_name):
    files = {
        "coco": {"a.json": to_coco([detected], LABELS)},
        "voc": {"a.xml": to_voc(detected, LABELS)},
        "yolo": {"a.txt": to_yolo(detected)},
    }[format_name]
    (picture,) = read_ground_truth(files, LABELS, {"a.jpg": (640, 480)}).pictures
    assert picture.boxes == pytest.approx(detected.detections.boxes, abs=1e-3)
    assert picture.class_ids.tolist() == [3, 1]


def test_the_gallerys_truth_is_read_without_a_problem(samples_dir):
    data = (samples_dir / "annotations.json").read_bytes()
    labels = ("background", *(entry["name"] for entry in json.loads(data)["categories"]))
    truths = read_coco(data, labels)
    assert len(truths.pictures) == len(json.loads(data)["images"])
    assert truths.problems == ()
