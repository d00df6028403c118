"""The package's templates, and the words of figures among them."""

from __future__ import annotations

import base64
import functools
import hashlib
import pathlib
from typing import TYPE_CHECKING, NamedTuple

from raysp.io.words import counted, number, setting

if TYPE_CHECKING:
    from jinja2 import Environment


class Script(NamedTuple):
    """What a page runs.

    Attributes:
        text: of it.
        digest: of the text, as a page's policy names what may run.
    """

    text: str
    digest: str


@functools.cache
def environment(*, escaped: bool) -> Environment:
    """Return where templates come from: what they miss is an error, what they show is escaped for HTML if wanted."""
    import jinja2

    found = jinja2.Environment(
        loader=jinja2.PackageLoader("raysp", ""),
        autoescape=escaped,
        undefined=jinja2.StrictUndefined,
        trim_blocks=escaped,
        lstrip_blocks=escaped,
    )
    found.globals["script"] = script()
    spelled = {"number": number, "setting": setting, "counted": counted}
    found.filters |= {**spelled, "short": short, "thousands": lambda value: f"{value:,}"}
    return found


@functools.cache
def script() -> Script:
    """Return the script of every page: nothing else that a page may show is ever run."""
    text = pathlib.Path(__file__).with_name("page.js").read_text(encoding="utf-8")
    return Script(text, "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode())


def caption(module: str, figure: str, /, **facts: object) -> tuple[str, str]:
    """Return a figure's title and what stands below it, from the macro of its name in captions.html.

    Args:
        module: `__name__` of one that lies beside captions.html.
        figure: its name.
        facts: what the macro takes.
    """
    place = "/".join([*module.split(".")[1:-1], "captions.html"])
    text = getattr(environment(escaped=False).get_template(place).module, figure)(**facts)
    title, _, rest = text.strip().partition("\n")
    return title, " ".join(rest.split())


def short(digest: str | None) -> str:
    """Spell a hash by its first twelve digits."""
    return digest[:12] if digest else "unknown"
