"""Members of a run's populations in MLflow: a child run each, with its scores and settings by generation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import starmap
from typing import TYPE_CHECKING

from raysp.config.settings import Plain
from raysp.driver.tracking_content import COMPLETE, KIND, PARENT
from raysp.io import files
from raysp.runs.folder import RunFolder
from raysp.runs.genealogy import Row
from raysp.search.pbt import Population
from raysp.search.population_folder import read_populations

if TYPE_CHECKING:
    from mlflow import MlflowClient

MEMBER, POPULATION, DIGEST = "raysp.member", "raysp.population", "raysp.digest"
BATCH, LONGEST = 1000, 250


def show_members(client: MlflowClient, experiment: str, parent: str, run: RunFolder) -> None:
    """Write what the store lacks of the members of a run's populations; one that has come further is written anew.

    Args:
        client: of the store.
        experiment: MLflow's id of the run's experiment.
        parent: MLflow's id of the whole run.
        run: the run folder.
    """
    known = read_populations(run)
    if not known:
        return
    there = {}
    for one in client.search_runs([experiment], f"tags.`{KIND}` = 'member'", max_results=10_000):
        place, tags = (one.data.tags.get(POPULATION), one.data.tags.get(MEMBER)), one.data.tags
        if place in there or COMPLETE not in tags:
            client.delete_run(one.info.run_id)
        else:
            there[place] = one
    for population, genealogy in known:
        for member in range(population.members):
            rows = [row for row in genealogy.rows if row.member == member and row.state != "waiting"]
            digest = files.digest([[row.weights, row.score, dict(row.settings)] for row in rows])
            before = there.get((population.name, str(member)))
            if rows and (before is None or before.data.tags.get(DIGEST) != digest):
                if before is not None:
                    client.delete_run(before.info.run_id)
                tags = {KIND: "member", PARENT: parent, POPULATION: population.name, MEMBER: str(member)}
                _write(client, experiment, population, rows, {**tags, DIGEST: digest})


def _write(
    client: MlflowClient, experiment: str, population: Population, rows: Sequence[Row], tags: Mapping[str, str]
) -> None:
    from mlflow.entities import Metric, Param

    trial, last = population.trial, rows[-1]
    tags = {**tags, "model": trial.shown, "split": trial.split, "seed": str(trial.seed)}
    name = f"{trial.shown} {trial.split} s{trial.seed} member {last.member}"
    run_id = client.create_run(experiment, run_name=name, tags=dict(tags)).info.run_id
    params = {**{name: str(value)[:LONGEST] for name, value in last.settings.items()}, "member": str(last.member)}
    client.log_batch(run_id, params=list(starmap(Param, params.items())))
    points = [
        Metric(name, value, 0, row.generation) for row in rows for name, value in _numbers(population, row).items()
    ]
    for start in range(0, len(points), BATCH):
        client.log_batch(run_id, metrics=points[start : start + BATCH])
    # Last, so that nobody takes half for all.
    client.set_tag(run_id, COMPLETE, "true")
    client.set_terminated(run_id, "FINISHED")


def _numbers(population: Population, row: Row) -> dict[str, float]:
    """Return the numbers of a member in a generation by name: its score, its last loss, whose copy it is, settings."""
    known: dict[str, Plain] = {f"pbt/{population.objective}": row.score, "pbt/last loss": row.loss}
    known |= {"pbt/parent": row.parent, **{f"settings/{name}": value for name, value in row.settings.items()}}
    return {name: float(value) for name, value in known.items() if isinstance(value, int | float)}
