"""Where a cluster reads and writes: paths here, with the URLs that fsspec makes of them."""

import os
from pathlib import Path

import pytest

from detector.cluster.errors import ClusterError
from detector.cluster.places import (
    image_source,
    list_images,
    names_in,
    read_or_none,
    write_whole,
)
from detector.errors import ConfigError
from detector.images import ImageLimits

LIMITS = ImageLimits(max_bytes=10)


def urls(*sources: object) -> list[str]:
    return [image.url for image in list_images([str(source) for source in sources])]


def test_an_empty_folder_and_an_empty_list_are_refused(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("\n")
    for source in (tmp_path, tmp_path / "list.txt"):
        with pytest.raises(ConfigError, match="no images in"):
            urls(source)


def test_a_folder_gives_the_images_in_it_and_below_sorted_without_hidden_ones(
    tmp_path: Path,
) -> None:
    for name in ("b/c.PNG", "a.jpg", "b/d.txt", ".hidden.jpg", ".hidden/e.jpg"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    assert urls(tmp_path) == [f"file://{tmp_path}/a.jpg", f"file://{tmp_path}/b/c.PNG"]


def test_a_list_gives_its_lines_and_each_image_is_taken_once(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text(f"s3://bucket/b.jpg\n\n  {tmp_path}/a.jpg \n")
    (tmp_path / "a.jpg").touch()
    expected = ["s3://bucket/b.jpg", f"file://{tmp_path}/a.jpg"]
    assert urls(tmp_path / "list.txt", tmp_path / "a.jpg", f"file://{tmp_path}") == expected


def test_an_image_of_a_folder_that_has_changed_is_another_one(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"1")
    os.utime(path, (1, 1))
    before = list_images([str(tmp_path)])
    assert list_images([str(tmp_path)]) == before
    path.write_bytes(b"2")
    os.utime(path, (2, 2))
    assert list_images([str(tmp_path)]) != before


@pytest.mark.parametrize("source", ["missing", "nosuch://bucket/folder"])
def test_a_source_that_cannot_be_read_is_named(tmp_path: Path, source: str) -> None:
    source = source if ":" in source else f"{tmp_path}/{source}"
    with pytest.raises(ClusterError, match=source):
        list_images([source])


def test_one_byte_more_than_the_limit_is_read_at_most(tmp_path: Path) -> None:
    for size, read in ((0, 0), (10, 10), (1000, 11)):
        (tmp_path / "a.jpg").write_bytes(bytes(size))
        assert len(image_source(f"file://{tmp_path}/a.jpg", LIMITS).read()) == read


def test_a_missing_image_is_its_own_fault_and_a_storage_that_fails_is_not(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        image_source(f"file://{tmp_path}/a.jpg", LIMITS).read()
    (tmp_path / "loop.jpg").symlink_to("loop.jpg")
    with pytest.raises(ClusterError):
        image_source(f"file://{tmp_path}/loop.jpg", LIMITS).read()


def test_a_file_is_written_whole_into_a_new_folder_and_over_another(tmp_path: Path) -> None:
    url = f"file://{tmp_path}/new/file"
    assert read_or_none(url) is None
    assert names_in(f"file://{tmp_path}/new") == set()
    for data in (b"first", b"second"):
        write_whole(url, data)
        assert read_or_none(url) == data
        assert names_in(f"file://{tmp_path}/new") == {"file"}  # nothing stays beside it


def test_a_file_that_cannot_be_written_leaves_the_earlier_one(tmp_path: Path) -> None:
    (tmp_path / "file").mkdir()
    (tmp_path / "file" / "inside").touch()
    with pytest.raises(ClusterError, match="file"):
        write_whole(f"file://{tmp_path}/file/inside/new", b"data")
    assert (tmp_path / "file" / "inside").read_bytes() == b""
