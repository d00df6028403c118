"""The page of what the columns of every table are: made of the tables' own schemas and of what stands beside them."""

from __future__ import annotations

import ast
import importlib
import inspect
import typing
from collections.abc import Iterator, Mapping
from types import ModuleType, NoneType, UnionType

import polars
import pyarrow as pa

TABLES = {
    "Of a run": (
        ("metrics.parquet", "raysp.runs.metrics_table", ("SCHEMA",)),
        ("comparison.parquet", "raysp.runs.comparison_table", ("Comparison",)),
        ("raysp.open_run(RUN).trials", "raysp.notebook.opened_run", ("TRIALS",)),
        ("trials/TRIAL/curve.parquet", "raysp.runs.curve", ("COLUMNS",)),
        ("sweep.parquet", "raysp.search.table", ("FIRST", "LAST")),
        ("genealogy.parquet", "raysp.runs.genealogy", ("COLUMNS", "Row")),
        ("trials/TRIAL/members.parquet", "raysp.runs.ensemble_tables", ("MemberRow",)),
        ("trials/TRIAL/choices.parquet", "raysp.runs.ensemble_tables", ("CHOICE",)),
        ("trials/TRIAL/error-correlations.parquet", "raysp.runs.ensemble_tables", ("CORRELATION",)),
    ),
    "Of populations": (
        ("predictions/", "raysp.kinds.population.rates_file", ("SCHEMA",)),
        ("latents.parquet", "raysp.kinds.population.latents_table", ("Worth",)),
    ),
    "Of a continuous recording under a stimulus": (
        ("predictions/", "raysp.kinds.stimulus.spike_trains_file", ("SCHEMA",)),
        ("spike_train_metrics.parquet", "raysp.kinds.stimulus.table", ("SCHEMA",)),
        ("trials/TRIAL/kernels.parquet", "raysp.kinds.stimulus.kernels_file", ()),
    ),
    "Of cells with injected currents": (
        ("predictions/", "raysp.kinds.current_clamp.rates_file", ("SCHEMA",)),
        ("trials/TRIAL/parameters.parquet", "raysp.models.cell_fit", ("CellFit",)),
        ("parameters.parquet", "raysp.kinds.current_clamp.cells", ("Cell",)),
        ("analyses.parquet", "raysp.kinds.current_clamp.analyses", ("Finding",)),
    ),
    "Of labelled sequences": (
        ("predictions/", "raysp.kinds.labelled_sequences.logits_file", ("SCHEMA",)),
        ("trials/TRIAL/neurons.parquet", "raysp.models.gfr_network.trained_neuron", ("TrainedNeuron",)),
        ("trials/TRIAL/activity.parquet", "raysp.kinds.labelled_sequences.activity_file", ("SCHEMA",)),
    ),
    "Of movies": (
        ("predictions/", "raysp.kinds.movie.runs_file", ("SCHEMA",)),
        ("trials/TRIAL/connectivity.parquet", "raysp.kinds.movie.connectivity_file", ("SCHEMA",)),
        ("perturbations/", "raysp.kinds.movie.perturb", ("SCHEMA",)),
    ),
}
"""Heading -> the file, the module that writes it, and the names there that say what its columns are."""

WORDS = {str: "text", int: "whole number", float: "number", bool: "true or false", NoneType: "null"}


def lines() -> Iterator[str]:
    """Yield the page in Markdown."""
    yield from ("# Tables and their columns", "", "Parquet, as polars, pandas, DuckDB and Arrow read it.", "")
    for heading, tables in TABLES.items():
        yield from (f"## {heading}", "")
        for file, where, names in tables:
            module = importlib.import_module(where)
            yield from (f"### {file}", "", *_about(module), "")
            for name in names:
                yield from (*_columns(getattr(module, name)), *_prose(text_beside(module, name)), "")


def _about(module: ModuleType) -> Iterator[str]:
    first = (module.__doc__ or "").partition("\n")[0]
    before, colon, after = first.partition(": ")
    text = after if colon and ".parquet" in before else first
    yield text[:1].upper() + text[1:]


def _prose(text: str) -> Iterator[str]:
    text, _, attributes = text.partition("\n\nAttributes:\n")
    yield text
    if attributes:
        yield ""
    for line in inspect.cleandoc(attributes).splitlines():
        name, colon, rest = line.partition(": ")
        yield f"- `{name}`: {rest}" if colon and line[0] != " " else line


def _columns(schema: object) -> Iterator[str]:
    if not (kinds := kinds_of(schema)):
        return
    yield from ("| column | holds |", "|---|---|")
    yield from (f"| `{name}` | {kind} |" for name, kind in kinds.items())
    yield ""


def kinds_of(schema: object) -> dict[str, str]:
    """Return column -> what it holds, in words, of a schema of Arrow or polars, a TypedDict or names."""
    if isinstance(schema, pa.Schema):
        return {field.name: _arrow(field.type) for field in schema}
    if typing.is_typeddict(schema):
        return {name: _hint(kind) for name, kind in typing.get_type_hints(schema).items()}
    if isinstance(schema, Mapping):
        return {name: _polars(kind) for name, kind in schema.items()}
    return {name: "number" for name in schema} if isinstance(schema, tuple) else {}


def _arrow(kind: pa.DataType) -> str:
    if pa.types.is_list(kind):
        return f"list: {_arrow(kind.value_type)}"
    if pa.types.is_boolean(kind):
        return WORDS[bool]
    return WORDS[str if pa.types.is_string(kind) else int if pa.types.is_integer(kind) else float]


def _polars(kind: object) -> str:
    if isinstance(kind, str):
        kind = getattr(polars, kind)
    if not isinstance(kind, polars.DataType):
        kind = polars.Schema({"": typing.cast("polars.DataType", kind)})[""]
    if isinstance(kind, polars.List):
        return f"list: {_polars(kind.inner)}"
    return WORDS[
        bool if kind == polars.Boolean else str if kind == polars.String else int if kind.is_integer() else float
    ]


def _hint(kind: object) -> str:
    if isinstance(kind, UnionType):
        return " or ".join(_hint(one) for one in typing.get_args(kind))
    if typing.get_origin(kind) is list:
        return f"list: {_hint(typing.get_args(kind)[0])}"
    return WORDS[typing.cast("type", kind)]


def text_beside(module: ModuleType, name: str) -> str:
    """Return what a module says of one of its names: a class's docstring, or the text behind a constant.

    Raises:
        ValueError: it says nothing.
    """
    body = ast.parse(inspect.getsource(module)).body
    for node, after in zip(body, [*body[1:], None], strict=True):
        if isinstance(node, ast.ClassDef) and node.name == name and (text := ast.get_docstring(node)):
            return text
        if name in _assigned(node) and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            return inspect.cleandoc(str(after.value.value))
    raise ValueError(f"{module.__name__} says nothing of {name}")


def _assigned(node: ast.stmt) -> list[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return [one.id for one in targets if isinstance(one, ast.Name)]
