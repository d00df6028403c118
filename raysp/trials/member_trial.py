"""Members of a population, trained for one generation in this process; no Ray needed."""

from __future__ import annotations

import dataclasses
import functools
import time
import traceback
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypedDict, cast

from raysp.config import plugins
from raysp.config.experiment import Trial
from raysp.config.note import Note
from raysp.data.splits import store
from raysp.errors import BadInput, NotReady, StoreError
from raysp.io import files, machine
from raysp.io.system_errors import is_disk_full
from raysp.kinds import catalog as kinds
from raysp.models import catalog
from raysp.runs import inputs
from raysp.runs.folder import RunFolder
from raysp.runs.genealogy import Row
from raysp.runs.trial_log import Setting
from raysp.search.explore import first_seed, training_seed
from raysp.search.pbt import Population
from raysp.search.population_folder import PopulationFolder
from raysp.training.process_limits import limit_memory, limit_threads
from raysp.trials.run_trial import check_code

if TYPE_CHECKING:
    from raysp.data.splits.split import Split
    from raysp.training.batches import Learner
    from raysp.training.generation import Saved, Trained
    from raysp.training.job import Job

LOST = "lost"
"""What is returned where a state is gone that a member goes on from."""


class Lost(NotReady):
    """The state that a member goes on from is gone."""


class How(TypedDict):
    """How a generation is trained, see `training.generation.train_generation`."""

    seed: int
    epochs: int
    judge: str


@dataclasses.dataclass(frozen=True)
class Share:
    """A process's part of the machine: CPU threads, and GPUs or a share of one."""

    threads: int = 1
    gpus: float = 0.0


def tried(population: Population, rows: Sequence[Row], setting: Setting, share: Share) -> str:
    """Train members as `train_members` does; return what stopped them instead of raising it, empty where nothing did.

    Raises:
        OSError, StoreError: of the disk or the store, which say nothing of the members.
    """
    try:
        limit_threads(share.threads)
        limit_memory(share.gpus)
        train_members(population, rows, setting)
    except Lost:
        return LOST
    except Exception as error:
        if is_disk_full(error) or isinstance(error, StoreError):
            raise
        return str(error) if isinstance(error, BadInput | NotReady) else traceback.format_exc()
    finally:
        machine.give_memory_back()
    return ""


def train_members(population: Population, rows: Sequence[Row], setting: Setting) -> None:
    """Train members for a generation and write their states; one that is there is left as it is.

    Args:
        population: theirs.
        rows: of one generation: a group that trains together, see `search.lanes`.
        setting: where.

    Raises:
        Lost: the state that a member goes on from is gone or damaged.
        BadInput: the model reports nothing that members could be judged by.
    """
    folder = PopulationFolder(RunFolder(setting.run), population)
    plugins.use(population.trial.plugins, folder.run.code)
    check_code(population.trial)
    if missing := [row for row in rows if not files.exists(folder.result(row.generation, row.member))]:
        started, warnings = time.time(), list[str]()
        # Side by side with all of its group, or it would come out otherwise in the last bits.
        found = (
            _side_by_side(folder, rows, setting) if population.lanes > 1 else _alone(folder, rows, setting, warnings)
        )
        seconds = (time.time() - started) / len(rows)
        for row, one in zip(rows, found, strict=True):
            if row in missing:
                write_member(folder, row, one, warnings=warnings, seconds=seconds)


def _alone(folder: PopulationFolder, rows: Sequence[Row], setting: Setting, warnings: list[str]) -> list[Trained]:
    """Train the one member of a group."""
    from raysp.training.generation import train_generation

    (row,) = rows

    def report(note: Note) -> None:
        if "warning" in note:
            warnings.append(note["warning"])

    before, score = _before(folder, row)
    job = dataclasses.replace(_job(folder, row, setting), report=report)
    learner, how = _how(folder.population, row, setting)
    return [train_generation(job, learner, before=before, score=score, **how)]


def _side_by_side(folder: PopulationFolder, rows: Sequence[Row], setting: Setting) -> list[Trained]:
    """Train the members of a group as lanes of one model."""
    from raysp.training.job import Member
    from raysp.training.side_by_side import Beginning, train_side_by_side

    population = folder.population
    members = [
        Beginning(Member(population.trial_of(row.settings), first_seed(population, row.member)), *_before(folder, row))
        for row in rows
    ]
    learner, how = _how(population, rows[0], setting)
    return train_side_by_side(_job(folder, rows[0], setting), learner, members, **how)


def _before(folder: PopulationFolder, row: Row) -> tuple[Saved | None, float | None]:
    """Return the state that a member goes on from, and its score so far, each None where it has none."""
    if row.parent is None:
        return None, None
    found = read_state(folder, row.generation - 1, row.parent)
    return found, None if row.source == "copied" else found["score"]


def _job(folder: PopulationFolder, row: Row, setting: Setting) -> Job:
    from raysp.training.job import Job

    trial = folder.population.trial_of(row.settings)
    return Job(trial, device=setting.device, purpose="search", inputs=functools.partial(inputs.read, folder.run, trial))


def _how(population: Population, row: Row, setting: Setting) -> tuple[Learner, How]:
    """Return what gives a group its model and data, and how a generation of it is trained."""
    kind, part = kinds.of(catalog.kind(population.trial.model)), part_of(population.trial, setting)
    how: How = {
        "seed": training_seed(population, row.generation, row.member),
        "epochs": population.epochs + (population.ramp if row.generation == 1 else 0),
        "judge": population.objective,
    }
    return lambda job: kind.learner(job, part), how


def write_member(
    folder: PopulationFolder, row: Row, found: Trained, *, warnings: Sequence[str], seconds: float
) -> None:
    """Write what a generation made of a member: its state, then the record that says that it is there."""
    from raysp.training import checkpoint

    if found.state is not None:
        path = folder.state(row.generation, row.member)
        checkpoint.save(path, folder.population.name, {**found.state, "score": found.score, "weights": found.weights})
    numbers = {name: getattr(found, name) for name in ("score", "loss", "epochs", "weights")}
    record = {"state": "diverged" if found.state is None else "trained", **numbers, "seconds": round(seconds, 3)}
    told = [*warnings, *filter(None, [found.why])]
    files.write_json(folder.result(row.generation, row.member), {**record, "warnings": told})


def read_state(folder: PopulationFolder, generation: int, member: int) -> Saved:
    """Return a member's state after a generation. Raises Lost where it is gone or damaged."""
    from raysp.training import checkpoint

    path = folder.state(generation, member)
    found = checkpoint.load(path, folder.population.name)
    if not isinstance(found, dict):
        raise Lost(f"{path} is gone" if found is None else f"{path}: {found}")
    return cast("Saved", {name: value for name, value in found.items() if name not in ("format", "trial")})


def part_of(trial: Trial, setting: Setting) -> Split:
    """Return what members are trained and judged on: the trial's units of the training part, no evaluation trial."""
    whole = _training_part(setting.root, trial.split, trial.data, tuple((trial.plugins or {}).items()))
    return whole if trial.units is None else whole.select(trial.units)


@functools.lru_cache(maxsize=2)
def _training_part(root: str, name: str, fingerprint: str, plugins: tuple[tuple[str, str], ...]) -> Split:
    return store.load_training(root, name)
