"""Recorded answers: written and read again, and those of the gallery that ship with the project."""

import dataclasses
from datetime import date

import numpy as np
import pytest

from detector.answers import Answer, SSDModel, digest_of, load
from detector.images import ImageLimits
from detector.recorded import FILE_NAME, read_recorded, write_recorded
from detector.serving import ModelVersion
from detector.ssd import RawPrediction
from tests.support.outputs import random_output
from tests.support.paths import ROOT, VERSIONS

ON = date(2026, 2, 28)


def answer(seed: int, prior_count: int) -> Answer:
    output = random_output(np.random.default_rng(seed), prior_count, 9, "usual")
    raw = RawPrediction.from_output(output).compact()
    return Answer(raw, (640, 480), ModelVersion("mine", seed), {"call": 0.1}, None)


@pytest.mark.parametrize("prior_counts", [(40,), (40, 1, 300)])
def test_what_is_read_again_is_what_was_written(tmp_path, prior_counts):
    written = [(f"{n:064}", answer(n, count)) for n, count in enumerate(prior_counts, start=1)]
    write_recorded(tmp_path / FILE_NAME, written, ON)
    again = read_recorded(tmp_path / FILE_NAME)
    assert [digest for digest, _ in again] == [digest for digest, _ in written]
    for (_, before), (_, after) in zip(written, again, strict=True):
        assert (after.size, after.model, after.recorded_on) == (before.size, before.model, ON)
        assert after.timings_s == {}
        for part in dataclasses.fields(RawPrediction):
            was, now = getattr(before.raw, part.name), getattr(after.raw, part.name)
            np.testing.assert_allclose(now, was, rtol=1e-3, atol=1e-7)


def test_no_file_is_no_answer(tmp_path):
    assert read_recorded(tmp_path / FILE_NAME) == []


@pytest.mark.parametrize("kept", [0, 10, 2000])
def test_a_broken_file_is_logged_and_no_answer(tmp_path, caplog, kept):
    path = tmp_path / FILE_NAME
    write_recorded(path, [("0" * 64, answer(1, 400))], ON)
    path.write_bytes(path.read_bytes()[:kept])
    assert read_recorded(path) == []
    assert str(path) in caplog.text


def test_a_file_of_something_else_is_logged_and_no_answer(tmp_path, caplog):
    np.savez(tmp_path / FILE_NAME, on="tomorrow", digests=["0" * 64])
    assert read_recorded(tmp_path / FILE_NAME) == []
    assert "tomorrow" in caplog.text


def test_the_gallerys_recorded_answers_are_small():
    assert (ROOT / "samples" / FILE_NAME).stat().st_size < 1_000_000


def test_the_gallerys_recorded_answers_are_those_of_the_shipped_model(client):
    """`make record` writes them anew."""
    recorded = {
        (digest, given.model.version): given
        for digest, given in read_recorded(ROOT / "samples" / FILE_NAME)
    }
    images = sorted((ROOT / "samples").glob("*.jpg"))
    data = [path.read_bytes() for path in images]
    assert set(recorded) == {(digest_of(d), version) for d in data for version in VERSIONS}
    for image in data:
        for version in VERSIONS:
            model = SSDModel(client.at(version), "images", "concat_3:0", 9)
            live = model.ask(load(image, ImageLimits()))
            kept = recorded[digest_of(image), version]
            assert kept.model == live.model
            # Not what NMS keeps: which of two that is may hang on the last digit of their overlap.
            ours, theirs = (
                {
                    index: (scores, offsets)
                    for index, scores, offsets in zip(
                        raw.prior_indices.tolist(), raw.scores, raw.offsets, strict=True
                    )
                    if scores[1:].max() >= 0.1
                }
                for raw in (kept.raw, live.raw.compact())
            )
            # They are rounded, and another machine computes other last digits.
            for index in ours.keys() & theirs.keys():
                for mine, its in zip(ours[index], theirs[index], strict=True):
                    np.testing.assert_allclose(mine, its, rtol=2e-3, atol=2e-3)
            for index in ours.keys() ^ theirs.keys():
                assert (ours | theirs)[index][0][1:].max() == pytest.approx(0.1, abs=2e-3)
