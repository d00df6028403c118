"""What a run ends with: the scores, where everything lies, and what a person may type next."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from raysp.driver import score_table
from raysp.io import files
from raysp.io.terminal import terminal
from raysp.runs.folder import RunFolder
from raysp.runs.roles import roles
from raysp.runs.test_looks import test_looks, test_scores_path


def show(run: RunFolder, root: str, sent: Sequence[str], say: Callable[[str], None], *, test: bool = False) -> None:
    """Say what came out of a run's finished trials.

    Args:
        run: the run folder, with scores and report.
        root: the data root.
        sent: paths of submissions, maybe with what is in them, or why there is none.
        say: prints one line for a person.
        test: scores of the test phase were asked for, too.

    Raises:
        BadInput: the table of metrics is damaged.
    """
    phase = None if test else "val"
    if files.exists(run.metrics):
        for remark in score_table.remarks_of(run, phase, root):
            say(f"  note: {remark}")
        for line in score_table.lines(run, phase, root, terminal(), whole=False):
            say(line)
    say("")
    say_path("predictions", run.predictions, say)
    for one in sent:
        say_path("submission", one, say)
    if files.exists(run.metrics):
        say_path("metrics", run.metrics, say)
    say_path("report", files.join(run.report, "report.html"), say)
    if test:
        say(f"look {test_looks(run)} at the test answers, counted in {test_scores_path(run)}")
    say_next(_commands(run, test=test), say)


def say_path(what: str, path: str, say: Callable[[str], None]) -> None:
    """Say where something lies, alike in every command."""
    say(f"  {what:12} {path}")


def say_next(commands: Mapping[str, str], say: Callable[[str], None]) -> None:
    """Say what a person may type next.

    Args:
        commands: command -> what it does.
        say: prints one line for a person.
    """
    wide = max(map(len, commands), default=0)
    for at, (command, does) in enumerate(commands.items()):
        say(f"{'next:' if at == 0 else '     '} {command:{wide}}  # {does}")


def _commands(run: RunFolder, *, test: bool) -> dict[str, str]:
    shown = {
        f"raysp ui {run.typed}": "every trial's settings and curves, in MLflow",
        f"raysp compare {run.typed} OTHER": "its scores beside another run's, and what differs",
    }
    if not test and any(role.phase == "test" for role in roles(run).values()):
        return shown | {f"raysp evaluate {run.typed} --phase test": "against the test answers; looks are counted"}
    return shown | {f"raysp status {run.typed} --all": "every trial, every metric of every split"}
