"""The page of tables and their columns has every table that raysp writes."""

import ast
import sys
from pathlib import Path

import polars
import pyarrow as pa
import pytest

HOUSE = Path(__file__).parent.parent
FOR_FIGURES = {"raysp.kinds.population.inside_file"}
SHARED = {"raysp.collection.predictions"}
COLUMNS_OF_MODELS = {"raysp.kinds.current_clamp.parameters_file", "raysp.kinds.labelled_sequences.neurons_file"}
"""What they write has the columns of `CellFit` and `TrainedNeuron`, beside the models."""


@pytest.fixture(scope="module")
def reference():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(HOUSE / "docs")
        import table_reference
    yield table_reference
    del sys.modules["table_reference"]


def test_every_module_that_says_it_writes_a_table_is_on_the_page(reference):
    writers = set()
    for path in (HOUSE / "raysp").rglob("*.py"):
        first = (ast.get_docstring(ast.parse(path.read_text())) or "").partition("\n")[0]
        if ".parquet" in first.partition(":")[0]:
            writers.add(".".join(path.relative_to(HOUSE).with_suffix("").parts))
    there = {module for tables in reference.TABLES.values() for _, module, _ in tables}
    assert "raysp.runs.metrics_table" in writers
    assert writers - there == FOR_FIGURES | SHARED | COLUMNS_OF_MODELS


def test_the_page_says_what_columns_hold_and_mean(reference):
    text = "\n".join(reference.lines())
    assert "| `logits` | list: list: number |" in text
    assert "| `p` | number or null |" in text
    assert "| `opponent` | whole number |" in text
    assert "- `opponent`: whom it met before it began" in text


def test_kinds_of_columns_in_words(reference):
    arrow = pa.schema({"a": pa.list_(pa.int32()), "b": pa.bool_(), "c": pa.float64(), "d": pa.string()})
    assert list(reference.kinds_of(arrow).values()) == ["list: whole number", "true or false", "number", "text"]
    frame = {"a": polars.List(polars.Float32), "b": "Boolean", "c": int, "d": polars.String}
    assert list(reference.kinds_of(frame).values()) == ["list: number", "true or false", "whole number", "text"]


def test_a_table_that_nobody_explains_stops_the_build(reference):
    import raysp.runs.metrics_table as module

    with pytest.raises(ValueError, match=r"metrics_table says nothing of NEEDED"):
        reference.text_beside(module, "NEEDED")
