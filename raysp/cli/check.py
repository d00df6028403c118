"""raysp check: whether a model, source or kind keeps what raysp relies on, on made-up data of odd shapes."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING

import click

from raysp.cli.root import main, say

if TYPE_CHECKING:
    from raysp.config.settings import Plain

Checks = Iterator[tuple[str, Callable[[], None], str]]
"""What must hold, in words; what raises where it does not; what to look at then."""


@main.command()
@click.argument("file")
@click.option("--set", "sets", multiple=True, metavar="KEY=VALUE", help="A setting of a source's recording.")
def check(file: str, sets: tuple[str, ...]) -> None:
    """Check a model, source or kind of data: FILE is a path, or the name of one that is installed.

    A package folder is checked for all that it gives. A source is built where its settings are given, or have defaults.
    """
    from raysp.config.sets import values
    from raysp.errors import expect

    settings, failures, total = values(sets), 0, 0
    found = _found(file)
    told = f"--set expected a source, whose recording it is a setting of, got {file}, which gives none; leave it out"
    expect(not sets or any(room == "data/sources" for room, _ in found), told)
    for room, name in found:
        say(f"{_word(room)} {name}")
        failed, checks = _run(_checks(room, name, settings))
        failures, total = failures + failed, total + checks
        _say_what_was_not_built(room, name, settings)
    say(f"{total - failures} of {total} checks passed")
    sys.exit(1 if failures else 0)


def _run(checks: Checks) -> tuple[int, int]:
    """Run checks, a line each; return how many failed, of how many. Where the first fails, no other can be run."""
    failed, total, before, hinted = 0, 0, "", set[str]()
    for what, run, hint in checks:
        problem, total = _problem(run), total + 1
        if problem is None:
            say(f"  ok  {what}")
            continue
        again, group = problem == before, what.partition(":")[0]
        # What fails on the plainest data fails on odd ones for that reason, and no hint at these helps.
        said = f"; {hint}" if hint and not again and group not in hinted else ""
        hinted.add(group)
        say(f"  !!  {what}: {'the same' if again else problem}{said}")
        failed, before = failed + 1, problem
        if total == 1:
            say("  --  the others need that, and were not run")
            break
    return failed, total


def _found(file: str) -> list[tuple[str, str]]:
    """Return (room, name) of all that a file gives, or of what has this name."""
    from raysp.config import own_code, plugin, plugins
    from raysp.errors import unknown

    if plugin.is_path(file) or os.path.exists(file):
        return own_code.all_of(file)
    known = {room: plugins.modules(room) for room in ("kinds", "data/sources", "models")}
    if found := [(room, file) for room, names in known.items() if file in names]:
        return found
    raise unknown("model, source or kind", file, [name for names in known.values() for name in names])


def _word(room: str) -> str:
    from raysp.config.plugins import ROOMS

    return ROOMS[room].word


def _checks(room: str, name: str, settings: Mapping[str, Plain]) -> Checks:
    if room == "models":
        from raysp.kinds.contract import of_model

        for one in of_model(name):
            yield one.what, partial(one.run, name), one.hint
        return
    from raysp.data.sources import contract as of_sources
    from raysp.kinds import kind_contract as of_kinds

    found = of_kinds.contract(name) if room == "kinds" else of_sources.contract(name, settings)
    yield from ((what, run, "") for what, run in found)


def _problem(run: Callable[[], None]) -> str | None:
    """Return why a check fails, with the line of a person's own code; None where it passes."""
    from raysp.errors import BadInput

    try:
        run()
    except BadInput as error:
        return str(error)
    except Exception as error:
        import raysp

        package = os.path.dirname(os.path.abspath(raysp.__file__))
        frames = [one for one in traceback.extract_tb(error.__traceback__) if "site-packages" not in one.filename]
        own = [one for one in frames if not one.filename.startswith(package)] or frames
        where = f"{os.path.basename(own[-1].filename)}, line {own[-1].lineno}: " if own else ""
        return f"{where}{type(error).__name__}: {' '.join(str(error).split())[:300]}"
    return None


def _say_what_was_not_built(room: str, name: str, settings: Mapping[str, Plain]) -> None:
    from raysp.data.sources.contract import lacking

    if room == "data/sources" and (missing := lacking(name, settings)):
        say(f"  --  nothing was built; give {' '.join(f'--set {one}=VALUE' for one in missing)}")
