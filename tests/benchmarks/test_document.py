"""docs/performance.md: its tables and chart are those of benchmarks/results."""

import pytest

from benchmarks.document import CHART, DOCUMENT, TOPICS, chart, document, result
from benchmarks.measuring import Figure, facts_of, lines, load, percentile, save

TEXT = DOCUMENT.read_text("utf-8")


def test_the_tables_are_made_of_the_results():
    """Else: python -m benchmarks.document."""
    assert document(TEXT) == TEXT


def test_the_chart_is_made_of_the_results():
    assert CHART.read_text("utf-8") == chart(load(result("postprocess")))


@pytest.mark.parametrize("topic", TOPICS)
def test_results_say_what_was_measured_where_and_with_what(topic):
    facts = facts_of(result(topic))
    for name in ("commit", "date", "cpu_model_name", "load_before", "numpy_version"):
        assert facts[name], name


def test_a_document_without_a_place_for_a_table_is_refused():
    with pytest.raises(ValueError, match="no place for postprocess"):
        document("# Performance\n")


def test_what_is_saved_is_loaded_again(tmp_path):
    figures = [
        Figure("one", "ours", [0.001, 0.003], [0.002, 0.002], note="2 boxes"),
        Figure("one", "theirs", [0.004]),
        Figure("memory", "at the most", [300e6], unit="byte"),
    ]
    save(tmp_path / "results.json", figures, {"commit": "abc"})
    assert load(tmp_path / "results.json") == figures
    assert facts_of(tmp_path / "results.json")["commit"] == "abc"
    assert list(lines(figures))[2:] == [
        "| one | ours (2 boxes) | 2.00 ms | 2.90 ms | 2.00 ms |  | 2 |",
        "|  | theirs | 4.00 ms | 4.00 ms |  | 2.00 × | 1 |",
        "| memory | at the most | 300 MB | 300 MB |  |  | 1 |",
    ]


@pytest.mark.parametrize(("percent", "value"), [(0, 1), (50, 2.5), (100, 4), (95, 3.85)])
def test_percentiles_lie_between_the_nearest_values(percent, value):
    assert percentile([4, 1, 3, 2], percent) == pytest.approx(value)
