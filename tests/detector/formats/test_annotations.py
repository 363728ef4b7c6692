"""Files of all formats together."""

import io
import json
import unicodedata
import zipfile

import numpy as np
import pytest

from detector.errors import GroundTruthError
from detector.formats.annotations import read_ground_truth
from detector.formats.class_mapping import write_class_mapping
from detector.formats.coco import to_coco
from detector.formats.detected import DetectedImage
from detector.formats.voc import to_voc
from detector.formats.yolo import to_yolo
from detector.ssd import Detections
from tests.support.ground_truth import FOUR, SIZES, coco, note, problems, voc


def read(files, sizes=SIZES, mapping=None):
    pairs = files.items() if isinstance(files, dict) else files
    return read_ground_truth(pairs, FOUR, sizes, mapping)


def classes(found):
    return {image.file_name: image.class_ids.tolist() for image in found.images}


def test_no_files_are_an_error():
    with pytest.raises(GroundTruthError, match="no ground truth in the files"):
        read({})


def test_files_of_several_formats_are_put_together():
    found = read(
        {
            "a.xml": voc(("watch", (1, 1, 5, 5), "")),
            "b.txt": b"0 0.5 0.5 0.5 0.5",
            "classes.txt": b"books\nshoes\n",
        }
    )
    assert [image.file_name for image in found.images] == ["a.jpg", "b.jpg"]
    assert found.images[1].class_ids.tolist() == [3]
    assert found.problems == ()


def test_a_broken_file_among_good_ones_is_named_and_the_others_are_used():
    found = read({"a.xml": voc(), "b.xml": b"<broken", "c.txt": b"", "d.pdf": b""})
    assert [image.file_name for image in found.images] == ["a.jpg"]
    assert problems(found) == [
        "b.xml: broken XML at line 1, column 1: unclosed token (and 1 more)",
        "c.txt: there is no image named 'c'",
        "b.jpg: no ground truth for this image",
    ]


def test_faults_of_one_kind_are_counted_over_all_files():
    line = b"9 0.5 0.5 0.5 0.5\n"
    found = read({"a.txt": line * 2, "b.txt": line * 3})
    assert problems(found) == [
        "a.txt, line 1: unknown class 'number 9'; nothing found there is right or wrong "
        "(and 4 more)"
    ]


def test_two_files_of_one_image_that_agree_are_one():
    box = b"1 0.5 0.5 0.5 0.5"
    found = read({"a.xml": voc(("watch", (161, 121, 480, 360), "")), "a.txt": box, "b.txt": b""})
    assert classes(found) == {"a.jpg": [2], "b.jpg": []}
    assert found.problems == ()


def test_an_image_of_which_two_files_say_different_things_does_not_count():
    found = read({"a.xml": voc(), "a.txt": b"0 0.5 0.5 0.5 0.5", "b.txt": b""})
    assert classes(found) == {"b.jpg": []}
    assert found.not_counted == ("a.jpg",)
    assert problems(found) == ["a.jpg: does not count, for a.xml and a.txt contradict each other"]


def test_a_file_that_is_not_understood_spoils_no_other_of_its_image():
    found = read({"a.txt": b"what is this", "a.xml": voc(("watch", (1, 1, 5, 5), ""))})
    assert classes(found) == {"a.jpg": [2]}


def test_files_of_which_none_can_be_used_are_an_error_that_names_the_first():
    with pytest.raises(GroundTruthError, match=r"x\.txt: there is no image.*and 1 more"):
        read({"x.txt": b"", "y.txt": b""})


@pytest.fixture
def detected():
    boxes = np.array([[10, 20, 110, 220], [0, 0, 640, 480]], np.float32)
    found = Detections(boxes, np.float32([0.9, 0.5]), np.int64([3, 1]), np.int64([0, 1]))
    return DetectedImage("a.jpg", (640, 480), found)


@pytest.mark.parametrize("format_name", ["coco", "voc", "yolo"])
def test_exported_detections_are_read_back_as_ground_truth(detected, format_name):
    files = {
        "coco": {"a.json": to_coco([detected], FOUR)},
        "voc": {"a.xml": to_voc(detected, FOUR)},
        "yolo": {"a.txt": to_yolo(detected)},
    }[format_name]
    (image,) = read(files, {"a.jpg": (640, 480)}).images
    assert image.boxes == pytest.approx(detected.detections.boxes, abs=1e-3)
    assert image.class_ids.tolist() == [3, 1]


# --- lists of class names


TEXT = b"0 0.5 0.5 0.4 0.4\n"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("classes.txt", b"books\nwatch\n"),
        ("labels.txt", b"books\r\nwatch\r\n\r\n"),
        ("class_names.txt", b"books\nwatch"),
        ("desk-labels.txt", b"books\nwatch"),
        ("Things.txt", b"books\nwatch"),
        ("classes.txt", "books\nwatch".encode("utf-16")),
        ("_darknet.labels", b"books\nwatch\n"),
        ("obj.names", b"books\nwatch\n"),
        ("data.yaml", b"names: [books, watch]\nnc: 2\n"),
        ("data.yml", b"train: ../train/images\nnames:\n- books\n- watch\n"),
        ("desk.yaml", b"path: .\nnames:\n  0: books\n  1: watch\n"),
        ("data.yaml", b"names: {1: watch, 0: books}\n"),
        (
            "notes.json",
            b'{"categories": [{"id": 1, "name": "watch"}, {"id": 0, "name": "books"}]}',
        ),
        ("classes.json", b'["books", "watch"]'),
        ("x.json", b'{"names": {"0": "books", "1": "watch"}}'),
    ],
)
def test_a_list_of_names_says_what_yolos_numbers_mean(name, content):
    found = read({"a.txt": TEXT, name: content})
    assert classes(found) == {"a.jpg": [3]}
    assert found.images[0].labelled == {2, 3}
    assert [problem.kind for problem in found.problems] == ["no ground truth"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("classes.txt", "衣服\n裤子\n".encode("gbk")),
        ("classes.txt", b""),
        ("classes.txt", b"\nbooks\nwatch"),
        ("classes.txt", b"books\n\nwatch"),
        ("classes.txt", b"x" * 300_000),
        ("_darknet.labels", b"\xff\x00"),
        ("data.yaml", b"names: [books, watch\n"),
        ("data.yaml", b"names: books\n"),
        ("data.yaml", b"names: []\n"),
        ("data.yaml", b"names: [books, [watch]]\n"),
        ("data.yaml", b"names: {a: books}\n"),
        ("data.yaml", b"names: {-1: books}\n"),
        ("data.yaml", b"names: {0: books, 0: watch}\n"),
        ("data.yaml", b"names: [books]\nnames: [watch]\n"),
        ("data.yaml", b"names: [books, watch]\nnc: 3\n"),
        ("data.yaml", b"names: [books, watch]\nnc: 1\n"),
        ("data.yaml", b"names: [books, watch]\nnc: many\n"),
        ("data.yaml", b"nc: 2\ntrain: x\n"),
        ("data.yaml", b"names: " + b"[" * 5000),
        ("data.yaml", b"names: \x00"),
        ("notes.json", b'{"categories": [{"id": 0}]}'),
        ("notes.json", b'{"categories": 5}'),
        ("notes.json", b"{"),
        ("classes.json", b'{"watch": 0}'),
        ("classes.json", b'["books", ""]'),
        ("x.json", b'{"names": 5}'),
        ("Things.txt", "衣服".encode("gbk")),
    ],
)
def test_nothing_of_yolo_counts_while_a_list_lies_beside_it_unread(name, content):
    found = read({"a.txt": TEXT, name: content, "b.xml": voc(filename="b.jpg", size=(200, 300))})
    assert classes(found) == {"b.jpg": []}
    assert found.not_counted == ("a.jpg",)
    assert any(
        f"the list of class names in {name} was not understood" in p for p in problems(found)
    )


@pytest.mark.parametrize("name", ["_classes.csv", "set/label_map.pbtxt", "labels.tsv"])
def test_a_list_of_another_kind_in_a_zip_is_known_to_be_there(name):
    found = read(
        {
            "x.zip": packed({"a.txt": TEXT, name: b"?"}),
            "b.xml": voc(filename="b.jpg", size=(200, 300)),
        }
    )
    assert classes(found) == {"b.jpg": []}


def test_files_that_are_only_called_like_lists_block_nothing():
    files = {
        "a.txt": TEXT,
        "labels.xml": b"<",
        "class-names.json": write_class_mapping({"x": "dog"}),
        "labels.json": json.dumps({"shapes": [], "imagePath": "x.jpg"}).encode(),
    }
    assert classes(read(files)) == {"a.jpg": [1]}


def test_a_yaml_about_something_else_is_no_list():
    found = read({"a.txt": TEXT, "settings.yaml": b"epochs: 3\n"})
    assert classes(found) == {"a.jpg": [1]}


def test_two_lists_that_contradict_each_other_are_named_and_neither_is_used():
    lists = {"classes.txt": b"books\nwatch", "obj.names": b"watch\nbooks"}
    found = read({"a.txt": TEXT, **lists, "b.xml": voc(filename="b.jpg", size=(200, 300))})
    assert classes(found) == {"b.jpg": []}
    assert problems(found)[0] == (
        "a.txt: obj.names and classes.txt give the classes different names, so neither is used"
    )


def test_two_lists_that_are_the_same_are_one():
    lists = {"classes.txt": b"books\nwatch\n", "data.yaml": b"names: [books, watch]"}
    assert classes(read({"a.txt": TEXT, **lists})) == {"a.jpg": [3]}


def test_a_list_holds_for_the_texts_beside_it_and_in_the_folders_below():
    found = read(
        {
            "one/labels/a.txt": TEXT,
            "one/classes.txt": b"books",
            "two/b.txt": TEXT,
            "two/classes.txt": b"watch",
        }
    )
    assert classes(found) == {"a.jpg": [3], "b.jpg": [2]}


def test_an_image_may_be_called_as_lists_are():
    sizes = {"labels.jpg": (100, 100)}
    assert classes(read({"labels.txt": TEXT}, sizes)) == {"labels.jpg": [1]}
    assert classes(read({"labels.txt": b""}, sizes)) == {"labels.jpg": []}


def test_a_damaged_text_of_an_image_is_no_list():
    sizes = {"price label.jpg": (640, 480), "a.jpg": (640, 480)}
    assert classes(read({"price label.txt": b"0 0.5", "a.txt": TEXT}, sizes)) == {"a.jpg": [1]}
    assert classes(read({"gone.txt": b"0 0.5", "a.txt": TEXT})) == {"a.jpg": [1]}
    assert classes(read({"gone label.txt": b"", "a.txt": TEXT})) == {"a.jpg": [1]}


def test_texts_that_list_images_or_are_prose_are_no_lists_of_names():
    others = {"train.txt": b"data/a.jpg\ndata/b.jpg\n", "README.txt": b"Made with love.\n"}
    found = read({"a.txt": TEXT, **others})
    assert classes(found) == {"a.jpg": [1]}


def test_key_points_are_not_part_of_the_box():
    row = b"0 0.5 0.5 0.4 0.4 0.1 0.1 0.9 0.9\n"
    found = read({"a.txt": row, "data.yaml": b"names: [watch]\nkpt_shape: [2, 2]\n"})
    assert found.images[0].boxes == pytest.approx(np.array([[192, 144, 448, 336]]))


# --- names


COMPOSED, DECOMPOSED = (unicodedata.normalize(form, "café") for form in ("NFC", "NFD"))


@pytest.mark.parametrize(("at_hand", "written"), [(COMPOSED, DECOMPOSED), (DECOMPOSED, COMPOSED)])
@pytest.mark.parametrize("format_name", ["coco", "voc", "voc by its own name", "yolo"])
def test_a_name_is_the_same_composed_or_not(at_hand, written, format_name):
    image = [{"id": 1, "file_name": f"{written}.jpg", "width": 640, "height": 480}]
    files = {
        "coco": {"x.json": coco(image)},
        "voc": {"x.xml": voc(filename=f"{written}.jpg")},
        "voc by its own name": {f"{written}.xml": voc(filename="x.jpg")},
        "yolo": {f"{written}.txt": b""},
    }[format_name]
    found = read(files, {f"{at_hand}.jpg": (640, 480)})
    assert classes(found) == {f"{at_hand}.jpg": []}
    assert found.problems == ()


def test_a_label_is_the_same_composed_or_not():
    files = [("a.xml", voc((DECOMPOSED, (1, 1, 9, 9), "")))]
    found = read_ground_truth(files, ("background", COMPOSED), SIZES)
    assert classes(found) == {"a.jpg": [1]}


def test_a_name_in_both_forms_is_two_images():
    sizes = {f"{COMPOSED}.jpg": (640, 480), f"{DECOMPOSED}.jpg": (640, 480)}
    image = [{"id": 1, "file_name": f"{DECOMPOSED}.jpg", "width": 640, "height": 480}]
    assert classes(read({"x.json": coco(image)}, sizes)) == {f"{DECOMPOSED}.jpg": []}


@pytest.mark.parametrize("at_hand", ['a "q" & b.jpg', "a %22q%22 & b.jpg"])
def test_quotes_and_ampersands_are_part_of_a_name(at_hand):
    image = [{"id": 1, "file_name": 'a "q" & b.jpg', "width": 640, "height": 480}]
    for files in (
        {"x.json": coco(image)},
        {"x.xml": voc(filename="a &quot;q&quot; &amp; b.jpg")},
        {"a %22q%22 & b.txt": b""},
    ):
        assert classes(read(files, {at_hand: (640, 480)})) == {at_hand: []}


def test_labels_that_differ_in_case_only_are_told_apart():
    files = [("a.xml", voc(("watch", (1, 1, 9, 9), ""), ("WATCH", (1, 1, 9, 9), "")))]
    found = read_ground_truth(files, ("background", "Watch", "watch"), SIZES)
    assert classes(found) == {"a.jpg": [2]}
    assert found.foreign == ("WATCH",)


def test_images_of_one_name_are_told_apart_by_their_folders():
    sizes = {"x.zip/train/images/1.jpg": (640, 480), "x.zip/valid/images/1.jpg": (640, 480)}
    found = read({"train/labels/1.txt": b"0 0.5 0.5 0.1 0.1", "val/labels/1.txt": b""}, sizes)
    assert list(classes(found).values()) == [[1], []]


def test_many_images_of_one_name_are_found_quickly():
    sizes = {f"set/images/{place}/1.jpg": (100, 100) for place in range(2000)}
    texts = {f"set/labels/{place}/1.txt": b"" for place in range(2000)}
    assert len(read({**texts, "1.txt": b""}, sizes).images) == 2000
    image = {"id": 1, "file_name": "1.jpg", "width": 100, "height": 100}
    with pytest.raises(GroundTruthError, match="no image of that name"):
        read({"x.json": coco([image])}, sizes)


def test_names_that_differ_in_case_only_are_told_apart():
    sizes = {"a.jpg": (640, 480), "A.jpg": (640, 480)}
    assert classes(read({"a.txt": TEXT, "A.txt": b""}, sizes)) == {"a.jpg": [1], "A.jpg": []}
    assert classes(read({"a.txt": TEXT, "A.txt": b""}, {"a.jpg": (640, 480)})) == {"a.jpg": [1]}


def test_a_text_of_another_split_is_of_no_image():
    with pytest.raises(GroundTruthError, match="no image named '1'"):
        read({"val/labels/1.txt": b""}, {"train/1.jpg": (640, 480)})


def test_an_image_that_two_names_fit_does_not_count_where_they_contradict():
    texts = {"11112222-a.txt": b"", "33334444-a.txt": b"0 0.5 0.5 0.1 0.1", "b.txt": b""}
    assert classes(read(texts)) == {"b.jpg": []}
    assert classes(read({**texts, "a.txt": b""})) == {"a.jpg": [], "b.jpg": []}


def test_a_text_that_fits_less_stands_not_in_for_one_that_was_not_understood():
    texts = {"a.txt": b"what is this", "33334444-a.txt": b"0 0.5 0.5 0.1 0.1", "b.txt": b""}
    assert classes(read(texts)) == {"b.jpg": []}


# --- several files


def test_a_list_in_another_encoding_spoils_no_coco_file():
    image = [{"id": 1, "file_name": "a.jpg", "width": 640, "height": 480}]
    files = {"good.json": coco(image, [note([1, 1, 9, 9])]), "classes.txt": "衣".encode("gbk")}
    found = read(files)
    assert classes(found) == {"a.jpg": [2]}
    assert problems(found)[0] == "classes.txt: not a text file (UTF-8)"


def test_two_files_of_one_name_are_both_read():
    def split(name, size):
        image = {"id": 1, "file_name": name, "width": size[0], "height": size[1]}
        return ("annotations.json", coco([image], [note([1, 1, 9, 9])]))

    found = read([split(name, size) for name, size in SIZES.items()])
    assert classes(found) == {"a.jpg": [2], "b.jpg": [2]}


def test_two_annotations_with_one_copied_file_name_are_about_their_own_images():
    sizes = {"one.jpg": (640, 480), "two.jpg": (640, 480)}
    files = {
        "one.xml": voc(("shoes", (1, 1, 9, 9), ""), filename="two.jpg"),
        "two.xml": voc(("watch", (1, 1, 9, 9), ""), filename="two.jpg"),
    }
    found = read(files, sizes)
    assert classes(found) == {"one.jpg": [1], "two.jpg": [2]}
    assert [problem.kind for problem in found.problems] == ["names contradict"]


# --- class names that differ from the model's


def test_a_mapping_says_which_label_a_name_stands_for():
    content = voc(("wristwatch", (1, 1, 9, 9), ""), ("Sneaker", (5, 5, 9, 9), ""))
    found = read({"a.xml": content}, mapping={"wristwatch": "watch", "sneaker": None})
    (image,) = found.images
    assert (image.class_ids.tolist(), len(image.regions), image.unread) == ([2], 0, 0)
    assert found.foreign == ("wristwatch", "Sneaker")


def test_what_is_none_of_the_classes_may_be_anywhere():
    content = voc(("cat", (5, 5, 1, 1), ""), ("watch", (1, 1, 9, 9), ""))
    assert classes(read({"a.xml": content}, mapping={"cat": None})) == {"a.jpg": [2]}


def test_a_mapped_category_is_labelled():
    found = read({"x.json": coco(categories=("wristwatch",))}, mapping={"wristwatch": "watch"})
    assert found.images[0].labelled == {2}


def test_names_of_many_objects_are_asked_about_first():
    boxes = [note([1, 1, 9, 9], 11), note([2, 2, 9, 9], 11), note([2, 2, 9, 9], 12)]
    image = [{"id": 1, "file_name": "a.jpg", "width": 640, "height": 480}]
    found = read({"x.json": coco(image, boxes, ("dog", "cat", "cow"))})
    assert found.foreign == ("cat", "cow", "dog")


def test_a_mapping_among_the_files_is_used():
    mapping = write_class_mapping({"wristwatch": "watch"})
    found = read({"a.xml": voc(("wristwatch", (1, 1, 9, 9), "")), "class-names.json": mapping})
    assert classes(found) == {"a.jpg": [2]}


def test_two_mappings_that_contradict_each_other_are_named_and_neither_is_believed():
    files = {
        "a.xml": voc(("wristwatch", (1, 1, 9, 9), "")),
        "b.xml": voc(("trousers", (1, 1, 9, 9), ""), filename="b.jpg", size=(200, 300)),
        "old/class-names.json": write_class_mapping({"wristwatch": None, "trousers": "shoes"}),
        "class-names.json": write_class_mapping({"wristwatch": "watch", "trousers": "shoes"}),
    }
    found = read(files)
    assert problems(found)[0] == (
        "these say different things of 'wristwatch', so none is believed: old/class-names.json (–),"
        " class-names.json (watch)"
    )
    assert classes(found) == {"a.jpg": [], "b.jpg": [1]}
    # What the visitor says on the page comes before all files.
    assert classes(read(files, mapping={"wristwatch": "watch"})) == {"a.jpg": [2], "b.jpg": [1]}


# --- ZIP files


def packed(files, **options):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", **options) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return file.getvalue()


def test_a_tree_of_ultralytics_is_read_from_a_zip():
    tree = {
        "set/data.yaml": b"names: [books, watch]",
        "set/images/train/a.jpg": b"an image",
        "set/labels/train/a.txt": TEXT,
        "set/labels/val/b.txt": b"1 0.5 0.5 0.4 0.4",
        "set/labels/.cache.txt": b"?",
        "__MACOSX/set/labels/train/._a.txt": b"?",
        "set/README.roboflow.txt": b"This dataset was exported.",
    }
    found = read({"set.zip": packed(tree)})
    assert classes(found) == {"a.jpg": [3], "b.jpg": [2]}
    assert found.images[0].labelled == {2, 3}


def test_a_tree_of_roboflow_is_read_from_a_zip():
    def split(name, size):
        image = {"id": 0, "file_name": name, "width": size[0], "height": size[1]}
        return coco([image], [note([1, 1, 9, 9], image_id=0)])

    tree = {
        "train/_annotations.coco.json": split("a.jpg", (640, 480)),
        "valid/_annotations.coco.json": split("b.jpg", (200, 300)),
    }
    assert classes(read({"x.zip": packed(tree)})) == {"a.jpg": [2], "b.jpg": [2]}


def test_an_image_is_the_one_of_its_files_own_split():
    sizes = {f"x.zip/{split}/1.jpg": (640, 480) for split in ("train", "valid")}

    def split(category_id):
        image = {"id": 0, "file_name": "1.jpg", "width": 640, "height": 480}
        return coco([image], [note([1, 1, 9, 9], category_id, image_id=0)])

    tree = {
        f"{name}/_annotations.coco.json": split(n) for n, name in ((10, "train"), (11, "valid"))
    }
    assert list(classes(read({"x.zip": packed(tree)}, sizes)).values()) == [[1], [2]]


def test_what_a_zip_does_not_say_of_its_names_is_found_out():
    data = packed({"Grüße.txt": TEXT}).replace(b"\x00\x08", b"\x00\x00")
    assert zipfile.ZipFile(io.BytesIO(data)).namelist() != ["Grüße.txt"]
    assert classes(read({"x.zip": data}, {"Grüße.jpg": (100, 100)})) == {"Grüße.jpg": [1]}


def test_of_a_zip_that_is_damaged_in_part_nothing_is_used():
    data = packed({"a.txt": TEXT, "classes.txt": b"books and watch"})
    broken = data.replace(b"books and", b"books but")
    assert classes(read({"x.zip": broken, "b.xml": voc(filename="b.jpg", size=(200, 300))})) == {
        "b.jpg": []
    }


@pytest.mark.parametrize(
    "data",
    [b"PK", b"PK\x03\x04" + b"\x00" * 50, packed({"a.txt": TEXT}, compression=zipfile.ZIP_LZMA)],
)
def test_a_zip_that_is_not_read_spoils_no_other_file(data):
    found = read({"x.zip": data, "a.xml": voc(), "b.txt": b""})
    assert classes(found) == {"a.jpg": []}
    assert problems(found)[0].startswith("x.zip: ")


def test_nothing_of_yolo_counts_while_its_list_may_be_in_a_zip_that_is_not_read():
    with pytest.raises(GroundTruthError, match=r"the list of class names in x\.zip was not"):
        read({"x.zip": b"PK", "b.txt": b""})
