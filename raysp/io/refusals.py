"""Refusals gathered: one thing that is refused does not keep the next from its turn."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from raysp.errors import BadInput, NotReady
from raysp.io import system_errors


class Refused(BadInput):
    """Several things were refused, each with a sentence of its own; `each` has their errors by name."""

    def __init__(self, each: Mapping[str, BadInput | NotReady]) -> None:
        self.each = dict(each)
        lines = "".join(f"\n  {name}: {error}" for name, error in self.each.items())
        super().__init__(f"{len(self.each)} were refused:{lines}")

    def __reduce__(self) -> tuple[type[Refused], tuple[dict[str, BadInput | NotReady]]]:
        return Refused, (self.each,)


def attempt(make: Callable[..., object], *args: object, **options: object) -> BadInput | NotReady | None:
    """Call a function and return its refusal, None where there was none: so that the next can have its turn.

    What the system refuses (a file that may not be read, memory that is not there) counts as one, but for a full disk,
    which would stop the next as well.
    """
    try:
        make(*args, **options)
    except (BadInput, NotReady) as error:
        return error
    except (OSError, MemoryError) as error:
        if system_errors.is_disk_full(error):
            raise
        return BadInput(system_errors.sentence(error) or system_errors.named(error))
    return None


def raise_together(refusals: Iterable[tuple[str, BadInput | NotReady | None]]) -> None:
    """Raise what was refused, if anything was: one error as it is, several as one that lists them.

    Args:
        refusals: (name, its refusal or None) of each thing that was attempted.

    Raises:
        BadInput, NotReady: see above.
    """
    each: dict[str, BadInput | NotReady] = {}
    for name, error in refusals:
        if error is not None:
            each |= error.each if isinstance(error, Refused) else {name: error}
    if len(each) == 1:
        raise next(iter(each.values()))
    if each:
        raise Refused(each)
