"""Videos: what is in a file, which frames are given, and how they are turned."""

from contextlib import suppress
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from detector.drawing.video import MOST_SIDE, annotated_frames, pan, write_mp4
from detector.errors import ImageError
from detector.images import ImageLimits
from detector.ssd import Detections
from detector.video import MAX_SECONDS, Frame, read_facts, read_frames
from tests.support.videos import SIZE, timed, turned, video

LIMITS = ImageLimits()
COLORS = ["red", "green", "blue", "white", "black", "yellow", "cyan"]


def colors_of(frames: list[Frame]) -> list[tuple[int, int, int]]:
    return [tuple(np.asarray(each.image).mean((0, 1)).round().astype(int)) for each in frames]


def is_near(found: tuple[int, int, int], name: str) -> bool:
    expected = np.asarray(Image.new("RGB", (1, 1), name))[0, 0].astype(int)
    return bool(np.abs(np.array(found) - expected).max() < 25)


def test_facts(tmp_path: Path):
    facts = read_facts(video(tmp_path / "a.mp4", COLORS, rate=10), LIMITS)
    assert (facts.size, facts.frame_count, facts.codec) == (SIZE, 7, "h264")
    assert facts.seconds == pytest.approx(0.7, abs=0.11)


@pytest.mark.parametrize(("every", "start"), [(1, 0), (2, 0), (3, 3), (2, 6), (1, 7)])
def test_each_nth_frame_is_given_with_its_time(tmp_path: Path, every: int, start: int):
    frames = list(read_frames(video(tmp_path / "a.mp4", COLORS, rate=4), every, start))
    wanted = [index for index in range(len(COLORS)) if index % every == 0 and index >= start]
    assert [frame.index for frame in frames] == wanted
    assert [frame.time_s for frame in frames] == pytest.approx([index / 4 for index in wanted])
    for found, index in zip(colors_of(frames), wanted, strict=True):
        assert is_near(found, COLORS[index])


def test_a_video_of_a_phone_that_was_held_upright_is_turned_as_players_turn_it(tmp_path: Path):
    left_red = Image.new("RGB", SIZE, "white")
    left_red.paste("red", (0, 0, SIZE[0] // 2, SIZE[1]))
    path = tmp_path / "a.mp4"
    write_mp4(path, [Frame(0, 0.0, left_red)])
    assert read_facts(turned(path), LIMITS).size == (SIZE[1], SIZE[0])
    [frame] = read_frames(path)
    pixels = np.asarray(frame.image).astype(int)
    assert pixels.shape == (SIZE[0], SIZE[1], 3)
    # Clockwise: what was at the left is at the top.
    assert pixels[5, SIZE[1] // 2, 2] < 60 < 200 < pixels[-5, SIZE[1] // 2, 2]


def test_times_are_the_files_own(tmp_path: Path):
    path = timed(tmp_path / "a.mp4", [(0.0, "red"), (0.5, "green"), (3.0, "blue")])
    assert [frame.time_s for frame in read_frames(path)] == pytest.approx([0, 0.5, 3])


@pytest.mark.parametrize(
    ("data", "says"),
    [(b"", "cannot be read"), (b"no video at all" * 99, "cannot be read")],
)
def test_what_is_no_video_is_refused_with_its_reason(tmp_path: Path, data: bytes, says: str):
    path = tmp_path / "a.mp4"
    path.write_bytes(data)
    with pytest.raises(ImageError, match=says) as raised:
        read_facts(path, LIMITS)
    assert "MP4" in raised.value.hint


def test_a_file_that_lacks_its_end_is_refused(tmp_path: Path):
    path = video(tmp_path / "a.mp4", COLORS)
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(ImageError):
        read_facts(path, LIMITS)


@pytest.mark.parametrize("seed", range(40))
def test_a_file_that_is_damaged_anywhere_is_refused_or_gives_frames(tmp_path: Path, seed: int):
    rng = np.random.default_rng(seed)
    path = video(tmp_path / "a.mp4", COLORS)
    data = np.frombuffer(path.read_bytes(), np.uint8).copy()
    count = rng.choice([1, 5, 50])
    data[rng.integers(0, len(data), count)] = rng.integers(0, 256, count)
    path.write_bytes(data[: rng.integers(len(data) // 2, len(data) + 1)].tobytes())
    with suppress(ImageError):  # and nothing else
        assert read_facts(path, LIMITS).rate > 0
        assert all(frame.image.mode == "RGB" for frame in read_frames(path))


@pytest.mark.parametrize(
    ("name", "encoder", "codec"),
    [
        ("a.webm", "libvpx-vp9", "vp9"),
        ("a.mov", "mpeg4", "mpeg4"),
        ("a.mkv", "libx264", "h264"),
        ("a.mp4", "libx265", "hevc"),
    ],
)
def test_the_usual_containers_and_codings_are_read(
    tmp_path: Path, name: str, encoder: str, codec: str
):
    path = tmp_path / name
    with av.open(str(path), "w") as container:
        stream = container.add_stream(encoder, rate=10)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        for color in COLORS:
            image = Image.new("RGB", SIZE, color)
            container.mux(stream.encode(av.VideoFrame.from_image(image)))
        container.mux(stream.encode())
    facts = read_facts(path, LIMITS)
    assert (facts.size, facts.frame_count, facts.codec) == (SIZE, len(COLORS), codec)
    frames = list(read_frames(path))
    assert [frame.time_s for frame in frames] == pytest.approx(np.arange(7) / 10, abs=0.002)
    assert all(map(is_near, colors_of(frames), COLORS))


def test_sound_alone_is_no_video(tmp_path: Path):
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        sound.rate = 8000
        container.mux(stream.encode(sound))
        container.mux(stream.encode())
    with pytest.raises(ImageError, match="no video in it"):
        read_facts(path, LIMITS)


def test_one_that_is_too_long_or_too_large_is_refused(tmp_path: Path):
    path = timed(tmp_path / "a.mp4", [(0.0, "red"), (MAX_SECONDS + 1.0, "blue")])
    with pytest.raises(ImageError, match="minutes long"):
        read_facts(path, LIMITS)
    with pytest.raises(ImageError, match="64 x 48 pixels"):
        read_facts(video(tmp_path / "b.mp4", COLORS), ImageLimits(max_pixels=1000))


def test_boxes_are_drawn_in_the_scale_of_the_frames_that_are_written(tmp_path: Path):
    def found_at(time_s: float, size: tuple[int, int]) -> Detections:
        assert size == (MOST_SIDE, MOST_SIDE // 2)
        box = np.array([[0.25, 0.25, 0.75, 0.75]], np.float32) * (*size, *size)
        one = np.ones(1, np.int64)
        return Detections(box.astype(np.float32), np.ones(1, np.float32), one, one)

    frame = Frame(0, 0.0, Image.new("RGB", (2 * MOST_SIDE, MOST_SIDE), "white"))
    [drawn] = annotated_frames([frame], found_at, ["background", "clothes"])
    pixels = np.asarray(drawn.image)
    assert (pixels[MOST_SIDE // 4, MOST_SIDE // 4] != 255).any()
    assert (pixels[MOST_SIDE // 4, MOST_SIDE // 2] == 255).all()


def test_a_camera_moves_over_images():
    images = [Image.new("RGB", (300, 200), color) for color in ("red", "blue")]
    frames = list(pan(images, (60, 40), seconds=1.0))
    assert len(frames) == 50
    assert {frame.image.size for frame in frames} == {(60, 40)}
    assert frames[-1].time_s == pytest.approx(49 / 25)
