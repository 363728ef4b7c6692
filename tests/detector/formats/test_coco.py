"""COCO: what is written is read back by pycocotools, what others write is read."""

import contextlib
import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from pycocotools.coco import COCO

from detector.errors import GroundTruthError
from detector.evaluation.ground_truth import ANY_CLASS
from detector.formats.coco import read_coco, to_coco, to_coco_results
from detector.formats.detected import DetectedImage
from tests.support.detected import LABELS, NONE, TWO, detected_images
from tests.support.ground_truth import FOUR, SIZES, coco, note, problems


def loaded(data: bytes, tmp_path: Path) -> COCO:
    file = tmp_path / "coco.json"
    file.write_bytes(data)
    with contextlib.redirect_stdout(io.StringIO()):
        return COCO(str(file))


def test_an_empty_coco_data_set_loads(tmp_path: Path) -> None:
    data = loaded(to_coco([], LABELS), tmp_path)
    assert data.getImgIds() == data.getAnnIds() == []


def test_coco_has_images_categories_and_annotations(tmp_path: Path) -> None:
    data = loaded(to_coco([NONE, TWO], LABELS), tmp_path)
    assert [image["file_name"] for image in data.loadImgs([1, 2])] == [
        "empty.jpg",
        "shop/shelf.jpg",
    ]
    assert [(image["width"], image["height"]) for image in data.loadImgs([1, 2])] == [
        NONE.size,
        TWO.size,
    ]
    assert data.loadCats(data.getCatIds()) == [
        {"id": class_id, "name": label, "supercategory": "commodity"}
        for class_id, label in enumerate(LABELS)
        if class_id > 0
    ]
    [first, second] = data.loadAnns(data.getAnnIds(imgIds=[2]))
    assert first["bbox"] == [10.25, 20.5, 100.5, 199.5]
    assert (first["id"], first["category_id"], first["score"]) == (1, 4, 0.93)
    assert (first["area"], first["iscrowd"]) == (100.5 * 199.5, 0)
    assert (second["id"], second["category_id"]) == (2, 7)


def test_frames_of_a_video_have_their_time(tmp_path: Path) -> None:
    frames = [replace(TWO, time_s=0.0), replace(NONE, time_s=1.23456)]
    data = loaded(to_coco(frames, LABELS), tmp_path)
    assert [image["time_s"] for image in data.loadImgs([1, 2])] == [0.0, 1.235]
    assert "time_s" not in loaded(to_coco([TWO], LABELS), tmp_path).loadImgs([1])[0]


def test_coco_results_load_over_the_data_set(tmp_path: Path) -> None:
    data = loaded(to_coco([NONE, TWO], LABELS), tmp_path)
    file = tmp_path / "results.json"
    file.write_bytes(to_coco_results([NONE, TWO]))
    with contextlib.redirect_stdout(io.StringIO()):
        results = data.loadRes(str(file))
    assert [found["bbox"] for found in results.loadAnns(results.getAnnIds())] == [
        [10.25, 20.5, 100.5, 199.5],
        [0.0, 0.0, 640.0, 480.0],
    ]


@given(detected_images())
def test_coco_boxes_are_the_same_boxes(image: DetectedImage) -> None:
    results = json.loads(to_coco_results([image]))
    boxes = np.array([found["bbox"] for found in results]).reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2]
    assert boxes == pytest.approx(image.detections.boxes, abs=2e-3)


def test_a_coco_image_without_annotations_says_that_nothing_is_there():
    read = read_coco(coco(), FOUR)
    assert [len(image.boxes) for image in read.images] == [0]
    assert read.problems == ()


def test_coco_boxes_are_corner_and_size():
    (image,) = read_coco(coco(annotations=[note([10.5, 20, 30, 40.25])]), FOUR).images
    assert image.file_name == "a.jpg"
    assert image.size == (640, 480)
    assert image.boxes.tolist() == [[10.5, 20, 40.5, 60.25]]
    assert image.class_ids.tolist() == [2]
    assert image.crowd.tolist() == [False]


def test_coco_categories_are_matched_by_name_whatever_the_case_and_the_ids():
    content = coco(annotations=[note([0, 0, 9, 9], 10)], categories=(" Books ",))
    (image,) = read_coco(content, FOUR).images
    assert image.class_ids.tolist() == [3]


def test_a_category_named_background_is_no_class():
    content = coco(annotations=[note([0, 0, 9, 9], 10)], categories=("background",))
    assert "unknown class 'background'" in str(read_coco(content, FOUR).problems[0])


def test_of_classes_that_the_coco_file_does_not_have_nothing_is_known():
    (image,) = read_coco(coco(categories=("watch", "person")), FOUR).images
    assert image.labelled == {2}


def test_iscrowd_makes_a_crowd_box():
    content = coco(annotations=[note([0, 0, 9, 9], iscrowd=1), note([5, 5, 9, 9], iscrowd=0)])
    (image,) = read_coco(content, FOUR).images
    assert image.crowd.tolist() == [True, False]


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
    read = read_coco(coco([image]), FOUR)
    (image,) = read.images
    assert read.problems == ()
    assert image.labelled == {2, 3}
    assert image.regions.tolist() == [[1, 2, 11, 22], [1, 2, 11, 22], [0, 0, 5, 5]]
    assert image.region_class_ids.tolist() == [1, 3, ANY_CLASS]


def test_an_empty_list_of_labelled_categories_means_none():
    image = {"id": 1, "file_name": "a.jpg", "width": 9, "height": 9, "labelled": []}
    assert read_coco(coco([image]), FOUR).images[0].labelled == frozenset()


def two_images(*annotations, **more):
    """An image with a box of nothing wrong, and one with these annotations."""
    images = [
        {"id": 1, "file_name": "a.jpg", "width": 640, "height": 480},
        {"id": 2, "file_name": "b.jpg", "width": 200, "height": 300},
    ]
    good = note([0, 0, 50, 50], image_id=2, id=20)
    return read_coco(coco(images, [good, *annotations], **more), FOUR)


def counted(read):
    return [image.file_name for image in read.images]


def test_nothing_is_right_or_wrong_where_the_class_of_an_annotation_is_not_known():
    read = two_images(
        note([1, 1, 5, 5], 13, id=21),
        note([2, 2, 5, 5], 13, id=22),
        note([3, 3, 5, 5], 77, id=32),
        note([4, 4, 5, 5], None, id=33),
        note([5, 5, 5, 5], id=34, iscrowd="perhaps"),
        categories=("shoes", "watch", "books", "person"),
    )
    image, _ = read.images
    assert len(image.boxes) == 0
    assert image.unread == 5
    assert image.regions[:, 0].tolist() == [1, 2, 3, 4, 5]
    assert image.region_class_ids.tolist() == [0, 0, 0, 0, 2]
    assert problems(read) == [
        "annotation 21 in a.jpg: unknown class 'person'; nothing found there is right or wrong "
        "(and 1 more)",
        "annotation 32 in a.jpg: there is no category with id 77; nothing found there is right or "
        "wrong (and 1 more)",
        "annotation 34 in a.jpg: iscrowd is 'perhaps', expected 0 or 1; nothing found there is "
        "right or wrong",
    ]


@pytest.mark.parametrize(
    ("annotation", "fault"),
    [
        (note([1, 1, 0, 5]), "annotation 7 in a.jpg: the box [1, 1, 0, 5] has no area"),
        (note([1, 1, 5, -5]), "the box [1, 1, 5, -5] has no area"),
        (note([700, 1, 5, 5]), "the box [700, 1, 5, 5] lies outside the 640 x 480 image"),
        (note([-30, 1, 20, 5]), "lies outside"),
        (note([600, 1, 81, 5]), "most of the box [600, 1, 81, 5] lies outside the 640 x 480 image"),
        (note([0, 0, 1e300, 1e300]), "most of the box"),
        (note([1, 1, 5]), "the box [1, 1, 5] is not four numbers"),
        (note([1, 1, 5, 5, 5]), "is not four numbers"),
        (note([True, 1, 5, 5]), "is not four numbers"),
        (note(["one", 1, 5, 5]), "is not four numbers"),
        (note(["1_0", 1, 5, 5]), "is not four numbers"),
        (note({"x": 1}), "is not four numbers"),
        (note([]), "the box [] is not four numbers"),
        (note(None), "the box None is not four numbers"),
    ],
)
def test_an_annotation_that_may_be_anywhere_takes_its_image_out_of_the_count(annotation, fault):
    read = two_images(annotation)
    assert counted(read) == ["b.jpg"]
    assert read.not_counted == ("a.jpg",)
    assert fault in problems(read)[0]
    assert problems(read)[1:] == [
        "a.jpg: does not count, for not all of its ground truth was understood"
    ]


@pytest.mark.parametrize("image_id", [None, [], {}, True, 99, "x", 1.5, ...])
def test_an_annotation_of_no_image_takes_its_class_out_of_the_count_in_all(image_id):
    stray = note([1, 1, 5, 5], image_id=image_id, id=31)
    if image_id is ...:
        del stray["image_id"]
    read = two_images(note([9, 9, 5, 5], 10), stray)
    assert [image.labelled for image in read.images] == [{1, 3}, {1, 3}]
    assert sum(image.unread for image in read.images) == 1
    [told] = problems(read)
    assert "31: there is no image with id" in told or "annotations[2]" in told
    assert told.endswith(": what is found of watch is not counted in the images of this file")


@pytest.mark.parametrize("category_id", [None, 77, 13])
def test_an_annotation_of_no_image_and_no_known_class_takes_all_out_of_the_count(category_id):
    stray = note([1, 1, 5, 5], category_id, image_id=99, id=31)
    with pytest.raises(GroundTruthError, match="annotation 31: there is no image with id 99"):
        two_images(stray, categories=("shoes", "watch", "books", "person"))
    with pytest.raises(GroundTruthError, match=r"annotations\[1\] is 'nonsense'"):
        two_images("nonsense")


@pytest.mark.parametrize("image_id", [1, 1.0, "1", " 1", "01", "1.0"])
@pytest.mark.parametrize("category_id", [11, "11"])
def test_an_id_is_the_same_as_a_number_or_a_text(image_id, category_id):
    read = two_images(note([1, 2, 3, 4], category_id, image_id))
    assert read.images[0].boxes.tolist() == [[1, 2, 4, 6]]
    assert read.problems == ()


@pytest.mark.parametrize(
    ("iscrowd", "expected"),
    [(None, False), (0, False), ("0", False), (False, False), (1, True), ("1", True), (True, True)],
)
def test_iscrowd_is_yes_or_no_in_several_forms(iscrowd, expected):
    read = two_images(note([1, 2, 3, 4], iscrowd=iscrowd))
    assert read.images[0].crowd.tolist() == [expected]
    assert read.problems == ()


def test_a_box_in_texts_is_read():
    assert two_images(note(["1", "2.5", 3, "4e0"])).images[0].boxes.tolist() == [[1, 2.5, 4, 6.5]]


@pytest.mark.parametrize("bbox", [[], None, [0, 0, 0, 0], "60"])
def test_without_a_bbox_the_box_around_the_segmentation_is_taken_and_that_is_said(bbox):
    outline = [[60, 45, 140, 45, 140, 105], [60, 45, 90, 105, 70, 100]]
    read = two_images(note(bbox, segmentation=outline))
    assert read.images[0].boxes.tolist() == [[60, 45, 140, 105]]
    assert [problem.kind for problem in read.problems] == ["segmentation"]


@pytest.mark.parametrize("outline", [[], [[1, 2]], [[1, 2, 3, 4, 5, "x"]], {"counts": "x"}, 5, [7]])
def test_a_segmentation_that_is_no_outline_is_no_box(outline):
    assert counted(two_images(note([], segmentation=outline))) == ["b.jpg"]


def test_a_category_id_with_two_names_is_named_and_not_used():
    content = json.loads(coco(annotations=[note([1, 1, 5, 5], 10), note([9, 9, 5, 5], 11)]))
    content["categories"].append({"id": "10", "name": "books"})
    read = read_coco(json.dumps(content).encode(), FOUR)
    (image,) = read.images
    assert image.class_ids.tolist() == [2]
    assert image.regions.tolist() == [[1, 1, 6, 6]]
    assert image.labelled == {2, 3}
    assert "category id '10' is both 'shoes' and 'books'; neither is used" in problems(read)


def test_a_name_that_is_twice_in_one_object_is_an_error():
    content = coco(annotations=[note([1, 1, 5, 5])]).replace(b'"bbox"', b'"bbox": [], "bbox"')
    with pytest.raises(GroundTruthError, match="'bbox' is twice in one object"):
        read_coco(content, FOUR)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "null", "1" * 400])
def test_a_box_with_a_number_that_is_none_takes_its_image_out_of_the_count(number):
    content = coco(annotations=[note([1, 2, "?", 4]), note([1, 2, 3, 4])])
    with pytest.raises(GroundTruthError, match=r"the box \[1, 2, "):
        read_coco(content.replace(b'"?"', number.encode()), FOUR)


def test_a_corner_that_is_rounded_over_the_edge_is_nobodys_fault():
    read = read_coco(coco(annotations=[note([600, 400, 40.9, 80.6])]), FOUR)
    assert read.problems == ()
    read = read_coco(coco(annotations=[note([600, 400, 41.2, 80])]), FOUR)
    assert [problem.kind for problem in read.problems] == ["over the edge"]


def test_images_without_an_image_are_named_and_their_boxes_are_not():
    images = [
        {"id": number, "file_name": name, "width": 640, "height": 480}
        for number, name in enumerate(["x.jpg", "a.jpg", "y.jpg", "z.jpg"])
    ]
    read = read_coco(coco(images, [note([1, 1, 5, 5], image_id=0)]), FOUR, SIZES)
    assert [image.file_name for image in read.images] == ["a.jpg"]
    assert problems(read) == [
        "image 'x.jpg': there is no image of that name (and 2 more)",
    ]


def test_folders_and_case_of_a_file_name_do_not_matter_where_one_image_fits():
    images = [{"id": 1, "file_name": "train\\A.JPG", "width": 640, "height": 480}]
    assert read_coco(coco(images), FOUR, SIZES).images[0].file_name == "a.jpg"


def test_a_name_that_fits_two_images_fits_none():
    images = [{"id": 1, "file_name": "a.jpg", "width": 640, "height": 480}]
    with pytest.raises(GroundTruthError, match="no image of that name"):
        read_coco(coco(images), FOUR, {"x/a.jpg": (640, 480), "y/a.jpg": (640, 480)})


def test_an_image_of_another_size_than_the_file_says_is_left_out():
    images = [
        {"id": 1, "file_name": "a.jpg", "width": 480, "height": 640},
        {"id": 2, "file_name": "b.jpg"},
    ]
    read = read_coco(coco(images), FOUR, SIZES)
    assert [(image.file_name, image.size) for image in read.images] == [("b.jpg", (200, 300))]
    assert problems(read) == [
        "image 'a.jpg': its boxes are for 480 x 640 pixels, the image has 640 x 480"
    ]


def test_an_image_that_is_listed_twice_in_the_same_words_is_used_once():
    image = {"id": 1, "file_name": "a.jpg", "width": 640, "height": 480}
    read = read_coco(coco([image, image], [note([1, 1, 5, 5])]), FOUR)
    assert [len(image.boxes) for image in read.images] == [1]
    assert read.problems == ()


def test_an_id_of_two_images_takes_both_out_of_the_count():
    images = [
        {"id": number, "file_name": name, "width": 640, "height": 480}
        for number, name in ((1, "a.jpg"), ("1", "b.jpg"), (2, "c.jpg"))
    ]
    read = read_coco(coco(images, [note([1, 1, 5, 5])]), FOUR)
    assert counted(read) == ["c.jpg"]
    assert problems(read)[0] == "image 'b.jpg': id '1' is there twice (and 1 more)"


def test_an_image_with_two_ids_does_not_count_where_they_contradict_each_other():
    image = {"id": 1, "file_name": "a.jpg", "width": 640, "height": 480}
    same = read_coco(coco([image, {**image, "id": 2}]), FOUR)
    assert [len(image.boxes) for image in same.images] == [0]
    with pytest.raises(GroundTruthError, match="contradict each other"):
        read_coco(coco([image, {**image, "id": 2}], [note([1, 1, 5, 5])]), FOUR)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        ([5], r"images\[0\] is 5, expected an object"),
        ([{"id": 1}], r"images\[0\]: there is no file_name"),
        ([{"id": [], "file_name": "a.jpg"}], r"images\[0\]\.id is \[\], expected a number"),
        ([{"id": 1, "file_name": "a.jpg"}], "expected a width and a height"),
        ([{"id": 1, "file_name": "a.jpg", "width": 0, "height": 5}], "expected a width"),
        ([{"id": 1, "file_name": "a.jpg", "width": 2.5, "height": 5}], "expected a width"),
        ([], "no images"),
    ],
)
def test_a_coco_file_with_nothing_to_use_is_an_error_that_names_the_first_fault(images, message):
    with pytest.raises(GroundTruthError, match=message) as caught:
        read_coco(coco(images), FOUR)
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
def test_a_field_of_the_wrong_type_takes_its_image_out_of_the_count(field, value, kind):
    images = [
        {"id": 1, "file_name": "a.jpg", "width": 9, "height": 9, field: value},
        {"id": 2, "file_name": "b.jpg", "width": 9, "height": 9},
    ]
    read = read_coco(coco(images), FOUR)
    assert counted(read) == ["b.jpg"]
    assert [problem.kind for problem in read.problems] == [kind, "not counted"]


def test_broken_json_is_an_error_with_line_and_column():
    with pytest.raises(GroundTruthError, match="broken JSON at line 2, column 12"):
        read_coco(b'{\n "images": oops}', FOUR)


@pytest.mark.parametrize(
    "data",
    [b"", b"\xff\xfe\xfd", b"[" * 100_000, b"1" * 5000, b"{}", b"[]", b'"x"', b'{"images": 5}'],
)
def test_what_is_no_coco_json_is_an_error(data):
    with pytest.raises(GroundTruthError):
        read_coco(data, FOUR)


def test_a_list_of_coco_results_is_told_apart():
    with pytest.raises(GroundTruthError, match="got a list") as caught:
        read_coco(b'[{"image_id": 1, "score": 0.5}]', FOUR)
    assert "results" in caught.value.hint


def test_a_message_stays_short_and_printable_whatever_is_in_the_file():
    content = coco(annotations=[note(["\ud800" * 1000, 1, 2, 3])])
    with pytest.raises(GroundTruthError) as caught:
        read_coco(content, FOUR)
    assert len(str(caught.value)) < 200
    str(caught.value).encode()


def test_the_gallerys_truth_is_read_without_a_problem(samples_dir):
    data = (samples_dir / "annotations.json").read_bytes()
    labels = ("background", *(entry["name"] for entry in json.loads(data)["categories"]))
    read = read_coco(data, labels)
    assert len(read.images) == len(json.loads(data)["images"])
    assert read.problems == ()


def test_what_an_image_says_of_itself_is_read_where_images_can_be_sorted_by_it():
    image = {
        **{"id": 1, "file_name": "a.jpg", "width": 9, "height": 9, "license": 3, "labelled": []},
        **{
            "kind": "scene",
            "night": True,
            "floor": 2,
            "note": "x" * 41,
            "where": ["a"],
            "none": "",
        },
    }
    content = {"images": [image], "annotations": [], "categories": [{"id": 1, "name": "shoes"}]}
    [truth] = read_coco(json.dumps(content).encode(), LABELS).images
    assert truth.attributes == {"kind": "scene", "night": "True", "floor": "2"}
