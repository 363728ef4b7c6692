import io
import struct
import subprocess
import sys
import threading
import zlib

import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageCms, ImageFile

from detector.errors import ImageError
from detector.images import ImageLimits, encode_jpeg, read_image, read_size, read_thumbnail

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
ORIENTATION = 0x0112


def quarters():
    """48 wide, 32 high: red and green above, blue and white below."""
    image = np.empty((32, 48, 3), np.uint8)
    image[:16, :24], image[:16, 24:], image[16:, :24], image[16:, 24:] = RED, GREEN, BLUE, WHITE
    return image


def encoded(image, file_format, **options):
    drawn = image if isinstance(image, Image.Image) else Image.fromarray(image)
    buffer = io.BytesIO()
    if file_format == "HEIF":
        size, pixels = drawn.size, drawn.tobytes()
        pillow_heif.encode(drawn.mode, size, pixels, buffer, **options)
    else:
        drawn.save(buffer, file_format, **options)
    return buffer.getvalue()


def colours(image):
    """The colours in the middle of the four quarters, each channel rounded to 0, 128 or 255."""
    height, width, _ = image.shape
    rows, columns = [height // 4, 3 * height // 4], [width // 4, 3 * width // 4]
    steps = np.array([0, 128, 255])
    return [
        tuple(int(steps[np.abs(steps - int(value)).argmin()]) for value in image[row, column])
        for row in rows
        for column in columns
    ]


def refusal(data, limits=None):
    with pytest.raises(ImageError) as caught:
        read_image(data, limits or ImageLimits())
    assert caught.value.hint
    return str(caught.value)


FORMATS = ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "HEIF", "AVIF"]


# --- formats


@pytest.mark.parametrize("file_format", FORMATS)
def test_every_format_is_read_as_upright_read_only_rgb(file_format):
    image = read_image(encoded(quarters(), file_format))
    assert image.shape == (32, 48, 3)
    assert image.dtype == np.uint8
    assert image.flags.c_contiguous
    assert not image.flags.writeable
    assert colours(image) == [RED, GREEN, BLUE, WHITE]


@pytest.mark.parametrize("file_format", ["PNG", "BMP", "TIFF"])
def test_a_lossless_image_is_read_to_the_last_bit(file_format):
    noise = np.random.default_rng(1).integers(0, 256, (600, 37, 3), dtype=np.uint8)
    assert np.array_equal(read_image(encoded(noise, file_format)), noise)


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_deflate", "packbits", "jpeg"])
def test_compressed_tiffs_are_read(compression):
    image = read_image(encoded(quarters(), "TIFF", compression=compression))
    assert colours(image) == [RED, GREEN, BLUE, WHITE]


@pytest.mark.parametrize("options", [{"progressive": True}, {"subsampling": "4:4:4"}])
def test_every_kind_of_jpeg_is_read(options):
    assert colours(read_image(encoded(quarters(), "JPEG", **options)))[0] == RED


@pytest.mark.parametrize("file_format", ["GIF", "PNG", "WEBP", "TIFF", "AVIF"])
def test_the_first_of_several_frames_is_read(file_format):
    second = Image.fromarray(quarters()[::-1].copy())
    data = encoded(quarters(), file_format, save_all=True, append_images=[second])
    assert colours(read_image(data)) == [RED, GREEN, BLUE, WHITE]


def test_the_first_image_of_a_phones_multi_image_jpeg_is_read():
    second = Image.fromarray(np.zeros((8, 8, 3), np.uint8))
    data = encoded(quarters(), "MPO", save_all=True, append_images=[second])
    assert Image.open(io.BytesIO(data)).format == "MPO"
    assert colours(read_image(data)) == [RED, GREEN, BLUE, WHITE]


@pytest.mark.parametrize("file_format", ["HEIF", "AVIF"])
def test_the_codec_of_a_container_may_be_named_among_the_further_brands(file_format):
    data = bytearray(encoded(quarters(), file_format))
    data[8:12] = b"mif1"  # "some kind of HEIF": many HEIC and AVIF files begin with it
    assert colours(read_image(bytes(data))) == [RED, GREEN, BLUE, WHITE]


# --- modes


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "CMYK", "YCbCr"])
def test_every_mode_of_a_tiff_is_read(mode):
    black_and_white = np.zeros((32, 48, 3), np.uint8)
    black_and_white[:, 24:] = 255
    image = Image.fromarray(black_and_white).convert(mode)
    black, white = (0, 0, 0), (255, 255, 255)
    assert colours(read_image(encoded(image, "TIFF"))) == [black, white, black, white]


def test_a_palette_image_has_its_palettes_colours():
    assert colours(read_image(encoded(Image.fromarray(quarters()).quantize(4), "PNG"))) == [
        RED,
        GREEN,
        BLUE,
        WHITE,
    ]


@pytest.mark.parametrize("file_format", ["PNG", "WEBP", "TIFF", "HEIF", "AVIF"])
def test_what_is_transparent_is_shown_over_white(file_format):
    rgba = np.dstack([quarters(), np.full((32, 48), 255, np.uint8)])
    rgba[:16, :24, 3] = 0
    options = {"lossless": True} if file_format == "WEBP" else {}
    data = encoded(rgba, file_format, **options)
    assert colours(read_image(data)) == [WHITE, GREEN, BLUE, WHITE]


def test_what_is_half_transparent_is_half_white():
    rgba = np.full((16, 16, 4), [200, 100, 0, 128], np.uint8)
    assert read_image(encoded(rgba, "PNG"))[8, 8].tolist() == [227, 177, 127]


def test_transparent_grey_is_shown_over_white():
    grey = np.full((16, 16, 2), [10, 255], np.uint8)
    grey[:8, :, 1] = 0
    image = read_image(encoded(Image.fromarray(grey, "LA"), "PNG"))
    assert image[0, 0].tolist() == [255, 255, 255]
    assert image[15, 15].tolist() == [10, 10, 10]


@pytest.mark.parametrize("file_format", ["PNG", "GIF"])
def test_the_transparent_colour_of_a_palette_is_shown_over_white(file_format):
    image = Image.fromarray(quarters()).quantize(4)
    red = image.getpixel((0, 0))
    data = encoded(image, file_format, transparency=red)
    assert colours(read_image(data)) == [WHITE, GREEN, BLUE, WHITE]


def test_a_palette_with_an_alpha_for_each_colour_is_shown_over_white():
    image = Image.fromarray(quarters()).quantize(4)
    alphas = bytes(0 if index == image.getpixel((0, 0)) else 255 for index in range(4))
    data = encoded(image, "PNG", transparency=alphas)
    assert colours(read_image(data)) == [WHITE, GREEN, BLUE, WHITE]


def test_the_transparent_colour_of_an_rgb_png_is_shown_over_white():
    data = encoded(quarters(), "PNG", transparency=GREEN)
    assert colours(read_image(data)) == [RED, WHITE, BLUE, WHITE]


def test_adobes_inverted_cmyk_jpeg_is_not_a_negative():
    data = encoded(Image.fromarray(quarters()).convert("CMYK"), "JPEG")
    assert b"Adobe" in data
    assert colours(read_image(data)) == [RED, GREEN, BLUE, WHITE]


def test_cmyk_of_a_tiff_is_not_inverted():
    image = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    assert read_image(encoded(image, "TIFF"))[0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize("file_format", ["PNG", "TIFF"])
def test_16_bit_grey_is_scaled_and_not_clipped(file_format):
    values = np.zeros((8, 10), np.uint16)
    values[0] = [0, 128, 129, 257, 4096, 32768, 40000, 65278, 65406, 65535]
    image = read_image(encoded(values, file_format))
    assert image[0, :, 0].tolist() == [0, 0, 1, 1, 16, 128, 156, 254, 254, 255]
    assert (image == image[:, :, :1]).all()


def test_16_bit_colour_is_scaled_and_not_clipped():
    row = struct.pack(">3H", 65535, 32768, 256) * 8
    assert read_image(png_16_bit_rgb(row, 8, 8))[0, 0].tolist() == [255, 128, 1]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.float32([0, 0.5, 1.0]), [0, 128, 255]),
        (np.float32([0, 100, 255]), [0, 100, 255]),
        (np.float32([0, 25700, 65535]), [0, 100, 255]),
        (np.float32([-10, 0, 40]), [0, 51, 255]),
        (np.float32([0, np.nan, 1]), [0, 0, 255]),
        (np.float32([7, 7, 7]), [7, 7, 7]),
        (np.float32([-7, -7, -7]), [0, 0, 0]),
        (np.int32([0, 100, 255]), [0, 100, 255]),
        (np.int32([0, 25700, 65535]), [0, 100, 255]),
        (np.int32([-100, 0, 400]), [0, 51, 255]),
        (np.int32([0, 2**30, 2**31 - 1]), [0, 128, 255]),
    ],
)
def test_32_bit_grey_is_scaled_by_its_range(values, expected):
    image = read_image(encoded(np.tile(values, (8, 4)), "TIFF"))
    assert image[0, :3, 1].tolist() == expected


def test_lab_becomes_rgb():
    lab = Image.new("LAB", (16, 16), (255, 128, 128))
    assert read_image(encoded(lab, "TIFF"))[0, 0].tolist() == pytest.approx([255] * 3, abs=1)


def png_16_bit_rgb(row, width, height):
    def chunk(name, body):
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    pixels = zlib.compress((b"\0" + row) * height)
    signature = b"\x89PNG\r\n\x1a\n"
    return signature + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


# --- orientation


def as_stored(image, orientation):
    """How a camera stores the upright image with that EXIF orientation."""
    return {
        1: image,
        2: image[:, ::-1],
        3: image[::-1, ::-1],
        4: image[::-1],
        5: image.transpose(1, 0, 2),
        6: np.rot90(image, 1),  # shown turned clockwise
        7: image[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(image, -1),
    }[orientation]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "TIFF", "HEIF", "AVIF"])
def test_the_exif_orientation_is_applied_once(file_format, orientation):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    stored = np.ascontiguousarray(as_stored(quarters(), orientation))
    # HEIF and AVIF store it twice, as phones do: in the EXIF data and as a turn of the container.
    image = read_image(encoded(stored, file_format, exif=exif.tobytes()))
    assert image.shape == (32, 48, 3)
    assert colours(image) == [RED, GREEN, BLUE, WHITE]


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_unknown_orientation_turns_nothing(orientation):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    assert colours(read_image(encoded(quarters(), "JPEG", exif=exif)))[0] == RED


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's own, about the damage
@pytest.mark.parametrize(
    "exif", [b"Exif\0\0garbage", b"Exif\0\0II*\0\xff\xff\xff\x7f", b"Exif\0\0"]
)
def test_broken_exif_data_does_not_cost_the_image(exif):
    assert colours(read_image(encoded(quarters(), "JPEG", exif=exif)))[0] == RED


# --- colour profiles


def profile(primaries=(), name="Test"):
    """An ICC profile: sRGB with other primaries (tag -> XYZ) and name."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    assert "sRGB".encode("utf-16-be") in data
    data = bytearray(bytes(data).replace("sRGB".encode("utf-16-be"), name.encode("utf-16-be")))
    tags = [data[132 + 12 * index : 144 + 12 * index] for index in range(data[131])]
    at = {bytes(tag[:4]): int.from_bytes(tag[4:8], "big") for tag in tags}
    for tag, xyz in dict(primaries).items():
        data[at[tag] + 8 : at[tag] + 20] = struct.pack(">3i", *(round(65536 * v) for v in xyz))
    return bytes(data)


DISPLAY_P3 = {
    b"rXYZ": (0.51512, 0.24120, -0.00105),
    b"gXYZ": (0.29198, 0.69225, 0.04189),
    b"bXYZ": (0.15710, 0.06657, 0.78407),
}
PLAIN = np.full((16, 16, 3), [200, 100, 50], np.uint8)


def test_a_phones_display_p3_becomes_srgb():
    image = read_image(encoded(PLAIN, "PNG", icc_profile=profile(DISPLAY_P3)))
    assert image[0, 0].tolist() == pytest.approx([215, 93, 31], abs=1)


def test_a_profile_named_srgb_changes_nothing():
    image = read_image(encoded(PLAIN, "PNG", icc_profile=profile(DISPLAY_P3, name="sRGB")))
    assert np.array_equal(image, PLAIN)


def test_grey_and_white_stay_what_they_are_under_a_profile():
    grey = np.full((16, 16, 3), 255, np.uint8)
    grey[8:] = 128
    image = read_image(encoded(grey, "PNG", icc_profile=profile(DISPLAY_P3)))
    assert np.abs(image.astype(int) - grey).max() <= 1


@pytest.mark.parametrize("broken", [b"x", b"garbage" * 99, profile()[:200]])
def test_a_broken_profile_is_ignored(broken):
    assert np.array_equal(read_image(encoded(PLAIN, "PNG", icc_profile=broken)), PLAIN)


def test_a_profile_for_another_kind_of_colour_is_ignored():
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    assert np.array_equal(read_image(encoded(PLAIN, "PNG", icc_profile=lab)), PLAIN)


# --- refusals


def test_an_empty_file_is_refused():
    assert refusal(b"") == "The file is empty."


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"Dear diary,\n", "a text file"),
        ("Ωραία".encode(), "a text file"),
        (("x" + "é" * 600).encode(), "a text file"),
        (b"\xff\xd8", "an unknown kind of file"),
        (b"%PDF-1.7\n%\xe2\xe3", "a PDF document"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "a PostScript file"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "an SVG drawing"),
        (b'\xef\xbb\xbf<?xml version="1.0"?>\n<svg/>', "an SVG drawing"),
        (b"<!DOCTYPE html><title>404</title>", "a web page"),
        (b"\0\0\0\x18ftypisom\0\0\2\0isomiso2", "a video"),
        (b"\0\0\0\x14ftypqt  \0\0\0\0qt  ", "a video"),
        (b"\x1a\x45\xdf\xa3\x01", "a video"),
        (b"RIFF\x24\0\0\0AVI LIST", "a video"),
        (b"RIFF\x24\0\0\0WAVEfmt ", "a sound or other media file"),
        (b"\0\0\0\x18ftypcrx \0\0\0\1crx isom", "a camera's raw file"),
        (b"PK\x03\x04\x14\0", "a ZIP archive or an office document"),
        (b"8BPS\0\1", "a Photoshop document"),
        (b"\xff\x0a\xfa", "a JPEG XL image"),
        (b"\0\1\2\3\4\5", "an unknown kind of file"),
    ],
)
def test_what_is_not_a_image_is_named(data, kind):
    assert refusal(data) == f"This is not an image that can be read, but {kind}."


@pytest.mark.parametrize("file_format", ["PPM", "ICO", "TGA", "JPEG2000", "PCX", "EPS"])
def test_other_formats_of_pillow_are_not_opened(file_format):
    assert "not an image that can be read" in refusal(encoded(quarters(), file_format))


def textured():
    rng = np.random.default_rng(2)
    y, x = np.mgrid[:96, :128]
    image = np.stack([x * 2, y * 2, x + y], axis=-1).astype(np.uint8)
    image[20:60, 30:80] = rng.integers(0, 256, (40, 50, 3))
    return image


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_truncated_image_is_refused_and_never_half_shown(file_format):
    data = encoded(textured(), file_format)
    whole = read_image(data)
    lengths = {1, 2, *range(16, len(data), len(data) // 60), *range(len(data) - 40, len(data))}
    refused = 0
    for length in lengths:
        try:
            image = read_image(data[:length])
        except ImageError:
            refused += 1
        else:
            # Only what follows the last pixel was missing.
            assert np.array_equal(image, whole), length
    assert refused > 60


@pytest.mark.parametrize("options", [{"progressive": True}, {"restart_marker_rows": 1}])
def test_a_truncated_jpeg_of_any_kind_is_refused(options):
    data = encoded(textured(), "JPEG", **options)
    for length in range(3, len(data), 31):
        assert "cannot be decoded" in refusal(data[:length])


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's own, about damaged metadata
@pytest.mark.parametrize("file_format", FORMATS)
def test_a_damaged_image_is_read_or_refused_but_breaks_nothing(file_format):
    data = encoded(textured(), file_format)
    rng = np.random.default_rng(3)
    for attempt in range(150):
        damaged = bytearray(data)
        end = len(data) if attempt % 2 else 200
        for position in rng.integers(8, end, rng.integers(1, 6)):
            damaged[position] = rng.integers(0, 256)
        try:
            image = read_image(bytes(damaged))
        except ImageError:
            continue
        assert image.dtype == np.uint8


def test_an_odd_image_leaves_no_line_on_standard_error():
    program = """
import sys
from detector.errors import ImageError
from detector.images import read_image
data = sys.stdin.buffer.read()
for place in range(8, len(data), len(data) // 150):
    odd = bytearray(data)
    odd[place] ^= 0xFF
    try:
        read_image(bytes(odd))
    except ImageError:
        pass
"""
    image = encoded(textured(), "TIFF", compression="tiff_lzw")
    done = subprocess.run([sys.executable, "-c", program], input=image, capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_a_refusal_keeps_its_cause_for_the_log():
    with pytest.raises(ImageError, match="The PNG image cannot be decoded") as caught:
        read_image(b"\x89PNG\r\n\x1a\nxx")
    assert caught.value.__cause__ is not None


# --- limits


def test_a_file_of_too_many_bytes_is_refused_unread():
    data = encoded(quarters(), "PNG")
    limits = ImageLimits(max_bytes=len(data))
    assert read_image(data, limits).shape == (32, 48, 3)
    assert "more than" in refusal(data + b"x", limits)


def claiming(width, height):
    """Small files whose headers claim that size."""
    png = encoded(quarters(), "PNG")
    ihdr = b"IHDR" + struct.pack(">II", width, height) + png[24:29]
    png = png[:12] + ihdr + struct.pack(">I", zlib.crc32(ihdr)) + png[33:]
    bmp = encoded(quarters(), "BMP")
    bmp = bmp[:18] + struct.pack("<ii", width, height) + bmp[26:]
    gif = encoded(quarters(), "GIF")
    gif = gif[:6] + struct.pack("<HH", width, height) + gif[10:]
    jpeg = encoded(quarters(), "JPEG")
    sof = jpeg.index(b"\xff\xc0")
    jpeg = jpeg[: sof + 5] + struct.pack(">HH", height, width) + jpeg[sof + 9 :]
    webp = encoded(quarters(), "WEBP")
    webp = webp[:26] + struct.pack("<HH", min(width, 16383), min(height, 16383)) + webp[30:]
    tiff = encoded(quarters(), "TIFF")
    for tag, value in ((256, width), (257, height)):
        at = tiff.index(struct.pack("<HHI", tag, 4, 1))
        tiff = tiff[: at + 8] + struct.pack("<I", value) + tiff[at + 12 :]
    return {"PNG": png, "BMP": bmp, "GIF": gif, "JPEG": jpeg, "WEBP": webp, "TIFF": tiff}


@pytest.mark.parametrize("file_format", ["PNG", "BMP", "GIF", "JPEG", "WEBP", "TIFF"])
@pytest.mark.parametrize(("width", "height"), [(20000, 10000), (10000, 9000)])
def test_a_bomb_is_refused_by_its_header_without_a_warning(file_format, width, height, monkeypatch):
    def decoded(*_):
        raise AssertionError("decoded before it was refused")

    monkeypatch.setattr(ImageFile.ImageFile, "load", decoded)
    assert "too large" in refusal(claiming(width, height)[file_format])


def test_a_webp_bomb_too_large_for_pillow_itself_is_refused_as_too_large():
    assert "too large" in refusal(claiming(16383, 16383)["WEBP"])


def test_the_refusal_of_a_bomb_says_how_large_it_is():
    message = refusal(claiming(20000, 10000)["PNG"])
    assert "20000 × 10000 = 200 megapixels" in message
    assert "at most 89" in message


def test_as_many_pixels_as_allowed_are_read():
    data = encoded(quarters(), "PNG")
    assert read_image(data, ImageLimits(max_pixels=32 * 48)).shape == (32, 48, 3)
    assert "too large" in refusal(data, ImageLimits(max_pixels=32 * 48 - 1))


@pytest.mark.parametrize("shape", [(5000, 1), (1, 5000), (7, 100), (1, 1)])
def test_a_image_without_width_or_height_is_refused(shape):
    data = encoded(np.zeros((*shape, 3), np.uint8), "PNG")
    assert f"{shape[1]} × {shape[0]} pixels" in refusal(data)


def test_a_long_strip_is_refused_and_a_panorama_is_not():
    strip = encoded(np.zeros((10, 201, 3), np.uint8), "PNG")
    assert "too narrow a strip: 201 × 10 pixels" in refusal(strip)
    panorama = encoded(np.zeros((10, 200, 3), np.uint8), "PNG")
    assert read_image(panorama).shape == (10, 200, 3)


def test_many_threads_read_at_once():
    files = [encoded(textured(), file_format) for file_format in FORMATS]
    expected = [read_image(data) for data in files]
    wrong = []

    def read_all(start):
        for step in range(16):
            index = (start + step) % len(files)
            if not np.array_equal(read_image(files[index]), expected[index]):
                wrong.append(index)

    threads = [threading.Thread(target=read_all, args=(start,)) for start in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


# --- read_size


@pytest.mark.parametrize("file_format", FORMATS)
def test_the_size_of_every_format_is_read_without_decoding_it(file_format, monkeypatch):
    def decoded(*_):
        raise AssertionError("decoded for its size")

    data = encoded(quarters(), file_format)
    monkeypatch.setattr(ImageFile.ImageFile, "load", decoded)
    assert read_size(data) == (48, 32)


@pytest.mark.parametrize("file_format", ["JPEG", "HEIF", "AVIF"])
def test_the_size_of_a_turned_image_has_its_count_of_pixels(file_format):
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    width, height = read_size(encoded(quarters(), file_format, exif=exif.tobytes()))
    assert width * height == 48 * 32


@pytest.mark.parametrize("data", [b"", b"no image", encoded(quarters(), "PNG")[:20]])
def test_the_size_of_what_cannot_be_read_is_refused_in_the_same_words(data):
    with pytest.raises(ImageError) as caught:
        read_size(data)
    assert str(caught.value) == refusal(data)


def test_the_size_of_a_image_outside_the_limits_is_refused():
    data = encoded(quarters(), "PNG")
    for limits in (ImageLimits(max_pixels=32 * 48 - 1), ImageLimits(max_bytes=len(data) - 1)):
        with pytest.raises(ImageError, match=r"too large|more than"):
            read_size(data, limits)


# --- read_thumbnail


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_thumbnail_of_every_format_is_small_upright_and_read_only(file_format):
    orientation = 1 if file_format in ("BMP", "GIF") else 6  # these two have no EXIF data
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    stored = np.ascontiguousarray(as_stored(enlarged(10), orientation))
    options = {} if orientation == 1 else {"exif": exif.tobytes()}
    image = read_thumbnail(encoded(stored, file_format, **options), 60)
    assert image.shape == (40, 60, 3)
    assert not image.flags.writeable
    assert colours(image) == [RED, GREEN, BLUE, WHITE]


def test_a_thumbnail_is_never_enlarged():
    assert read_thumbnail(encoded(quarters(), "PNG"), 100).shape == (32, 48, 3)


def test_a_jpegs_thumbnail_is_of_a_smaller_decoding_and_looks_the_same():
    grain = np.random.default_rng(4).integers(-20, 21, (640, 960, 3))
    data = encoded(np.clip(enlarged(20) + grain, 0, 255).astype(np.uint8), "JPEG")
    whole = Image.fromarray(read_image(data))
    whole.thumbnail((60, 60), Image.Resampling.BICUBIC, reducing_gap=2.0)
    difference = np.abs(read_thumbnail(data, 60).astype(int) - np.asarray(whole))
    assert difference.any()
    assert difference.mean() < 2


def test_a_thumbnail_of_a_png_is_of_all_its_pixels():
    data = encoded(textured(), "PNG")
    whole = Image.fromarray(read_image(data))
    whole.thumbnail((40, 40), Image.Resampling.BICUBIC, reducing_gap=2.0)
    assert np.array_equal(read_thumbnail(data, 40), whole)


def test_no_thumbnail_is_made_of_a_truncated_jpeg():
    data = encoded(enlarged(10), "JPEG")
    with pytest.raises(ImageError, match="cannot be decoded"):
        read_thumbnail(data[: len(data) // 2], 60)


def test_a_thumbnail_holds_to_the_limits():
    with pytest.raises(ImageError, match="too large"):
        read_thumbnail(encoded(quarters(), "JPEG"), 10, ImageLimits(max_pixels=32 * 48 - 1))


def enlarged(times):
    return quarters().repeat(times, axis=0).repeat(times, axis=1)


# --- encode_jpeg


def test_a_image_is_shrunk_to_the_longest_side_for_display():
    jpeg = Image.open(io.BytesIO(encode_jpeg(np.zeros((500, 1000, 3), np.uint8), max_side=100)))
    assert (jpeg.format, jpeg.mode, jpeg.size) == ("JPEG", "RGB", (100, 50))


def test_a_small_image_is_not_enlarged_for_display():
    assert Image.open(io.BytesIO(encode_jpeg(quarters(), max_side=1600))).size == (48, 32)


def test_the_thinnest_strip_keeps_a_pixel_for_display():
    strip = np.zeros((8, 1600, 3), np.uint8)
    assert Image.open(io.BytesIO(encode_jpeg(strip, max_side=100))).size == (100, 1)


def test_the_display_image_looks_like_the_original():
    assert colours(read_image(encode_jpeg(quarters()))) == [RED, GREEN, BLUE, WHITE]


def test_a_lower_quality_makes_a_smaller_file():
    assert len(encode_jpeg(textured(), quality=30)) < len(encode_jpeg(textured(), quality=85))
