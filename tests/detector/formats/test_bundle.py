"""Archives, and names in them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.formats.bundle import unique_stems
from detector.formats.coco import to_coco
from detector.formats.detected import DetectedImage
from detector.formats.voc import voc_zip
from detector.formats.yolo import yolo_zip
from detector.ssd import Detections
from tests.support.detected import LABELS, NONE, TWO


def test_the_same_input_gives_the_same_bytes() -> None:
    first, second = (
        voc_zip([NONE, TWO], LABELS) + yolo_zip([NONE, TWO], LABELS) + to_coco([NONE, TWO], LABELS)
        for _ in range(2)
    )
    assert first == second


@pytest.mark.parametrize(
    ("names", "stems"),
    [
        ([], []),
        (["a/x.jpg", "b/x.png", "x-2.gif"], ["x", "x-2", "x-2-2"]),
        (["Photo.JPG", "photo.jpg"], ["Photo", "photo-2"]),
        (["../../etc/passwd", "C:\\pics\\me.png"], ["passwd", "me"]),
        (["", "..", "/", ".jpg", "a:b?.png"], ["image", "image-2", "image-3", "jpg", "a_b_"]),
    ],
)
def test_files_get_distinct_names_without_folders(names: list[str], stems: list[str]) -> None:
    assert unique_stems(names) == stems


def test_names_that_are_taken_are_not_given_out() -> None:
    assert unique_stems(["a.jpg"], taken=["A"]) == ["a-2"]


def test_thousands_of_one_name_are_named_at_once() -> None:
    names = [f"{folder}/image.jpg" for folder in range(20_000)]
    stems = unique_stems(names, taken={"image-3"})
    assert stems[:4] == ["image", "image-2", "image-4", "image-5"]
    assert stems[-1] == "image-20001"


@given(st.lists(st.text(max_size=8)))
def test_names_are_always_distinct_and_safe(names: list[str]) -> None:
    stems = unique_stems(names)
    assert len({stem.casefold() for stem in stems}) == len(names)
    for stem in stems:
        assert stem.encode()
        assert not set(stem) & set('/\\:\0\n"')
        assert stem not in ("", ".", "..")


def test_an_image_of_no_size_is_refused() -> None:
    with pytest.raises(ValueError, match="0"):
        DetectedImage("x", (0, 5), Detections.empty())
