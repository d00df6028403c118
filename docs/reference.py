"""Pages that are made of the code: commands, settings of models and sources, scores, what ships."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click
import table_reference
import yaml

from raysp.cli import shipped
from raysp.cli.root import main
from raysp.config.described import described
from raysp.data.sources import catalog as sources
from raysp.kinds import catalog as kinds
from raysp.models import catalog as models

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def write(folder: Path) -> None:
    """Write the pages into a folder, those alone whose text is another one now."""
    for name, lines in {
        "commands": ("# Commands", "", *_commands(main, "raysp")),
        "models": ("# Models and their settings", "", *_models()),
        "sources": ("# Sources and their settings", "", *_sources()),
        "scores": ("# Scores", "", *_scores()),
        "tables": tuple(table_reference.lines()),
        "shipped": ("# Experiments and search spaces that ship", "", *_shipped()),
    }.items():
        page, text = folder / f"{name}.md", "\n".join(lines)
        if not page.exists() or page.read_text() != text:
            page.write_text(text)


def _commands(command: click.Command, name: str) -> Iterator[str]:
    if isinstance(command, click.Group):
        for each, inner in sorted(command.commands.items()):
            yield from _commands(inner, f"{name} {each}")
        return
    text = command.get_help(click.Context(command, info_name=name, terminal_width=100))
    yield from (f"## {name}", "", "```text", text, "```", "")


def _models() -> Iterator[str]:
    by_kind: dict[str, list[str]] = {}
    for name in models.names():
        by_kind.setdefault(models.kind(name), []).append(name)
    for kind, names in by_kind.items():
        yield from (f"## Of the kind {kind}", "")
        for name in names:
            module = models.module(name)
            yield from _settings("###", name, module.__doc__, module.Config)


def _sources() -> Iterator[str]:
    for name in sources.names():
        config = sources.source(name).Config
        module = importlib.import_module(config.__module__.removesuffix("_config"))
        yield from _settings("##", name, module.__doc__, config)


def _settings(level: str, name: str, about: str | None, config: type[DataclassInstance]) -> Iterator[str]:
    first, _, rest = (about or "").strip().partition("\n\n")
    yield from (f"{level} {name}", "", first, "")
    for part in filter(None, rest.split("\n\n")):
        yield from (*(_prose(part) if part[0] not in " -|>" else ("```text", part, "```")), "")
    found = described(config)
    if not found:
        yield from ("It has no settings.", "")
        return
    yield from ("| setting | default | may be | meaning |", "|---|---|---|---|")
    for one in found:
        yield f"| `{one.name}` | {_code(one.default) or 'must be given'} | {_cell(one.limits)} | {_cell(one.text)} |"
    yield ""


def _scores() -> Iterator[str]:
    for kind in kinds.known():
        ceiling = f", ceiling `{kind.ceiling}`" if kind.ceiling else ""
        yield from (f"## Of the kind {kind.name}", "", f"Floor `{kind.floor}`{ceiling}.", "")
        yield from ("| score | better | a sweep may look for it | meaning |", "|---|---|---|---|")
        for name, metric in kind.metrics.items():
            better = "lower" if metric.better == "min" else "higher"
            yield f"| {_cell(name)} | {better} | {'yes' if metric.searched else ''} | {_cell(metric.meaning)} |"
        yield ""


def _shipped() -> Iterator[str]:
    yield from ("## Experiments: `raysp run NAME`", "", "| name | what it runs |", "|---|---|")
    for name, path in shipped.names(*shipped.EXPERIMENTS).items():
        first, _, _ = (ast.get_docstring(ast.parse(Path(path).read_text())) or "").partition("\n\n")
        yield f"| `{name}` | {_cell(first)} |"
    yield from (
        "",
        "## Search spaces: `raysp sweep EXPERIMENT --space NAME`",
        "",
        "| name | model | what it searches |",
    )
    yield "|---|---|---|"
    for name, path in shipped.names(*shipped.SPACES).items():
        space = yaml.safe_load(Path(path).read_text())
        yield f"| `{name}` | `{space['model']}` | {', '.join(_code(one) for one in space['space'])} |"


def _prose(part: str) -> Iterator[str]:
    yield re.sub(r"([*_<\[\\])", r"\\\1", part)


def _code(text: str) -> str:
    return f"`{_cell(text)}`" if text else ""


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
