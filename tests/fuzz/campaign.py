"""A fuzz campaign: good files of every kind that raysp reads, changed one at a time, and what reading them comes to.

    python -m tests.fuzz.campaign --count 2000 --seed 0
    python -m tests.fuzz.campaign --seed 0 --only 137

Change number N of a seed is the same on every machine, so that a fault is shown alone by its number. Three in five
leave the file valid in form; the others are damage that knows nothing of the format. Each reading is a process of its
own. Before the changes, every good file is read twice, as a control.
"""

from __future__ import annotations

import collections
import contextlib
import json
import os
import random
import shutil
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import click

from tests.fuzz import bytes_changes, child, prepared, recordings, run_files, search_files, spike_files
from tests.fuzz.judge import CLASSES, FAULTS, judge, observe
from tests.fuzz.kinds import Change, Changed, Kind, NotHere

KINDS: tuple[Kind, ...] = (
    *recordings.KINDS,
    *prepared.KINDS,
    *run_files.KINDS,
    *search_files.KINDS,
    *spike_files.KINDS,
)
TRIES = 40


@dataclass(frozen=True)
class Result:
    """What came of one change.

    Attributes:
        number: of the change.
        kind: of file.
        reader: that read it.
        form: "control", "valid" in form, or "damage".
        text: what was changed.
        found: one of `judge.CLASSES`.
        how: what the reader said.
    """

    number: int
    kind: str
    reader: str
    form: str
    text: str
    found: str
    how: str

    def line(self) -> str:
        """Return the result as a line."""
        said = f"  {self.how}" if self.how else ""
        return f"{self.number:6d}  {self.found:13} {self.kind}, {self.reader}: {self.text}{said}"


class Campaign:
    """Good files in a folder, and what reading them came to.

    Args:
        work: the folder.
        seed: of the changes.
    """

    def __init__(self, work: str, seed: int = 0) -> None:
        self.work, self.seed = work, seed
        self._good: dict[tuple[str, str], dict] = {}

    def prepare(self, kinds: tuple[Kind, ...] = KINDS) -> list[Result]:
        """Make the good files of some kinds and read them; return the controls."""
        return [control for kind in kinds for control in self._controls(kind)]

    def _controls(self, kind: Kind) -> list[Result]:
        first, second = (child.run(lambda seed=seed: self._made_and_read(kind, seed)) for seed in (0, 1))
        for made in (first, second):
            if "ended" in made:
                raise RuntimeError(f"a good file of kind {kind.name} cannot be made: {made}")
        for reader in kind.readers:
            self._good[kind.name, reader] = first[reader][0]
        return [_control(kind, reader, [*first[reader], *second[reader]]) for reader in kind.readers]

    def _made_and_read(self, kind: Kind, seed: int) -> dict:
        os.makedirs(folder := self._at(kind, seed))
        kind.make(folder, seed)
        return {name: [observe(read, folder) for _ in range(2)] for name, read in kind.readers.items()}

    def one(self, number: int) -> Result:
        """Make one change, read the file, and judge what comes."""
        rng = random.Random(f"{self.seed}-{number}")
        kind = KINDS[number % len(KINDS)]
        valid = bool(kind.changes) and (number + number // len(KINDS)) % 5 < 3
        reader = rng.choice(list(kind.readers))
        with tempfile.TemporaryDirectory(dir=self.work) as folder:
            place = os.path.join(folder, "it")
            shutil.copytree(self._at(kind, 0), place)
            changed, seen = self._changed_and_read(kind, reader, valid, place, rng)
            found, how = judge(kind, changed, seen, self._good[kind.name, reader])
        form = "valid" if valid else "damage"
        return Result(number, kind.name, reader, form, changed.text, found, how.replace(place, "."))

    def _changed_and_read(
        self, kind: Kind, reader: str, valid: bool, folder: str, rng: random.Random
    ) -> tuple[Changed, dict]:
        changes = kind.changes if valid else bytes_changes.CHANGES
        path, other = (os.path.join(place, kind.file) for place in (folder, self._at(kind, 1)))
        good = os.path.join(self._at(kind, 0), kind.file)
        note = os.path.join(self.work, "changed.json")

        def work() -> dict:
            changed = _drawn(changes, path, rng, other, good)
            with open(note, "w") as file:
                json.dump(vars(changed), file)
            return observe(kind.readers[reader], folder)

        with contextlib.suppress(FileNotFoundError):
            os.remove(note)
        seen = child.run(work)
        if not os.path.exists(note):
            return Changed("the change itself failed"), {"ended": "raw", "how": str(seen)}
        with open(note) as file:
            return Changed(**json.load(file)), seen

    def _at(self, kind: Kind, seed: int) -> str:
        return os.path.join(self.work, "good", kind.name.replace(" ", "_").replace("'", ""), str(seed))


def _drawn(changes: tuple[Change, ...], path: str, rng: random.Random, other: str, good: str) -> Changed:
    with warnings.catch_warnings(action="ignore"):
        for _ in range(TRIES):
            try:
                return rng.choice(changes)(path, rng, other)
            except NotHere:
                shutil.copyfile(good, path)
    raise RuntimeError("no change applies")


def _control(kind: Kind, reader: str, seen: list[dict]) -> Result:
    """Judge how good files are read: alike each time, and another one as another."""
    ends = {one["ended"] for one in seen}
    found, how = "read right", ""
    if ends != {"read"}:
        found, how = "RAW", next(one["how"] for one in seen if one["ended"] != "read")
    elif seen[0]["content"] != seen[1]["content"]:
        found, how = "OTHER CONTENT", "the same file is read in two ways"
    return Result(-1, kind.name, reader, "control", "a good file", found, how)


def table(results: list[Result]) -> str:
    """Return kinds by classes as a Markdown table."""
    shown = [name for name in CLASSES if name in FAULTS or any(one.found == name for one in results)]
    counts = collections.Counter((one.kind, one.found) for one in results)
    kinds = list(dict.fromkeys(one.kind for one in results))
    lines = [" | ".join(["| kind", "all", *shown]) + " |", "|---|" + "---:|" * (len(shown) + 1)]
    for kind in [*kinds, None]:
        row = [sum(counts[one, name] for one in kinds if kind in (None, one)) for name in shown]
        lines.append(" | ".join([f"| {kind or 'all'}", str(sum(row)), *(str(count or "") for count in row)]) + " |")
    return "\n".join(lines)


def faults(results: list[Result]) -> list[Result]:
    """Return the results that are not as they should be."""
    return [one for one in results if one.found in FAULTS]


@contextlib.contextmanager
def campaign(seed: int = 0) -> Iterator[Campaign]:
    """Give a campaign with a folder of its own, which goes at the end."""
    with tempfile.TemporaryDirectory(prefix="raysp-fuzz-") as work:
        yield Campaign(work, seed)


@click.command()
@click.option("--count", default=2000, show_default=True, help="How many changes.")
@click.option("--seed", default=0, show_default=True, help="Of the changes.")
@click.option("--only", type=int, help="One change by its number, and all that was said.")
@click.option("--kind", default="", help="Only kinds of files whose name holds this.")
def main(count: int, seed: int, only: int | None, kind: str) -> None:
    """Change good files, read them, and tell what came."""
    started = time.monotonic()
    numbers = [n for n in (range(count) if only is None else [only]) if kind in KINDS[n % len(KINDS)].name]
    kinds = tuple(one for at, one in enumerate(KINDS) if any(n % len(KINDS) == at for n in numbers))
    with campaign(seed) as one:
        controls = one.prepare(kinds)
        results = [one.one(number) for number in numbers]
    if only is None:
        valid, seconds = sum(result.form == "valid" for result in results), time.monotonic() - started
        print(f"Seed {seed}: {len(controls)} controls, {len(results)} changes, {valid} of them valid in form,", end=" ")
        print(f"{seconds:.0f} s.\n\n{table(results)}\n")
    for result in faults(controls + results) if only is None else controls + results:
        print(result.line())
    sys.exit(bool(faults(controls + results)))


if __name__ == "__main__":
    main()
