"""What every page shares: its frame, images inside it while it stays light, templates that escape all they show."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterable, Sequence

import raysp
from raysp.io import files
from raysp.report.failures import Failure
from raysp.report.style import Picture
from raysp.report.templates import environment
from raysp.runs.folder import RunFolder
from raysp.runs.jobs import Jobs, in_turn
from raysp.runs.records import Record

EMBEDDED_BYTES = 1_900_000
"""Of images inside the page (a third more as base64); those beyond lie beside it."""

PAGE = "report.html"


class Pages:
    """Writes a run's page: its images inside it while it stays light, beside it afterwards.

    Args:
        run: the run folder.
        jobs: draws figures of many splits side by side; see `raysp.runs.jobs`.
    """

    def __init__(self, run: RunFolder, jobs: Jobs = in_turn) -> None:
        self.jobs = jobs
        self._run, self._embedded = run, 0
        self._written: set[str] = set()

    def image(self, picture: Picture, *, inside: bool = True) -> dict[str, str]:
        """Write a picture's PNG, whole or not at all, and return what the page shows of it.

        Args:
            picture: the figure.
            inside: it may lie inside the page; one that few look at need not.
        """
        name = f"{picture.name}.png"
        with files.replacing(files.join(self._run.report, name)) as temporary, open(temporary, "wb") as file:
            file.write(picture.png)
        self._written.add(name)
        self._embedded += len(picture.png) if inside else 0
        light = inside and self._embedded <= EMBEDDED_BYTES
        source = f"data:image/png;base64,{base64.b64encode(picture.png).decode()}" if light else name
        return {"title": picture.title, "caption": picture.caption, "source": source}

    def write(self, template: str, **context: object) -> str:
        """Write the page, remove the PNGs of earlier ones that it does not have, and return its path."""
        path = files.join(self._run.report, PAGE)
        files.write_text(path, render(template, **context))
        for name in files.listing(self._run.report):
            if name.endswith(".png") and not name.startswith(".") and name not in self._written:
                files.remove(files.join(self._run.report, name))
        return path


def frame(
    run: RunFolder, record: Record, *, standin: Iterable[bool], failures: Sequence[Failure], what: str
) -> dict[str, object]:
    """Return what `base.html` shows of a run, besides `facts`, `links` and `problems`.

    Args:
        run: its folder.
        record: what experiment.yaml says.
        standin: of each of its splits, whether the data were generated.
        failures: how trials failed.
        what: the page is: "report" or "sweep".
    """
    submissions, flags = list(record.get("submissions", ())), list(standin)
    return {
        "run": run,
        "what": what,
        "made": time.strftime("%Y-%m-%d %H:%M"),
        "version": raysp.__version__,
        "submissions": submissions,
        "last": submissions[-1] if submissions else {},
        "standin": "all" if all(flags) else "some" if any(flags) else "",
        "failures": failures,
    }


def render(template: str, **context: object) -> str:
    """Fill in a template: everything it shows is escaped, everything it misses is an error.

    Args:
        template: its place in the package.
        context: what it shows.
    """
    return environment(escaped=True).get_template(template).render(**context)
