"""The package's templates, and the words of figures among them."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from raysp.io.words import counted, number, setting

if TYPE_CHECKING:
    from jinja2 import Environment


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
    spelled = {"number": number, "setting": setting, "counted": counted}
    found.filters |= {**spelled, "short": short, "thousands": lambda value: f"{value:,}"}
    return found


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
