"""ZIP files from people who are not trusted."""

import io
import stat
import struct
import zipfile
import zlib
from pathlib import Path

import pytest

from detector.batch.archives import Archive, ArchiveError, ArchiveLimits, sources_of
from detector.images import ImageLimits

LIMITS = ImageLimits()


def zipped(
    files: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED, **attributes: int
) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name)
            entry.compress_type = compression
            for attribute, value in attributes.items():
                setattr(entry, attribute, value)
            archive.writestr(entry, data)
    return buffer.getvalue()


def names(data: bytes) -> list[str]:
    with Archive(data, LIMITS) as archive:
        return [source.name for source in archive.sources]


def refusal(data: bytes, limits: ArchiveLimits | None = None, image: ImageLimits = LIMITS) -> str:
    """What the reading of the only image says."""
    with Archive(data, image, limits) as archive:
        [source] = archive.sources
        with pytest.raises(ArchiveError) as error:
            source.read()
    return str(error.value)


@pytest.mark.parametrize("files", [{}, {"b.txt": b"x"}])
def test_one_without_images_is_refused(files: dict[str, bytes]) -> None:
    with pytest.raises(ArchiveError, match="no images"):
        names(zipped(files))


def test_its_images_are_read_in_its_order() -> None:
    data = zipped({"b.jpg": b"second", "a/c.png": b"first"})
    with Archive(data, LIMITS, name="all.zip") as archive:
        found = [(source.name, source.read()) for source in archive.sources]
    assert found == [("all.zip/b.jpg", b"second"), ("all.zip/a/c.png", b"first")]


def test_two_entries_of_one_name_are_two_images() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.jpg", b"one")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a.jpg", b"two")
    with Archive(buffer.getvalue(), LIMITS) as archive:
        assert [source.read() for source in archive.sources] == [b"one", b"two"]


def test_a_file_on_disk_is_read_too(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(zipped({"a.jpg": b"x"}))
    with Archive(tmp_path / "a.zip", LIMITS) as archive:
        assert archive.sources[0].read() == b"x"


def nameless(raw: bytes, extra: bytes = b"") -> bytes:
    """A ZIP file with one image, whose name has these bytes and no flag that says what they are."""
    stand_in = "x" * (len(raw) - 4) + ".jpg"
    entry = zipfile.ZipInfo(stand_in)
    entry.extra = extra
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(entry, b"image")
    return buffer.getvalue().replace(stand_in.encode(), raw)


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("Grüße.jpg".encode(), "Grüße.jpg"),
        ("Gru\u0308ße.jpg".encode(), "Grüße.jpg"),  # as macOS spells it
        ("雪/ア.jpg".encode(), "雪/ア.jpg"),
        ("Grüße.jpg".encode("cp437"), "Grüße.jpg"),
        ("Façade.jpg".encode("cp437"), "Façade.jpg"),
        (b"plain.jpg", "plain.jpg"),
        ("Grüße.jpg".encode("latin-1"), "Grⁿ▀e.jpg"),
    ],
)
def test_a_name_in_utf_8_is_read_as_such_without_the_flag_too(raw: bytes, name: str) -> None:
    with Archive(nameless(raw), LIMITS) as archive:
        assert [(source.name, source.read()) for source in archive.sources] == [(name, b"image")]


def test_the_unicode_name_beside_a_name_is_taken_if_it_is_of_that_name() -> None:
    raw = b"Gr__e.jpg"
    for checksum, name in ((zlib.crc32(raw), "Grüße.jpg"), (1, "Gr__e.jpg")):
        content = struct.pack("<BI", 1, checksum) + "Grüße.jpg".encode()
        extra = struct.pack("<HH", 0x7075, len(content)) + content
        assert names(nameless(raw, extra)) == [name]


@pytest.mark.parametrize("name", ["../ü.jpg", "/ü.jpg"])
def test_no_path_in_utf_8_leads_out_of_the_folder(name: str) -> None:
    assert "leads out" in refusal(nameless(name.encode()))


def test_what_is_no_image_or_hidden_is_left_out() -> None:
    files = ["a.jpg", "readme.txt", ".b.jpg", "__MACOSX/._a.jpg", ".git/c.png", "d/", "e.JPEG"]
    assert names(zipped(dict.fromkeys(files, b""))) == ["a.jpg", "e.JPEG"]


def test_what_is_no_zip_file_is_refused() -> None:
    for data in (b"", b"PK\x03\x04 and no more", b"\x89PNG", zipped({"a.jpg": b"x"})[:-30]):
        with pytest.raises(ArchiveError, match="not a ZIP file"):
            Archive(data, LIMITS)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="No such file"):
        Archive(tmp_path / "gone.zip", LIMITS)


@pytest.mark.parametrize(
    "name", ["../a.jpg", "/etc/a.jpg", "a/../../b.jpg", "C:\\a.jpg", "..\\a.jpg", "\\a.jpg"]
)
def test_no_path_leads_out_of_the_folder(name: str) -> None:
    assert "out of the folder" in refusal(zipped({name: b"x"}))


def test_a_time_in_a_name_is_no_drive() -> None:
    with Archive(zipped({"Screenshot at 10:30.png": b"x"}), LIMITS) as archive:
        assert archive.sources[0].read() == b"x"


@pytest.mark.parametrize("name", ["more.zip", "a.tar", "b.tar.gz", "c.7z", "D.ZIP"])
def test_an_archive_in_an_archive_is_not_opened(name: str) -> None:
    assert "An archive in an archive" in refusal(zipped({name: zipped({"a.jpg": b"x"})}))


def test_an_encrypted_entry_is_refused() -> None:
    data = bytearray(zipped({"a.jpg": b"x"}))
    for start, flags in ((data.index(b"PK\x03\x04"), 6), (data.index(b"PK\x01\x02"), 8)):
        data[start + flags] |= 1
    assert "encrypted" in refusal(bytes(data))


def test_a_link_is_refused() -> None:
    data = zipped({"a.jpg": b"/etc/passwd"}, create_system=3,
                  external_attr=(stat.S_IFLNK | 0o777) << 16)  # fmt: skip
    assert "a link" in refusal(data)


def test_a_rare_packing_is_refused() -> None:
    assert "rare way" in refusal(zipped({"a.jpg": b"x"}, zipfile.ZIP_LZMA))


def test_a_damaged_entry_is_refused_and_the_others_are_read() -> None:
    data = bytearray(zipped({"a.jpg": b"aaaaaaaa", "b.jpg": b"fine"}, zipfile.ZIP_STORED))
    data[data.index(b"aaaaaaaa")] = 0
    with Archive(bytes(data), LIMITS) as archive:
        with pytest.raises(ArchiveError, match="cannot be unpacked"):
            archive.sources[0].read()
        assert archive.sources[1].read() == b"fine"


# Bounds.


def test_too_many_entries_are_refused() -> None:
    data = zipped({f"{i}.jpg": b"" for i in range(11)})
    with pytest.raises(ArchiveError, match="more than 10 entries"):
        Archive(data, LIMITS, ArchiveLimits(max_entries=10))


def test_a_list_of_a_million_entries_is_refused_before_it_is_read() -> None:
    # The list at the end says that it has 100 MB, all of it there.
    padding = bytes(100_000_000)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 65535, 65535, len(padding), 0, 0)
    with pytest.raises(ArchiveError, match="lists too many"):
        Archive(padding + end, LIMITS)


def test_images_that_are_too_large_together_are_refused_by_what_the_archive_says() -> None:
    data = zipped({f"{i}.jpg": bytes(1000) for i in range(3)})
    with pytest.raises(ArchiveError, match="have more than"):
        Archive(data, LIMITS, ArchiveLimits(max_bytes=2999))


def test_what_is_really_read_is_bounded_where_the_archive_lies() -> None:
    """Entries that say they are of one byte are never read beyond it."""
    data = bytearray(zipped({"a.jpg": bytes(5_000_000)}))
    start = data.index(b"PK\x01\x02")
    data[start + 24 : start + 28] = struct.pack("<L", 1)
    assert "cannot be unpacked" in refusal(bytes(data))


def test_a_bomb_is_refused_by_its_ratio() -> None:
    data = zipped({"a.bmp": bytes(20 * 2**20)})
    assert len(data) < 30_000
    assert "more than 200 times" in refusal(data)


def test_a_small_blank_image_may_have_any_ratio() -> None:
    with Archive(zipped({"a.bmp": bytes(500_000)}), LIMITS) as archive:
        assert len(archive.sources[0].read()) == 500_000


def test_no_more_is_unpacked_than_a_image_may_have() -> None:
    data = zipped({"a.bmp": bytes(5_000_000)}, zipfile.ZIP_STORED)
    assert "more than 3 MiB" in refusal(data, image=ImageLimits(max_bytes=3 * 2**20))


# Uploads.


def test_an_upload_that_is_no_zip_file_is_a_image_itself() -> None:
    [source] = sources_of("a.jpg", b"x", LIMITS)
    assert (source.name, source.read()) == ("a.jpg", b"x")


def test_an_uploaded_zip_file_gives_its_images() -> None:
    found = sources_of("a.zip", zipped({"b.jpg": b"x"}), LIMITS)
    assert [source.name for source in found] == ["a.zip/b.jpg"]
