"""What every page shares: images inside it while it stays light, and templates that escape all they show."""

from __future__ import annotations

import base64
from typing import Any

from raysp.evaluation.score import number
from raysp.io import files
from raysp.report import provenance
from raysp.report.style import Picture
from raysp.runs.folder import RunFolder

EMBEDDED_BYTES = 10_500_000
"""Of images inside the page (a third more as base64); those beyond lie beside it."""


class Pages:
    """Turns pictures into images of the page: inside it while it stays light, beside it afterwards."""

    def __init__(self, run: RunFolder) -> None:
        self._run, self._embedded, self._written = run, 0, set()

    def image(self, picture: Picture) -> dict[str, str]:
        """Write a picture's PNG and return what the page shows of it."""
        write_picture(self._run, picture)
        self._written.add(f"{picture.name}.png")
        self._embedded += len(picture.png)
        source = f"{picture.name}.png"
        if self._embedded <= EMBEDDED_BYTES:
            source = f"data:image/png;base64,{base64.b64encode(picture.png).decode()}"
        return {"title": picture.title, "caption": picture.caption, "source": source}

    def sweep(self) -> None:
        """Remove the PNGs of earlier reports that this one does not have."""
        for name in files.listing(self._run.report):
            if name.endswith(".png") and not name.startswith(".") and name not in self._written:
                files.remove(files.join(self._run.report, name))


def write_picture(run: RunFolder, picture: Picture) -> str:
    """Write a figure into the run's report folder, whole or not at all; return its path."""
    path = files.join(run.report, f"{picture.name}.png")
    with files.replacing(path) as temporary, open(temporary, "wb") as file:
        file.write(picture.png)
    return path


def template(name: str) -> Any:
    """Return a page's template: everything it shows is escaped, everything it misses is an error."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("raysp", "report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number, "short": provenance.short, "thousands": lambda value: f"{value:,}"}
    return environment.get_template(name)
