"""class-names.json: which label a name in the ground truth stands for."""

import json

import pytest

from detector.errors import GroundTruthError
from detector.formats.class_mapping import FORMAT, read_class_mapping, write_class_mapping
from tests.support.ground_truth import FOUR


def content(**changes):
    return json.dumps({"format": FORMAT, "version": 1, "class_names": {}, **changes}).encode()


@pytest.mark.parametrize("mapping", [{}, {"trousers": "shoes", "Handy “é”": "books", "cat": None}])
def test_what_is_written_is_read_back(mapping):
    assert read_class_mapping(write_class_mapping(mapping), FOUR) == mapping


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "broken JSON"),
        (b"[]", 'expected a JSON object with "format"'),
        (content(format="x"), 'expected a JSON object with "format"'),
        (content(version=2), "the file has version 2, expected 1"),
        (content(class_names=[]), "class_names is .*, expected an object"),
        (content(class_names={"cat": 5}), "expected a text or null"),
        (content(class_names={"cat": "dog"}), "'cat' is mapped to 'dog', which is no label of"),
        (content(class_names={"cat": "background"}), "which is no label of the model"),
    ],
)
def test_another_file_is_an_error_that_says_what_is_wrong(data, message):
    with pytest.raises(GroundTruthError, match=message) as caught:
        read_class_mapping(data, FOUR)
    assert caught.value.hint
