"""The best member of a population as an ordinary trial: its weights predict, nothing is trained."""

from __future__ import annotations

import dataclasses
import traceback

from raysp.config.experiment import Trial
from raysp.errors import BadInput, NotReady, StoreError
from raysp.io import files
from raysp.io.system_errors import is_disk_full
from raysp.runs.folder import RunFolder
from raysp.runs.genealogy import Genealogy, Row, lineage
from raysp.runs.trial_log import Setting
from raysp.search.pbt import Population
from raysp.search.population_folder import PopulationFolder
from raysp.training.process_limits import limit_memory, limit_threads
from raysp.trials.member_trial import LOST, Lost, Share, read_state
from raysp.trials.run_trial import run_trial


def trial_of(population: Population, genealogy: Genealogy, winner: Row) -> Trial:
    """Return the trial of a population's best member: its settings, its epochs, and the history that led to it."""
    trial = population.trial_of(winner.settings)
    training = trial.training and dataclasses.replace(trial.training, epochs=winner.epochs)
    before = [dataclasses.asdict(row) for row in lineage(genealogy.rows, winner)]
    bred = files.digest({"pbt": population.plain(), "lineage": before})
    return dataclasses.replace(trial, training=training, bred=bred)


def member_trial_of(population: Population, genealogy: Genealogy, row: Row) -> Trial:
    """Return the trial of a member of the last generation, under a name of its own in tables."""
    found = trial_of(population, genealogy, row)
    return dataclasses.replace(found, label=f"{found.shown}-m{row.member:02d}")


def tried(population: Population, winner: Row, trial: Trial, setting: Setting, share: Share) -> str:
    """Run the trial of a population's best member; return what stopped it, empty where nothing did.

    Args:
        population: whose.
        winner: its best member.
        trial: of that member, see `trial_of`.
        setting: where.
        share: of the machine.

    Raises:
        OSError, StoreError: of the disk or the store.
    """
    try:
        limit_threads(share.threads)
        limit_memory(share.gpus)
        winner_trial(population, winner, trial, setting)
    except Lost:
        return LOST
    except Exception as error:
        if is_disk_full(error) or isinstance(error, StoreError):
            raise
        return str(error) if isinstance(error, BadInput | NotReady) else traceback.format_exc()
    return ""


def winner_trial(population: Population, winner: Row, trial: Trial, setting: Setting) -> None:
    """Leave the member's weights as the trial's checkpoint of a training that is over, and run the trial.

    Raises:
        Lost: the member's state is gone.
    """
    from raysp.training import checkpoint
    from raysp.training.generation import chosen

    folder = PopulationFolder(RunFolder(setting.run), population)
    mine = folder.run.trial(trial.id)
    if files.exists(mine.done):
        return
    found = read_state(folder, winner.generation, winner.member)
    checkpoint.save(mine.checkpoint, trial.id, {**chosen(found, winner.epochs), "seconds": 0.0})
    run_trial(trial, setting)
