"""Pascal VOC: what is written, and what others write."""

import io
import zipfile
from xml.etree import ElementTree

import pytest
from hypothesis import given

from detector.errors import GroundTruthError
from detector.evaluation.ground_truth import ANY_CLASS
from detector.formats.detected import DetectedImage
from detector.formats.voc import read_voc, to_voc, voc_zip
from tests.support.detected import LABELS, NONE, TWO, detected_images
from tests.support.ground_truth import FOUR, SIZES, problems, voc


def boxes_of(data: bytes) -> list[tuple[str, list[int]]]:
    """Names and corners, as the development kit's readers take them."""
    return [
        (
            item.findtext("name", ""),
            [int(item.findtext(f"bndbox/{side}", "")) for side in ("xmin", "ymin", "xmax", "ymax")],
        )
        for item in ElementTree.fromstring(data).iter("object")
    ]


def test_a_voc_file_without_objects_has_its_size() -> None:
    root = ElementTree.fromstring(to_voc(NONE, LABELS))
    assert root.tag == "annotation"
    assert root.findtext("filename") == "empty.jpg"
    assert [root.findtext(f"size/{name}") for name in ("width", "height", "depth")] == [
        "300",
        "200",
        "3",
    ]
    assert root.findall("object") == []


def test_voc_corners_are_whole_pixels_from_1_and_inside() -> None:
    assert boxes_of(to_voc(TWO, LABELS)) == [
        ("watch", [11, 21, 111, 220]),
        ("computer", [1, 1, 640, 480]),
    ]


@given(detected_images())
def test_voc_corners_are_the_nearest_inside_the_image(image: DetectedImage) -> None:
    width, height = image.size
    found = boxes_of(to_voc(image, LABELS))
    assert len(found) == len(image.detections)
    for (_, corners), box in zip(found, image.detections.boxes, strict=True):
        xmin, ymin, xmax, ymax = corners
        assert 1 <= xmin <= xmax <= width
        assert 1 <= ymin <= ymax <= height
        # A side shorter than a pixel becomes a pixel.
        for low, high, (left, right) in ((xmin, xmax, box[::2]), (ymin, ymax, box[1::2])):
            off = 0.5001 if right - left >= 1 else 1.5001
            assert [low - 1, high] == pytest.approx([left, right], abs=off)


def test_a_voc_annotation_without_objects_says_that_nothing_is_there():
    (image,) = read_voc(voc(), FOUR, SIZES).images
    assert len(image.boxes) == 0
    assert image.labelled is None


def test_voc_corners_count_from_one_and_belong_to_the_box():
    read = read_voc(voc(("Watch", (1, 1, 640, 480), ""), ("books", (11, 21, 30, 40), "")), FOUR)
    (image,) = read.images
    assert image.boxes.tolist() == [[0, 0, 640, 480], [10, 20, 30, 40]]
    assert image.class_ids.tolist() == [2, 3]


def test_a_box_counted_from_zero_is_no_problem():
    assert read_voc(voc(("watch", (0, 0, 639, 479), "")), FOUR).problems == ()


def test_difficult_objects_are_crowd_boxes():
    easy, hard = "<difficult>0</difficult>", "<difficult>1</difficult>"
    box = (5, 5, 9, 9)
    content = voc(("watch", box, hard), ("watch", box, easy), ("watch", box, ""))
    assert read_voc(content, FOUR).images[0].crowd.tolist() == [True, False, False]


def test_the_parts_of_a_voc_object_are_not_objects():
    part = "<part><name>shoes</name><bndbox><xmin>1</xmin></bndbox></part>"
    (image,) = read_voc(voc(("watch", (5, 5, 9, 9), part)), FOUR).images
    assert image.boxes.tolist() == [[4, 4, 9, 9]]


def test_a_voc_file_finds_its_image_by_its_own_name_when_the_inner_one_fits_none():
    content = voc(filename="000012.png", size=(200, 300))
    (image,) = read_voc(content, FOUR, SIZES, "labels/b.xml").images
    assert image.file_name == "b.jpg"


def test_a_voc_file_without_an_image_is_an_error():
    with pytest.raises(GroundTruthError, match=r"no image named 'x\.jpg'"):
        read_voc(voc(filename="x.jpg"), FOUR, SIZES, "x.xml")


def test_a_voc_file_for_another_size_is_an_error():
    with pytest.raises(GroundTruthError, match="for 64 x 48 pixels, the image has 640 x 480"):
        read_voc(voc(size=(64, 48)), FOUR, SIZES)


def test_nothing_is_right_or_wrong_where_a_voc_object_of_another_class_is():
    content = voc(("person", (1, 1, 5, 5), ""), ("watch", (5.5, 5, 7, 9), ""))
    read = read_voc(content, FOUR, SIZES, "a.xml")
    (image,) = read.images
    assert image.boxes.tolist() == [[4.5, 4, 7, 9]]
    assert image.regions.tolist() == [[0, 0, 5, 5]]
    assert image.region_class_ids.tolist() == [ANY_CLASS]
    assert image.unread == 1
    assert read.foreign == ("person",)
    assert problems(read) == [
        "a.xml, object 1: unknown class 'person'; nothing found there is right or wrong"
    ]


def test_a_difficult_that_is_neither_yes_nor_no_is_not_held_against_the_detector():
    content = voc(("watch", (1, 1, 5, 5), "<difficult>perhaps</difficult>"))
    (image,) = read_voc(content, FOUR, SIZES).images
    assert (len(image.boxes), image.region_class_ids.tolist()) == (0, [2])


@pytest.mark.parametrize(
    ("item", "fault"),
    [
        (("watch", (5, 5, 1, 9), ""), r"object 1: the box \['5', '5', '1', '9'\] has no area"),
        (("watch", (5, 5, "x", 9), ""), "is not four numbers"),
        (("watch", ("nan", 5, 7, 9), ""), "is not four numbers"),
        (("watch", (5, 5, 9, 9), "<bndbox><xmin>7</xmin></bndbox>"), "is not four numbers"),
        (("watch", (705, 5, 709, 9), ""), "lies outside the 640 x 480 image"),
        (("watch", (5, 5, 64000, 48000), ""), "most of the box .* lies outside"),
    ],
)
def test_a_voc_object_that_may_be_anywhere_takes_its_image_out_of_the_count(item, fault):
    with pytest.raises(GroundTruthError, match=fault):
        read_voc(voc(item), FOUR, SIZES, "a.xml")


def test_an_object_under_another_name_is_not_taken_for_nothing():
    content = voc(("watch", (5, 5, 9, 9), "")).replace(b"object>", b"thing>")
    with pytest.raises(GroundTruthError, match="<thing> is not understood"):
        read_voc(content, FOUR, SIZES, "a.xml")
    content = voc().replace(b"<size>", b"<thing><name>watch</name></thing><size>")
    with pytest.raises(GroundTruthError, match="<thing> is not understood"):
        read_voc(content, FOUR, SIZES, "a.xml")


def test_the_owner_of_an_image_is_no_object():
    content = voc().replace(b"<size>", b"<owner><name>somebody</name></owner><size>")
    assert read_voc(content, FOUR, SIZES, "a.xml").problems == ()


def test_a_voc_file_whose_own_name_is_an_images_is_about_that_image():
    content = voc(("watch", (1, 1, 5, 5), ""), filename="a.jpg", size=(200, 300))
    read = read_voc(content, FOUR, SIZES, "b.xml")
    assert [image.file_name for image in read.images] == ["b.jpg"]
    assert problems(read) == [
        "b.xml: says that it is about 'a.jpg'; by its own name it is about 'b.jpg', and is used so"
    ]


def test_broken_xml_is_an_error_with_line_and_column():
    with pytest.raises(GroundTruthError, match="broken XML at line 2, column 3: mismatched tag"):
        read_voc(b"<annotation>\n</wrong>", FOUR)


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
        read_voc(data, FOUR)


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
        read_voc(content.encode(encoding), FOUR)


def test_a_voc_archive_has_a_file_for_each_image() -> None:
    with zipfile.ZipFile(io.BytesIO(voc_zip([NONE, TWO, TWO], LABELS))) as archive:
        assert archive.namelist() == [
            "Annotations/empty.xml",
            "Annotations/shelf.xml",
            "Annotations/shelf-2.xml",
        ]
        assert len(boxes_of(archive.read("Annotations/shelf.xml"))) == 2
