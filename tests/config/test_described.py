"""What a person can set is said with its meaning, for every model and every source."""

import dataclasses

import pytest

from raysp.config import ranges
from raysp.config.described import described
from raysp.config.settings import Settings
from raysp.data.sources import catalog as sources
from raysp.models import catalog as models


@dataclasses.dataclass(frozen=True)
class Base(Settings):
    """What several have.

    Attributes:
        width: of a bin,
            ms.

    Raises:
        BadInput: it is 0.
    """

    width: ranges.Positive


@dataclasses.dataclass(frozen=True)
class Derived(Base):
    """And one more.

    Attributes:
        back, ahead: bins; a colon: is no end of it.
    """

    back: int = 1
    ahead: tuple[int, ...] = (2, 3)


def test_fields_come_with_defaults_limits_and_texts_of_all_they_derive_from():
    found = {one.name: one for one in described(Derived)}
    assert list(found) == ["width", "back", "ahead"]
    assert (found["width"].default, found["width"].limits, found["width"].text) == ("", "a number > 0", "of a bin, ms.")
    assert {found[name].text for name in ("back", "ahead")} == {"bins; a colon: is no end of it."}
    assert found["ahead"].default == "[2, 3]"


@pytest.mark.parametrize(
    "kind",
    [
        *(pytest.param(models.module(name).Config, id=f"model {name}") for name in models.names()),
        *(pytest.param(sources.source(name).Config, id=f"source {name}") for name in sources.names()),
    ],
)
def test_every_setting_is_explained(kind):
    assert [one.name for one in described(kind) if not one.text] == []
