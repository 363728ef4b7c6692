"""A video's frames in the background: answered as the images they are, stopped, gone on with."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dashboard.files import ImageFile
from dashboard.video.watching import Drawing, SeenFrame, Watching, frame_at
from detector.config import Config
from detector.drawing.video import pan, write_mp4
from detector.serving import ServedModel
from detector.ssd import RawPrediction, Settings, preprocess
from detector.video import VideoFacts, read_facts, read_frames

CONFIG = Config()
EVERY = 5


@pytest.fixture
def clip(tmp_path: Path, samples_dir: Path) -> tuple[ImageFile, VideoFacts]:
    photo = Image.open(samples_dir / "outfit_flatlay.jpg").convert("RGB")
    path = tmp_path / "clip.mp4"
    write_mp4(path, pan([photo], (320, 240), 2.0))
    return ImageFile.of("clip.mp4", path.read_bytes()), read_facts(path, CONFIG.image_limits)


def refused(error: Exception) -> str:
    raise error


def finish(watching: Watching, client: ServedModel) -> list[SeenFrame]:
    watching.go_on(client, CONFIG)
    watching.join(60)
    assert not watching.is_running
    return watching.frames


def test_each_frame_has_the_answer_of_that_image(
    clip: tuple[ImageFile, VideoFacts], client: ServedModel
):
    video, facts = clip
    watching = Watching(video, facts, EVERY, refused)
    seen = finish(watching, client)
    assert [frame.index for frame in seen] == list(range(0, 50, EVERY))
    assert (watching.count, watching.total) == (10, 10)
    frame = list(read_frames(video.path, EVERY))[4]
    pixels = preprocess(np.asarray(frame.image))
    [output] = client.predict({CONFIG.input_name: pixels}, [CONFIG.output_name]).outputs.values()
    expected = RawPrediction.of_single(output, len(CONFIG.labels)).compact()
    assert seen[4].time_s == frame.time_s
    np.testing.assert_allclose(seen[4].raw.scores, expected.scores, atol=1e-5)


def test_what_was_answered_is_not_asked_again(
    clip: tuple[ImageFile, VideoFacts], client: ServedModel
):
    video, facts = clip
    first = finish(Watching(video, facts, 2 * EVERY, refused), client)
    more = Watching(video, facts, EVERY, refused, first)
    assert (more.count, more.total) == (5, 10)
    seen = finish(more, client)
    assert [frame.raw for frame in seen[::2]] == [frame.raw for frame in first]


def test_stopped_it_keeps_what_it_has_and_goes_on(
    clip: tuple[ImageFile, VideoFacts], client: ServedModel
):
    video, facts = clip
    watching = Watching(video, facts, 1, refused)
    watching.go_on(client, CONFIG)
    while watching.count == 0:
        watching.join(0.005)
    watching.stop()
    watching.join(60)
    kept = watching.count
    assert 0 < kept < 50
    assert len(finish(watching, client)) == 50


def test_the_boxes_of_a_frame_stand_until_the_next_ones(client: ServedModel):
    frames = [SeenFrame(index, time, None, None) for index, time in enumerate((0.2, 1.0, 2.0))]  # type: ignore[arg-type]
    times = {0.0: 0, 0.2: 0, 0.9: 0, 1.0: 1, 1.99995: 2, 5.0: 2}
    assert {time: frame_at(frames, time).index for time in times} == times


def test_the_drawn_video_has_the_boxes_in_it(
    clip: tuple[ImageFile, VideoFacts], client: ServedModel
):
    video, facts = clip
    seen = finish(Watching(video, facts, EVERY, refused), client)
    drawing = Drawing(video, facts, seen, Settings(), CONFIG.labels, refused)
    drawing.go_on()
    drawing.join(60)
    assert drawing.made is not None
    assert drawing.count == drawing.total == 50
    before, after = (
        np.asarray([np.asarray(frame.image).astype(int) for frame in read_frames(file.path)])
        for file in (video, drawing.made)
    )
    assert before.shape == after.shape
    changed = np.abs(before - after).max(3) > 80
    assert (changed.mean((1, 2)) > 0.005).all()  # lines and labels, in every frame
    assert changed.mean() < 0.3
