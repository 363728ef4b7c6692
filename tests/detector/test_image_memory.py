"""The memory of one image: what is accepted stays within the limit, at its pixels as they are."""

import io
import subprocess
import sys

import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageCms

from detector.errors import ImageError
from detector.images import ImageLimits, read_image, read_memory, read_thumbnail
from tests.support.paths import ROOT

SIZE = (4000, 3000)
# Reads an image of standard input and prints by how many bytes the process grew at most.
READ = """
import resource, sys
from io import BytesIO
from PIL import Image
from detector.images import ImageLimits, read_image
small = BytesIO()
Image.new("RGB", (16, 16)).save(small, sys.argv[1])  # imports what is imported late
read_image(small.getvalue())
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
before = peak()
read_image(sys.stdin.buffer.read(), ImageLimits(max_bytes=10**9))
print(peak() - before)
"""


def image_of(mode):
    """Soft noise, so that files are small and no band is like another."""
    width, height = SIZE
    grey = Image.effect_noise((width // 16, height // 16), 60).resize(SIZE)
    if mode in {"I;16", "F"}:
        return Image.fromarray(np.asarray(grey).astype(np.uint16 if mode == "I;16" else np.float32))
    return grey.convert("RGB").convert(mode) if mode in {"LAB", "CMYK"} else grey.convert(mode)


def encoded(image, file_format, **options):
    file = io.BytesIO()
    if file_format == "HEIF":
        pillow_heif.from_pillow(image).save(file, quality=30)
    else:
        image.save(file, file_format, **options)
    return file.getvalue()


WHOLE = {"compression": "tiff_lzw", "strip_size": 2**30}
KINDS = [
    ("JPEG", "RGB", {}),
    ("JPEG", "RGB", {"progressive": True, "subsampling": 0}),
    ("JPEG", "CMYK", {}),
    ("PNG", "RGB", {"compress_level": 1}),
    ("PNG", "RGBA", {"compress_level": 1}),
    ("PNG", "I;16", {"compress_level": 1}),
    ("WEBP", "RGB", {"method": 0}),
    ("WEBP", "RGBA", {"method": 0, "lossless": True, "quality": 0}),
    ("AVIF", "RGBA", {"speed": 10, "subsampling": "4:4:4"}),
    ("HEIF", "RGB", {}),
    ("GIF", "L", {}),
    ("BMP", "L", {}),
    ("TIFF", "F", WHOLE),
    ("TIFF", "RGBA", WHOLE),
    ("TIFF", "LAB", WHOLE),
    ("TIFF", "I;16", {"compression": "tiff_lzw"}),
    ("TIFF", "CMYK", {}),
]


@pytest.mark.slow
@pytest.mark.parametrize(("file_format", "mode", "options"), KINDS)
def test_reading_takes_no_more_memory_than_the_header_tells(file_format, mode, options):
    data = encoded(image_of(mode), file_format, **options)
    done = subprocess.run(
        [sys.executable, "-c", READ, "PNG" if file_format == "HEIF" else file_format],
        input=data,
        capture_output=True,
        cwd=ROOT,
        check=True,
    )
    assert int(done.stdout) <= read_memory(data, ImageLimits(max_bytes=10**9))


@pytest.mark.parametrize(("file_format", "most"), [("JPEG", 80), ("PNG", 80), ("WEBP", 34)])
def test_how_many_megapixels_are_accepted_depends_on_the_format(file_format, most):
    # A blank image of a tenth of each side, and what its full size would take.
    data = encoded(Image.new("RGB", (1000, round(most * 10))), file_format)
    tenth = read_memory(data) - 12_000_000 - 2 * len(data)
    assert 100 * tenth + 12_000_000 <= 600_000_000 < 108 * tenth + 12_000_000


def test_an_image_that_takes_too_much_memory_is_refused_with_its_figures():
    data = encoded(Image.new("RGB", (1000, 900)), "WEBP")
    with pytest.raises(ImageError, match=r"as WebP its 1000 × 900 pixels take 27 MB .* 20 MB"):
        read_image(data, ImageLimits(max_memory_mb=20))
    for read in (read_memory, lambda *given: read_thumbnail(given[0], 50, given[1])):
        with pytest.raises(ImageError, match="too large"):
            read(data, ImageLimits(max_memory_mb=20))


def test_a_jpeg_by_channels_counts_like_a_progressive_one():
    plain = encoded(Image.new("RGB", (1000, 900)), "JPEG")
    by_channels = bytearray(plain)
    scan = plain.index(b"\xff\xda") + 4
    by_channels[scan] = 1
    assert read_memory(bytes(by_channels)) > read_memory(plain) + 2 * 1000 * 900


def as_whole(image, orientation):
    """What `read_image` gives, by steps over the whole image at a time."""
    profile = image.info.get("icc_profile")
    if image.mode == "I;16":
        values = (np.asarray(image).astype(np.uint32) + 128) // 257
        rgb = Image.fromarray(values.astype(np.uint8)).convert("RGB")
    elif image.mode == "F":
        values = np.asarray(image).astype(np.float64)
        scaled = (values - values.min()) * (255 / (values.max() - values.min()))
        rgb = Image.fromarray(np.rint(scaled).astype(np.uint8)).convert("RGB")
    elif image.mode == "LAB":
        profiles = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        rgb = ImageCms.profileToProfile(image, *profiles, outputMode="RGB")
    elif image.has_transparency_data:
        over = image.convert("RGBA")
        rgb = Image.new("RGB", image.size, "white")
        rgb.paste(over, mask=over.getchannel("A"))
    else:
        rgb = image.convert("RGB")
    if profile and image.mode != "LAB":
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        rgb = ImageCms.profileToProfile(rgb, source, ImageCms.createProfile("sRGB"))
    turned = np.asarray(rgb)
    for _ in range({1: 0, 3: 2, 6: 3, 8: 1}[orientation]):
        turned = np.rot90(turned)
    return turned


def other_profile():
    """sRGB by another name with red and blue exchanged: it changes every pixel that has colour."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    data = data.replace("sRGB".encode("utf-16-be"), "Test".encode("utf-16-be"))
    return bytes(data.replace(b"rXYZ", b"xXYZ").replace(b"bXYZ", b"rXYZ").replace(b"xXYZ", b"bXYZ"))


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
@pytest.mark.parametrize(
    "mode", ["1", "L", "P", "RGB", "RGBA", "LA", "I;16", "F", "LAB", "profile"]
)
def test_reading_in_bands_gives_the_pixels_of_the_whole(mode, orientation, monkeypatch):
    monkeypatch.setattr("detector.upright_rgb._BAND_PIXELS", 150)  # a few rows, and some are left
    rng = np.random.default_rng(7)
    noise = Image.fromarray(rng.integers(0, 256, (31, 43, 4), np.uint8))
    options = {}
    if mode == "I;16":
        image = Image.fromarray(rng.integers(0, 2**16, (31, 43), np.uint16))
    elif mode == "F":
        image = Image.fromarray(rng.normal(0, 1e4, (31, 43)).astype(np.float32))
    elif mode == "profile":
        image, options = noise.convert("RGB"), {"icc_profile": other_profile()}
    elif mode == "P":
        image = noise.convert("RGB").quantize(50)
        options = {"transparency": 3}
    else:
        image = noise if mode == "RGBA" else noise.convert("RGB").convert(mode)
    exif = Image.Exif()
    exif[0x0112] = orientation
    file_format = "TIFF" if mode in {"F", "LAB"} else "PNG"
    data = encoded(image, file_format, exif=exif, **options)
    stored = Image.open(io.BytesIO(data))
    stored.load()
    if file_format == "TIFF":  # Pillow has turned it
        orientation = 1
    assert np.array_equal(read_image(data), as_whole(stored, orientation))
    if mode == "profile":
        assert not np.array_equal(read_image(data), as_whole(image, orientation))
