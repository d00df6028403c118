"""Where the tables and series of an NWB file lie: by name or by path; of two with one name none is taken."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from raysp.data.formats.guarded import Dataset, Group, decoded
from raysp.errors import BadInput, unknown

SKIPPED = ("general", "specifications")
SERIES_ROOTS = ("processing/", "acquisition/")
MOST_NAMES = 12


def units(file: Group, path: str | None = None) -> tuple[Group, tuple[str, ...]]:
    """Return the table of units, and a note where it is not NWB's own place.

    Args:
        file: an open NWB file.
        path: of the table in the file; None looks for it.

    Raises:
        BadInput: there is none, or there are several.
    """
    if path is not None:
        return _at(file, path, "spike_times", "units"), ()
    tables = {where: node for where, node in _groups(file) if _has(node, "spike_times") or _named(where, "units")}
    found = _distinct({where: node for where, node in tables.items() if _named(where, "units")})
    found = found or _distinct(tables)
    if not found:
        raise _none(file, "units")
    where, table = _only(file, found, "tables of units", "units")
    return table, () if where == "units" else (f"units were read from {where}",)


def trials(file: Group, path: str | None = None, required: Collection[str] = ()) -> Group:
    """Return the table of trials; see `units`.

    Args:
        file: an open NWB file.
        path: of the table in the file; None looks for one called trials, or else for the only one with all columns
            that are required.
        required: names of columns.
    """
    if path is not None:
        return _at(file, path, "start_time", "trials")
    there = {where: node for where, node in _groups(file) if _named(where, "trials") or _has(node, "start_time")}
    found = _distinct({where: node for where, node in there.items() if _named(where, "trials") and _has(node, "id")})
    able = [node for node in tables(file).values() if required and all(_has(node, name) for name in required)]
    if len(able) == 1 and not any(all(_has(node, name) for name in required) for node in found.values()):
        return able[0]
    if found:
        return _only(file, found, "tables of trials", "trials")[1]
    broken = [where for where in there if _named(where, "trials")]
    others = [where for where, node in there.items() if _has(node, "id") and not _named(where, "invalid_times")]
    if broken:
        raise BadInput(f"{file.filename}: {broken[0]} expected a table with a column id, found none; write it anew")
    if not others:
        raise _none(file, "intervals/trials")
    lacking = [name for name in required if not any(_has(there[where], name) for where in others)]
    told = f"{file.filename}: expected a table 'intervals/trials', found {_few(others)}"
    if lacking:
        known = {name for where in others for name in there[where]}
        told += f", and in none {lacking[0]!r}; {unknown('trial column', lacking[0], known)}"
    most = max(others, key=lambda where: there[where].array("id").shape[0])
    raise BadInput(f"{told}; say which holds the trials: trials={most}")


def tables(file: Group) -> dict[str, Group]:
    """Return the tables of intervals by their paths: those that have ids and begins, whatever they are called."""
    return _distinct({where: node for where, node in _groups(file) if _has(node, "id") and _has(node, "start_time")})


def series_names(file: Group) -> list[str]:
    """Return the names by which time series are found, behaviour first."""
    found = [where for where, node in _groups(file) if _has(node, "data") and where.startswith(SERIES_ROOTS)]
    return [where.rpartition("/")[2] for where in sorted(found, key=lambda where: "behavior" not in where)]


def series(file: Group, name: str) -> Group:
    """Return a time series by its path, its name, or its container's name, "_" and its own.

    Raises:
        BadInput: there is none, or there are several of that name.
    """
    known = {where: node for where, node in _groups(file) if _has(node, "data")}
    wanted = name.strip("/")
    if wanted in known:
        return known[wanted]
    near = {where: node for where, node in known.items() if where.startswith(SERIES_ROOTS)}
    found = _distinct({where: node for where, node in near.items() if wanted in _names(where)})
    if not found:
        names = {one for where in near for one in _names(where)[:2]}
        raise BadInput(f"{file.filename}: {unknown('time series', name, names)}")
    return _only(file, found, f"time series called {name!r}", "behavior")[1]


def _none(file: Group, path: str) -> BadInput:
    """Return that a table is not there; raise why it cannot be opened, where that is why it was not found."""
    if _has(file, path):
        file[path]
    return BadInput(f"{file.filename}: expected an NWB file with a table {path!r}, found none; {_contents(file)}")


def _names(where: str) -> list[str]:
    parts = where.split("/")
    return [parts[-1], "_".join(parts[-2:]), *("/".join(parts[start:]) for start in range(1, len(parts) - 1))]


def _groups(file: Group) -> Iterator[tuple[str, Group]]:
    return ((where, node) for where, node in file.walk(SKIPPED) if isinstance(node, Group))


def _named(where: str, *names: str) -> bool:
    return where.rpartition("/")[2] in names


def _has(group: Group, name: str) -> bool:
    try:
        return name in group
    except BadInput:
        return False


def _distinct(found: dict[str, Group]) -> dict[str, Group]:
    # A link beside what it leads to is one table, not two.
    by_token = {node.token: (where, node) for where, node in reversed(found.items())}
    return dict(sorted(by_token.values(), key=lambda one: list(found).index(one[0])))


def _only(file: Group, found: dict[str, Group], what: str, setting: str) -> tuple[str, Group]:
    if len(found) > 1:
        told = f"{file.filename}: {len(found)} {what}: {_few(found)}"
        raise BadInput(f"{told}; say which: {setting}={next(reversed(found))}")
    return next(iter(found.items()))


def _at(file: Group, path: str, column: str, setting: str) -> Group:
    path = path.strip("/")
    for where in (path, f"intervals/{path}"):
        if _has(file, where) and isinstance(found := file[where], Group):
            if _has(found, "id") and _has(found, column):
                return found
            raise found.refuse(f"expected a table with columns id and {column}, found {_few(found)}")
    known = [where for where, node in _groups(file) if _has(node, column)]
    raise BadInput(f"{file.filename}: {setting}, {unknown('table', path, known)}")


def _contents(file: Group) -> str:
    if version := _first_version(file):
        return f"it is of {version}, which is laid out otherwise: convert it to NWB 2, or take the archive's newer file"
    found = [where for where, node in file.walk(SKIPPED) if isinstance(node, Dataset)]
    if not found:
        return "it holds no arrays at all"
    if "nwb_version" in file.attrs:
        return "take the file of this session that has sorted units and trials"
    return f"it is no NWB 2 file but holds the arrays {_few(found)}; for an array of counts give counts=NAME"


def _first_version(file: Group) -> str:
    try:
        said = decoded(file.array("nwb_version")[()]) if "nwb_version" in file else ""
        said = said or decoded(file.attrs.get("nwb_version", ""))
    except BadInput:
        return ""
    bare = said.upper().removeprefix("NWB-").removeprefix("NWB")
    return f"NWB 1 ({said})" if bare.lstrip(" -_").startswith(("1", "0")) else ""


def _few(names: Iterable[str]) -> str:
    names = list(names)
    return (", ".join(names[:MOST_NAMES]) or "nothing") + (", ..." if len(names) > MOST_NAMES else "")
