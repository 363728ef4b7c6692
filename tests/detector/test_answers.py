"""The one path of an image, and the front door."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import detector
from detector import Detector, Settings, answers
from detector.answers import (
    DECODING,
    Answer,
    AnswerKey,
    AnswerStore,
    LoadedImage,
    SSDModel,
    StoredAnswers,
    decode,
    digest_of,
    load,
)
from detector.config import Config
from detector.errors import ImageError, OutputError
from detector.images import ImageLimits, read_image
from detector.merging import into_image
from detector.serving import ModelSpec, ModelVersion, ServedModel
from detector.ssd import RawPrediction, postprocess, preprocess
from detector.ssd import decode as decode_boxes
from detector.tiling import Tiling
from detector.wire.tensors import encode_tensor
from tests.support.foreign import Foreign, answer, serving
from tests.support.paths import NEWEST, ROOT
from tests.support.running import until

PHOTO = ROOT / "samples" / "outfit_flatlay.jpg"


def reference_detections(client: ServedModel, path: Path):
    """Each step by hand."""
    image = read_image(path.read_bytes())
    output = client.predict({"images": preprocess(image)}).outputs["concat_3:0"]
    height, width = image.shape[:2]
    return postprocess(RawPrediction.from_output(output[0]), Settings(), (width, height))


def same(a, b) -> bool:
    return (
        a.ids == b.ids and np.array_equal(a.boxes, b.boxes) and np.array_equal(a.scores, b.scores)
    )


# The path.


def test_the_path_gives_what_its_steps_give(client: ServedModel):
    model = SSDModel(client, "images", "concat_3:0", 9)
    found = model.ask(load(PHOTO.read_bytes(), ImageLimits()))
    assert same(found.detections(Settings()), reference_detections(client, PHOTO))
    assert found.model == ModelVersion("commodity", int(NEWEST))
    assert list(found.timings_s) == ["decode", "preprocess", "call"]
    assert all(0 < spent_s < 60 for spent_s in found.timings_s.values())


def test_what_is_kept_of_an_image_and_its_answer_is_small(client: ServedModel):
    loaded = load(PHOTO.read_bytes(), ImageLimits())
    assert loaded.pixels.nbytes == 270_000
    raw = SSDModel(client, "images", "concat_3:0", 9).ask(loaded).raw
    arrays = (raw.offsets, raw.scores, raw.priors, raw.variances, raw.prior_indices)
    assert sum(array.nbytes for array in arrays) < 60_000  # the whole output has 613,872


def test_without_tiles_an_answer_is_what_it_was_and_with_them_its_rows_come_first(
    client: ServedModel,
):
    model = SSDModel(client, "images", "concat_3:0", 9)
    data, limits = PHOTO.read_bytes(), ImageLimits()
    plain = model.ask(load(data, limits)).raw
    tiled = model.ask(load(data, limits, tiling=Tiling.TWO)).raw
    small = model.ask(load(data, ImageLimits(), tiling=Tiling.OFF)).raw
    assert (plain.part_count, small.part_count, tiled.part_count) == (1, 1, 5)
    count = len(plain.scores)
    assert len(tiled.scores) > count
    for name in ("offsets", "scores", "priors", "variances", "prior_indices"):
        np.testing.assert_array_equal(getattr(small, name), getattr(plain, name))
        np.testing.assert_array_equal(getattr(tiled, name)[:count], getattr(plain, name))


def test_a_tile_is_answered_as_an_image_of_its_own_would_be(client: ServedModel):
    model = SSDModel(client, "images", "concat_3:0", 9)
    loaded = load(PHOTO.read_bytes(), ImageLimits(), tiling=Tiling.THREE)
    raw = model.ask_whole(loaded)
    assert loaded.tile_pixels is not None
    for number, (tile, pixels) in enumerate(zip(loaded.tiles, loaded.tile_pixels, strict=True)):
        alone = model.ask_whole(LoadedImage((300, 300), pixels, {}))
        first = (number + 1) * 7308
        rows = np.flatnonzero((raw.prior_indices >= first) & (raw.prior_indices < first + 7308))
        assert 1000 < len(rows) < 7308  # without those at inner edges
        own = raw.prior_indices[rows] - first
        np.testing.assert_allclose(raw.scores[rows], alone.scores[own], rtol=0, atol=1e-4)
        boxes = decode_boxes(alone.offsets[own], alone.priors[own], alone.variances[own])
        np.testing.assert_allclose(
            decode_boxes(raw.offsets[rows], raw.priors[rows], raw.variances[rows]),
            into_image(boxes, tile, loaded.size),
            rtol=0,
            atol=1e-4,
        )


def of_each_image(request, context):
    """A box in each image of a request, by version 4."""
    rows = np.zeros((request.inputs["images"].tensor_shape.dim[0].size, 1, 21), np.float32)
    rows[..., 4 + 1] = 0.5
    rows[..., -8:] = (0.4, 0.4, 0.6, 0.6, 0.1, 0.1, 0.2, 0.2)
    return answer({"concat_3:0": encode_tensor(rows)}, version=4)(request, context)


def sizes_and_versions(requests):
    return [
        (each.inputs["images"].tensor_shape.dim[0].size, each.model_spec.version.value)
        for each in requests
    ]


def test_the_tiles_of_an_image_are_one_request_to_the_version_that_answered_for_the_whole():
    unlimited = [("grpc.max_receive_message_length", -1)]
    with (
        serving(Foreign(of_each_image), options=unlimited) as server,
        Detector(Config(server=server.address)) as front,
    ):
        raw = front.answer(PHOTO, Tiling.THREE).raw
    assert (raw.part_count, raw.prior_indices.tolist()) == (10, list(range(10)))
    assert sizes_and_versions(server.requests) == [(1, 0), (9, 4)]


def test_where_the_server_takes_fewer_tiles_at_once_they_are_more_requests():
    small = [("grpc.max_receive_message_length", 3_000_000)]  # two images of 1.08 MB
    with (
        serving(Foreign(of_each_image), options=small) as server,
        Detector(Config(server=server.address)) as front,
    ):
        raw = front.answer(PHOTO, Tiling.TWO).raw
    assert raw.prior_indices.tolist() == list(range(5))
    assert [count for count, _version in sizes_and_versions(server.requests)] == [1, 2, 2]


def test_answers_with_other_tiles_are_others():
    store = StoredAnswers(AnswerStore(), "127.0.0.1:8500", "commodity", 1)
    plain = any_answer()
    tiled = replace(plain, raw=replace(plain.raw, prior_count=0, part_count=5))
    store.put("digest", plain)
    assert store.get("digest", 4) is None
    store.put("digest", tiled)
    assert (store.get("digest"), store.get("digest", 4)) == (plain, tiled)


def test_make_sees_the_decoded_image():
    loaded = load(PHOTO.read_bytes(), ImageLimits(), lambda image: (image.mode, image.size))
    assert loaded.made == ("RGB", loaded.size)


@pytest.mark.parametrize("way", [load, decode])
def test_no_image_is_decoded_while_others_take_all_the_memory_that_there_is(way):
    seen = []
    with ThreadPoolExecutor(1) as pool:
        with DECODING.taken(answers.MEMORY_AT_ONCE):
            waiting = pool.submit(way, PHOTO.read_bytes(), ImageLimits(), seen.append)
            until(lambda: DECODING.waiting)
            assert not seen
        waiting.result(60)
    assert len(seen) == 1


def test_an_image_that_cannot_be_read_is_never_asked():
    with pytest.raises(ImageError):
        load(b"no image", ImageLimits())


def test_an_answer_for_other_labels_is_refused(client: ServedModel):
    model = SSDModel(client, "images", "concat_3:0", 21)
    with pytest.raises(OutputError, match="21 classes"):
        model.ask(load(PHOTO.read_bytes(), ImageLimits()))


def test_the_model_is_the_configured_one_or_another_with_its_tensors_and_labels(
    client: ServedModel,
):
    config = Config(labels=("background", "cat"), input_name="in", output_name="out")
    models = [SSDModel.of(config, client.client, spec) for spec in (None, ModelSpec("second", 3))]
    assert [model.served.spec for model in models] == [
        ModelSpec("commodity"),
        ModelSpec("second", 3),
    ]
    for model in models:
        assert (model.input_name, model.output_name, model.class_count) == ("in", "out", 2)


# The store.


def key(number: int, version: int = 1) -> AnswerKey:
    return AnswerKey(f"digest {number}", "127.0.0.1:8500", "commodity", version)


def any_answer(version: int = 1) -> Answer:
    nothing = np.empty((0, 4), np.float32)
    raw = RawPrediction(nothing, np.empty((0, 9), np.float32), nothing, nothing)
    return Answer(raw, (8, 8), ModelVersion("commodity", version), {})


def test_an_empty_store_has_no_answer():
    assert (AnswerStore().get(key(1)), AnswerStore().last("digest 1"), len(AnswerStore())) == (
        None,
        None,
        0,
    )


def test_the_store_has_a_bound_and_the_least_recently_used_go_first():
    store = AnswerStore(capacity=3)
    for number in range(3):
        store.put(key(number), any_answer())
    store.get(key(0))
    store.put(key(3), any_answer())
    assert len(store) == 3
    assert [store.get(key(number)) is not None for number in range(4)] == [True, False, True, True]


def test_what_is_put_again_counts_as_used():
    store = AnswerStore(capacity=2)
    for number in (0, 1, 0, 2):
        store.put(key(number), any_answer())
    assert [store.get(key(number)) is not None for number in range(3)] == [True, False, True]


class Yielding(str):
    """Each look-up lets another thread run."""

    def __hash__(self) -> int:
        time.sleep(0)
        return super().__hash__()


def test_threads_may_share_a_store():
    store, answer = AnswerStore(capacity=1), any_answer()

    def use(text: type[str]) -> None:
        keys = [AnswerKey(text(number), "127.0.0.1:8500", "commodity", 1) for number in range(2)]
        for number in range(300 if text is Yielding else 30_000):
            store.put(keys[number % 2], answer)
            store.get(keys[number % 2])
            store.last("0")

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(use, [Yielding, str, Yielding, Yielding])) == [None] * 4
    assert len(store) == 1


def test_the_store_of_a_session_has_a_bound_without_being_told():
    store = AnswerStore()
    for number in range(2000):
        store.put(key(number), any_answer())
    assert len(store) <= 256


def test_the_last_answer_for_an_image_is_by_whichever_version_came_last():
    store = AnswerStore()
    for version in (1, 2):
        store.put(key(7, version), any_answer(version))
    store.put(key(8), any_answer())
    last = store.last("digest 7")
    assert last is not None
    assert last.model.version == 2


# The front door.


def test_three_lines_detect_what_the_steps_detect(client: ServedModel):
    config = Config(server=client.client.address)
    with Detector(config) as front:
        found = front.detect(PHOTO)
    assert len(found)
    assert same(found, reference_detections(client, PHOTO))


def test_a_path_its_bytes_and_its_pixels_are_the_same_image(client: ServedModel):
    with Detector(Config(server=client.client.address)) as front:
        data = PHOTO.read_bytes()
        images = (str(PHOTO), PHOTO, data, read_image(data))
        first, *others = [front.detect(image, Settings(score_threshold=0.1)) for image in images]
    assert all(same(first, other) for other in others)


def test_without_a_server_the_embedded_one_runs_and_ends_with_it():
    with Detector(Config()) as front:
        assert len(front.detect(PHOTO))
        process = front.model().served.client
    assert process.wait_closed(0)


def test_a_missing_file_is_an_image_error(client: ServedModel, tmp_path: Path):
    with (
        Detector(Config(server=client.client.address)) as front,
        pytest.raises(ImageError, match="cannot be opened"),
    ):
        front.detect(tmp_path / "none.jpg")


def test_threads_share_one_connection():
    tensor = np.zeros((1, 4, 21), np.float32)
    tensor[:, :, 4] = 1
    tensor[:, :, -8:] = (0.1, 0.1, 0.9, 0.9, 0.1, 0.1, 0.2, 0.2)

    foreign = Foreign(answer({"concat_3:0": encode_tensor(tensor)}))
    with (
        serving(foreign) as server,
        Detector(Config(server=server.address)) as front,
        ThreadPoolExecutor(8) as pool,
    ):
        list(pool.map(front.detect, [PHOTO] * 16))
    assert len(foreign.requests) == 16
    assert len(foreign.peers) == 1


def test_every_public_name_is_there():
    assert {name for name in detector.__all__ if getattr(detector, name) is None} == set()
    with pytest.raises(AttributeError, match="no attribute 'photo'"):
        detector.photo  # noqa: B018


def test_the_digest_is_sha_256():
    assert digest_of(b"") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_the_whole_prediction_has_all_rows(client: ServedModel):
    model = SSDModel(client, "images", "concat_3:0", 9)
    loaded = load(PHOTO.read_bytes(), ImageLimits())
    whole, compact = model.ask_whole(loaded), model.ask(loaded).raw
    assert whole.scores.shape == (7308, 9)
    assert compact.scores.shape[0] < 1000
    np.testing.assert_array_equal(whole.scores[compact.prior_indices], compact.scores)
