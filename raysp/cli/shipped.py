"""Experiments and search spaces that ship with raysp, found by their names."""

from __future__ import annotations

import os
from collections.abc import Callable

import click
from click.shell_completion import CompletionItem

from raysp.cli.root import say
from raysp.config.shipped import names
from raysp.errors import BadInput, unknown
from raysp.io.nearest import near

EXPERIMENTS, SPACES = ("experiments", ".py"), ("search_spaces", ".yaml")


def experiment(given: str) -> str:
    """Return the path of an experiment: what was typed, or of the one that ships under that name, which is said.

    Raises:
        BadInput: there is no such file, and none ships under the name; the nearest name is said.
    """
    return _find(given, "experiment", *EXPERIMENTS)


def space(given: str) -> str:
    """Return the path of a search space, likewise."""
    return _find(given, "search space", *SPACES)


def offered(folder: str, ending: str) -> Callable[[click.Context, click.Parameter, str], list[CompletionItem]]:
    """Return what a shell offers for what ships in a folder: names that begin so, else files."""

    def complete(context: click.Context, parameter: click.Parameter, begun: str) -> list[CompletionItem]:
        found = [CompletionItem(name) for name in names(folder, ending) if name.startswith(begun)]
        return [*found, CompletionItem(begun, type="file")] if not found or os.sep in begun else found

    return complete


def _find(given: str, what: str, folder: str, ending: str) -> str:
    if os.path.exists(given):
        return given
    shipped = names(folder, ending)
    if given in shipped:
        say(f"{what} {shipped[given]}")
        return shipped[given]
    stem = os.path.basename(given).removesuffix(ending)
    if os.path.basename(given) == given and not given.endswith(ending):
        here = [name for name in os.listdir() if name.endswith(ending)]
        raise unknown(what, given, {*shipped, *here})
    ships = f"raysp ships one that is called {stem}: give that name alone" if stem in shipped else near(given)
    raise BadInput(f"expected a file of the {what} at {given}, found none; {ships or 'check the path'}")
