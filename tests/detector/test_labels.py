"""Labels of classes, and their names in the visitor's language."""

import copy
import pickle
from collections.abc import Iterator

import pytest

from detector.config import Config
from detector.errors import ConfigError
from detector.labels import name_of, names_of, parsed
from detector.translation import english, language


@pytest.fixture
def chinese() -> Iterator[None]:
    token = language.set("zh_CN")
    yield
    language.reset(token)


def configured(tmp_path, text: str) -> Config:
    file = tmp_path / "labels.txt"
    file.write_text(text, encoding="utf-8")
    return Config.load({}, {"COMMODITY_LENS_LABELS": str(file)})


def test_a_labels_file_gives_names_and_files_keep_the_label(tmp_path, chinese):
    config = configured(tmp_path, "background\ncup\tzh-CN=杯子\tde=Tasse\nplate\n")
    assert config.labels == ("background", "cup", "plate")
    assert names_of(config.labels) == ("background", "杯子", "plate")
    assert english(name_of(config.labels[1])) == "cup"
    assert names_of(config.with_changes(timeout_s=3).labels)[1] == "杯子"


def test_in_english_the_labels_are_the_names(tmp_path):
    config = configured(tmp_path, "background\ncup\tzh=杯子\n")
    assert names_of(config.labels) == config.labels == ("background", "cup")


def test_the_catalogue_has_the_names_of_commodity_and_of_no_other_label(chinese):
    assert names_of(("background", "clothes", "books")) == ("background", "衣服", "书籍")
    assert name_of("Reset all") == "Reset all"  # a word of the pages


def test_a_copy_has_the_names_too(chinese):
    label = parsed("cup\tzh=杯子")
    for same in (copy.deepcopy(label), pickle.loads(pickle.dumps(label))):
        assert same == "cup"
        assert name_of(same) == "杯子"


@pytest.mark.parametrize("line", ["cup\t杯子", "cup\tzh=", "cup\t=杯子"])
def test_what_is_no_name_is_refused(tmp_path, line):
    with pytest.raises(ConfigError, match="behind a tab is no name") as caught:
        configured(tmp_path, f"background\n{line}\n")
    assert "LANGUAGE=NAME" in caught.value.hint


def test_two_classes_of_one_name_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="given twice: 杯子"):
        configured(tmp_path, "background\ncup\tzh=杯子\nmug\tzh=杯子\n")
