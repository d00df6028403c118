"""Tables of the documentation's results are those of their Parquet files: nobody types a figure."""

import importlib.util
import re
from pathlib import Path

import click.testing
import polars
import pytest
from polars import col

HOUSE = Path(__file__).parent.parent
PATH = HOUSE / "benchmarks" / "study_tables.py"
RESULTS = HOUSE / "docs" / "results"
OUTSIDE = re.compile(r"<!-- table [\w-]+ -->.*?<!-- end -->", re.DOTALL)


@pytest.fixture(scope="module")
def tables():
    spec = importlib.util.spec_from_file_location("study_tables", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", sorted(RESULTS.glob("*.md")), ids=lambda page: page.stem)
def test_a_page_s_tables_are_those_of_their_files_and_none_is_typed(tables, page):
    text = page.read_text()
    assert tables.filled(text, tables.of_page(page)) == text
    typed = [line for line in OUTSIDE.sub("", text).splitlines() if line.startswith("|") and re.search(r"\d\.\d", line)]
    assert typed == []


def test_every_file_of_rows_is_small_and_shown_on_a_page(tables):
    named = {name for page in RESULTS.glob("*.md") for _, name, _ in tables.BLOCK.findall(page.read_text())}
    files = {path.stem: path.stat().st_size for path in RESULTS.glob("*.parquet")}
    assert set(files) - named == {"defaults", "defaults_before"}  # whose page shows means over its cells
    assert max(files.values()) < 100_000


def test_parts_of_a_number_stand_in_its_cell_and_what_repeats_is_said_once(tables):
    rows = {
        "recording": ["a", "a", "b"],
        "model": ["sae", "unet", "x|y"],
        "old": [True, False, False],
        "co-bps": [0.25, -0.0, None],
        "co-bps sd": [0.5, None, None],
        "time to": [3.0, None, 20.0],
        "time": [2.0, 1.25, 10.0],
        "command": ["run", "run", "run"],
    }
    assert tables.lines(polars.DataFrame(rows)) == [
        "| recording | model | co-bps | time | command |",
        "|---|---|---|---|---|",
        "| a | sae° | 0.25\u00a0±\u00a00.50 | 2.00 to 3.00 | run |",
        "|  | unet | 0.00 | 1.25 |  |",
        "| b | x\\|y |  | 10 to 20 |  |",
    ]


def test_a_run_s_row_is_mean_and_deviation_over_seeds_of_the_scores_that_columns_name(tables, monkeypatch):
    score = {"unit": None, "unit_index": None, "part": "eval", "model": "sae", "parameter": None}
    rows = [{**score, "seed": seed, "metric": "co-bps", "value": value} for seed, value in ((0, 0.1), (1, 0.3))]
    rows += [{**score, "seed": 0, "metric": "co-bps", "model": "other", "value": 9.0}]
    rows += [{**score, "seed": 0, "metric": "state R2", "parameter": "x", "value": 0.5}]
    frame = polars.DataFrame(rows).lazy().with_columns(col("unit", "unit_index").cast(polars.Int64))
    monkeypatch.setattr(tables.raysp, "open_run", lambda path: type("Run", (), {"scores": frame}))
    found = dict(tables.scored("run", "sae", ["co-bps", "co-bps sd", "seeds", "state R2 x", "fp-bps"]))
    assert found == {"co-bps": 0.2, "co-bps sd": pytest.approx(0.02**0.5, abs=1e-6), "seeds": 2, "state R2 x": 0.5}
    twice = polars.concat([frame, frame])
    monkeypatch.setattr(tables.raysp, "open_run", lambda path: type("Run", (), {"scores": twice}))
    with pytest.raises(click.ClickException, match="several co-bps of sae for one seed"):
        dict(tables.scored("run", "sae", ["co-bps"]))


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (["--add", "nope", "run", "sae"], "there is no table nope"),
        (["--add", "real_units", "run", "sae", "--say", "modle=x"], "has no column modle"),
        (["--add", "real_units", "run", "nope"], "has no score of nope"),
    ],
)
def test_what_would_add_an_empty_row_is_refused(tables, monkeypatch, typed, told):
    monkeypatch.setattr(tables, "scored", lambda run, model, columns: iter(()))
    before = (RESULTS / "real_units.parquet").read_bytes()
    found = click.testing.CliRunner().invoke(tables.main, typed)
    assert (found.exit_code, told in found.output) == (1, True)
    assert (RESULTS / "real_units.parquet").read_bytes() == before
