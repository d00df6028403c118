"""Tables of docs/results: each is made of a small Parquet file beside the pages, never typed.

    python benchmarks/study_tables.py                                     # tables of all pages anew
    python benchmarks/study_tables.py --add real_units runs/NAME sae --say recording="draw 1" --say model="sae, by hand"

A page names a table by `<!-- table NAME -->`; what stands from there to `<!-- end -->` is docs/results/NAME.parquet, a
column each. "X sd" goes into the column of "X" behind a ±, "X to" behind a "to", "X low" and "X high" in brackets; a
column of truths marks the one before with a °. `--add` puts what a run scored with a model into a row: of each column
of numbers that is a score of its name, mean and standard deviation (n - 1) over seeds.
"""

from __future__ import annotations

import pathlib
import re
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence

import click
import polars
from polars import col

import raysp
from raysp.io import files

DOCS = pathlib.Path(__file__).parent.parent / "docs"
TABLES = DOCS / "results"
BLOCK = re.compile(r"(<!-- table ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
MARK, MOST_DECIMALS, KEPT, WHOLE = "°", 3, 6, 10
MORE_DECIMALS = {"masked deviance": 4, "validation loss": 5}
MIXED = "value"
"""A column of numbers of several units, each of which has its own decimals."""

PARTS = {" sd": "\u00a0±\u00a0{}", " to": " to {}", " low": " ({}", " high": " to {})"}
"""End of a column's name, and how its values stand behind those of the column without it."""


def filled(text: str, tables: Mapping[str, list[str]]) -> str:
    """Return a page with the lines of tables in the places that name them; what is not given stays.

    Args:
        text: the page.
        tables: name -> lines.
    """

    def block(found: re.Match[str]) -> str:
        return "\n".join([found[1], *tables[found[2]], "", found[3]]) if found[2] in tables else found[0]

    return BLOCK.sub(block, text)


def lines(table: polars.DataFrame) -> list[str]:
    """Return a table in Markdown; what the first column or a command repeats of the row above is said once."""
    parts = {name: one for name in table.columns if (one := _whole(name, table.columns))}
    shown = [name for name in table.columns if name not in parts and table[name].dtype != polars.Boolean]
    cells = {name: _cells(table[name]) for name in table.columns if name not in parts}
    for name, (whole, form) in parts.items():
        least = [len(one.partition("\u00a0")[0].partition(".")[2]) for one in cells[whole]]
        decimals = [max(d, _decimals(v or 0, MOST_DECIMALS)) for v, d in zip(table[name], least, strict=True)]
        more = ["" if v is None else form.format(_spelt(v, d)) for v, d in zip(table[name], decimals, strict=True)]
        cells[whole] = [first + second for first, second in zip(cells[whole], more, strict=True)]
    for place, name in enumerate(table.columns):
        if table[name].dtype == polars.Boolean:
            before = [one for one in table.columns[:place] if one in shown][-1]
            both = zip(cells[before], table[name], strict=True)
            cells[before] = [first + (MARK if true else "") for first, true in both]
    for name in {shown[0], "command"} & set(shown):
        texts = cells[name]
        cells[name] = [one if place == 0 or one != texts[place - 1] else "" for place, one in enumerate(texts)]
    return grid(shown, zip(*(cells[name] for name in shown), strict=True))


def grid(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return a Markdown table of texts."""
    return [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", *(f"| {' | '.join(row)} |" for row in rows)]


def _whole(name: str, columns: list[str]) -> tuple[str, str] | None:
    for end, form in PARTS.items():
        if name.endswith(end) and name.removesuffix(end) in columns:
            return name.removesuffix(end), form
    return None


def _cells(column: polars.Series) -> list[str]:
    if not column.dtype.is_numeric():
        return ["" if value is None else str(value).replace("|", "\\|") for value in column]
    known = column.drop_nulls().to_list()
    return ["" if value is None else _number(value, known, column.name) for value in column]


def _number(value: float, column: list[float], name: str) -> str:
    """Spell a number with the decimals of those of the column that are of its kind: below ten, or not."""
    most = MORE_DECIMALS.get(name, MOST_DECIMALS)
    alike = [value] if name == MIXED else [one for one in column if (abs(one) < WHOLE) == (abs(value) < WHOLE)]
    return _spelt(value, max(_decimals(one, most) for one in alike))


def _spelt(value: float, decimals: int) -> str:
    text = f"{value:,.{decimals}f}"
    return text.replace("-", "−" if float(text.replace(",", "")) else "")


def _decimals(value: float, most: int) -> int:
    return len(f"{value:.{most}f}".rstrip("0").partition(".")[2])


def scored(run: str, model: str, columns: list[str]) -> Iterator[tuple[str, float | int]]:
    """Yield the columns that a run has scores for: mean and standard deviation over seeds, and how many seeds.

    Args:
        run: a run folder.
        model: a model of it.
        columns: those of the table.

    Raises:
        BadInput: the folder is not a run's.
    """
    scores = raysp.open_run(run).scores.filter(col("unit").is_null(), col("unit_index").is_null()).collect()
    mine, seeds = scores.filter(model=model, part="eval"), 0
    for name in columns:
        of = mine.filter(polars.concat_str("metric", "parameter", separator=" ", ignore_nulls=True) == name)
        known = of.drop_nulls("value").sort("seed")
        if known.is_empty():
            continue
        if known["seed"].n_unique() != known.height:
            raise click.ClickException(f"{run} has several {name} of {model} for one seed: take a run of one recording")
        yield name, round(statistics.fmean(known["value"]), KEPT)
        if f"{name} sd" in columns and known["value"].n_unique() > 1:
            yield f"{name} sd", round(statistics.stdev(known["value"]), KEPT)
        seeds = max(seeds, known.height)
    if "seeds" in columns and seeds:
        yield "seeds", seeds


def write(page: pathlib.Path, tables: Mapping[str, list[str]]) -> None:
    """Write a page anew with tables in their places."""
    page.write_text(filled(page.read_text(), tables))


def of_page(page: pathlib.Path) -> dict[str, list[str]]:
    """Return the tables that a page names and that have a file of rows: name -> lines."""
    names = [found[2] for found in BLOCK.finditer(page.read_text())]
    return {name: lines(polars.read_parquet(path)) for name in names if (path := TABLES / f"{name}.parquet").exists()}


@click.command()
@click.option("--add", nargs=3, help="A table, a run folder and a model: its scores become a row.")
@click.option("--say", multiple=True, help="COLUMN=TEXT of that row.")
def main(add: tuple[str, str, str] | None, say: tuple[str, ...]) -> None:
    """Write the tables of all pages anew; first put a run's scores into one, where asked for."""
    if add:
        path = TABLES / f"{add[0]}.parquet"
        if not path.exists():
            raise click.ClickException(
                f"there is no table {add[0]}: {', '.join(sorted(p.stem for p in TABLES.glob('*.parquet')))}"
            )
        table = polars.read_parquet(path)
        texts = dict(one.partition("=")[::2] for one in say)
        if unknown := [name for name in texts if name not in table.columns]:
            raise click.ClickException(f"{add[0]} has no column {unknown[0]}: {', '.join(table.columns)}")
        if not (numbers := dict(scored(add[1], add[2], table.columns))):
            raise click.ClickException(f"{add[1]} has no score of {add[2]} that {add[0]} has a column of")
        row = {**dict.fromkeys(table.columns), **numbers, **texts}
        with files.replacing(str(path)) as temporary:
            polars.concat([table, polars.DataFrame([row], schema=table.schema)]).write_parquet(temporary)
    for page in sorted(DOCS.rglob("*.md")):
        if tables := of_page(page):
            write(page, tables)
            print(page)


if __name__ == "__main__":
    main()
