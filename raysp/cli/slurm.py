"""raysp slurm: an experiment as a job of a Slurm cluster; and two hidden verbs that the job's script calls."""

from __future__ import annotations

import os
from typing import Any

import click

from raysp.cli.root import main, say


@main.command()
@click.argument("experiment", type=click.Path(dir_okay=False))
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.option("--nodes", type=int, default=1, show_default=True, help="Machines.")
@click.option("--gpus-per-node", "gpus", type=int, default=0, show_default=True, help="GPUs of each node.")
@click.option("--cpus-per-task", "cpus", type=int, help="CPU cores of each node; 4 per GPU, at least 4, by default.")
@click.option("--mem", "memory", help="Memory of each node, e.g. 64G; the partition's default.")
@click.option("--time", help="Time limit, e.g. 12:00:00 or 2-00; the partition's default.")
@click.option("--partition", help="Where to run; the cluster's default.")
@click.option("--account", help="Whom it is charged to.")
@click.option("--job-name", "name", help="The experiment file's name by default.")
def slurm(experiment: str, arguments: tuple[str, ...], name: str | None, **options: Any) -> None:
    """Write the sbatch script that runs an experiment on a Slurm cluster; after -- come options of `raysp run`.

    raysp slurm experiments/nlb_all.py --nodes 4 --gpus-per-node 4 -- --root /shared/data > job.sbatch
    """
    from raysp.cluster.slurm import Job, script

    # What `raysp run` would refuse of them is refused here, not when the job begins.
    main.commands["run"].make_context("raysp run", [experiment, *arguments])
    name = os.path.splitext(os.path.basename(experiment))[0] if name is None else name
    text = script(experiment, Job(name=name, **options), arguments)
    click.echo(text, nl=False)


@main.command("slurm-head", hidden=True)
@click.argument("peer", required=False)
def head(peer: str | None) -> None:
    """Say an address and two free ports for Ray's head on this machine."""
    from raysp.cluster.slurm_nodes import meeting_point

    say(" ".join(map(str, meeting_point(peer or None))))


@main.command("slurm-wait", hidden=True)
@click.argument("nodes", type=int)
@click.argument("seconds", type=float)
@click.option("--of", type=int)
def wait(nodes: int, seconds: float, of: int | None) -> None:
    """Wait until the cluster at RAY_ADDRESS has so many nodes."""
    from raysp.cluster.slurm_nodes import wait_for_nodes

    wait_for_nodes(nodes, seconds, of=of)
