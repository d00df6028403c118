"""A run's own tracking store, SQLite: an index of the run folder, set aside and written anew where it is spoilt."""

from __future__ import annotations

import contextlib
import math
import os
import pathlib
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator

from sqlalchemy import URL, make_url

from raysp.io import files
from raysp.runs.folder import RunFolder

POINTS = "SELECT key, step, value, is_nan FROM metrics WHERE run_uuid = ?"
MOVED = "UPDATE experiments SET artifact_location = ? WHERE experiment_id = ?"
MOVED_RUNS = "UPDATE runs SET artifact_uri = ? || substr(artifact_uri, ?) WHERE experiment_id = ?"
TEXTS = {"experiments", "experiment_tags", "runs", "tags", "params"}
"""Tables that are read whole whenever a run is written or looked at."""
NEEDED = TEXTS | {"metrics", "latest_metrics"}
"""Tables without which MLflow writes nothing."""
ARTIFACTS = "artifacts"
BEGAN = "UPDATE runs SET start_time = ? WHERE run_uuid = ?"
PLAIN = "sqlite:///"
BESIDE = ("-wal", "-shm", "-journal")
LEAST_BYTES = 1 << 20
"""Free on a disk on which MLflow can still write: its store begins with half of that."""


def default_uri(run: RunFolder) -> str:
    """Return the address of the run's own store: SQLite in the run folder, or on this machine for a run elsewhere.

    Where this user may not write to the run folder, it lies in the user's cache.
    """
    return uri_of(os.path.join(place(run), os.path.basename(run.mlflow)))


def uri_of(path: str) -> str:
    """Return the address of a store in a file; signs that addresses use are quoted.

    Args:
        path: in full.
    """
    return URL.create("sqlite", database=path).render_as_string()


def full(uri: str) -> str | None:
    """Return that the disk of a store in a file is full, a sentence; None where it is not, or for a server's.

    MLflow answers a second try with what the first one left, which says nothing of the disk.

    Args:
        uri: the store's address.
    """
    path = path_of(uri)
    folder = None if path is None else os.path.dirname(path)
    if folder is None or not os.path.isdir(folder) or shutil.disk_usage(folder).free >= LEAST_BYTES:
        return None
    return f"no space left on the disk of {folder}"


@contextlib.contextmanager
def without_litter(uri: str) -> Iterator[None]:
    """Take away the empty folders that MLflow makes, within the block, by the letters of an address with quoted signs.

    Args:
        uri: the store's address.
    """
    folder = os.path.dirname(uri.removeprefix(PLAIN))
    litters = path_of(uri) not in (None, uri.removeprefix(PLAIN)) and not os.path.exists(folder)
    try:
        yield
    finally:
        if litters:
            with contextlib.suppress(OSError):
                os.removedirs(folder)


def path_of(uri: str) -> str | None:
    """Return the file of a store's address; None for a server's."""
    return make_url(uri).database if uri.startswith(PLAIN) else None


def place(run: RunFolder) -> str:
    """Return the folder of the run's own store, and make it."""
    folder = run.own
    if os.path.isdir(folder) and not os.access(folder, os.W_OK | os.X_OK):
        folder = _cache(run)
    files.make_folder(folder)
    return files.absolute(folder)


def _cache(run: RunFolder) -> str:
    try:
        files.make_folder(run.cache)
    except OSError:
        # Some users have no home.
        return tempfile.mkdtemp(prefix="raysp-ui-")
    return run.cache


def set_aside(path: str) -> str | None:
    """Rename a store that MLflow cannot use; return what was done, None where nothing had to be.

    One that MLflow began and wrote nothing to, as on a full disk, goes.

    Args:
        path: the store's file.

    Raises:
        OSError: it cannot be renamed.
    """
    reason = spoilt(path)
    if reason is None:
        return None
    if _is_begun(path):
        for ending in ("", *BESIDE):
            files.remove(path + ending)
        return None
    number = next(n for n in range(1, 10**6) if not os.path.lexists(f"{path}.{n}"))
    kept = f"{path}.{number}"
    os.replace(path, kept)
    for ending in BESIDE:
        with contextlib.suppress(FileNotFoundError):
            os.replace(path + ending, kept + ending)
    return f"{path} {reason}; it is kept as {os.path.basename(kept)}, and the store is written anew"


def spoilt(path: str) -> str | None:
    """Return why MLflow cannot use what lies at a path; None where it can, or where nothing is."""
    if os.path.isdir(path):
        return "is a folder"
    if not os.path.lexists(path):
        return None
    if not os.path.exists(path):
        return "is a link that leads nowhere"
    if not os.access(path, os.R_OK | os.W_OK):
        return "cannot be written to"
    if os.path.getsize(path) == 0:
        return None
    if os.path.exists(f"{path}-journal"):
        # Of a writer that was killed; who only reads cannot take back what it had begun.
        with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(path, timeout=5)) as database:
            database.execute("SELECT count(*) FROM sqlite_master").fetchone()
    try:
        return _of_another_kind(path)
    except sqlite3.Error as error:
        # Somebody is writing to it, so it can be used.
        found = "is damaged" if "decode" in str(error) else "is no database"
        return None if "locked" in str(error) else f"{found} ({error})"


def _is_begun(path: str) -> bool:
    """Tell whether MLflow made a store's tables, or some of them, and none of its runs."""
    if not os.path.isfile(path) or not os.access(path, os.R_OK | os.W_OK):
        return False
    with contextlib.suppress(sqlite3.Error), _reading(path) as database:
        tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        whole = database.execute("PRAGMA integrity_check(1)").fetchone() == ("ok",)
        # Its first tables are made before it writes down their version.
        own = {"experiments", "runs"} <= tables and ("alembic_version" in tables or tables <= NEEDED)
        return own and whole and database.execute("SELECT count(*) FROM runs").fetchone() == (0,)
    return False


def move_artifacts(path: str) -> None:
    """Say that a store's artifacts lie beside it, where its folder was moved or copied.

    Args:
        path: the store's file.
    """
    if not os.path.exists(path) or os.path.getsize(path) == 0:
        return
    here = artifacts(path)
    with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(path, timeout=5)) as database, database:
        places = dict(database.execute("SELECT experiment_id, artifact_location FROM experiments").fetchall())
        for experiment, place in places.items():
            if place and place != here and place.startswith("file:") and place.endswith("/" + ARTIFACTS):
                database.execute(MOVED, (here, experiment))
                database.execute(MOVED_RUNS, (here, len(place) + 1, experiment))


def begin(uri: str, run_id: str, began: int) -> None:
    """Say when one of MLflow's runs began, which nobody else can say of one that is there; of a store in a file.

    Args:
        uri: the store's address.
        run_id: MLflow's.
        began: ms since 1970.
    """
    path = path_of(uri)
    if path is not None:
        with contextlib.closing(sqlite3.connect(path, timeout=60)) as database, database:
            database.execute(BEGAN, (began, run_id))


def artifacts(path: str) -> str:
    """Return where the artifacts of a store in a file lie, as an address.

    Quoted, as in any address: in a folder's name "#" and "%20" are themselves.
    """
    return pathlib.Path(path).parent.joinpath(ARTIFACTS).as_uri()


def history(uri: str, run_id: str) -> list[tuple[str, int, float]] | None:
    """Return all points of one of MLflow's runs, each as (name, step, value); None where the store is no file."""
    path = path_of(uri)
    if path is None:
        return None
    try:
        with _reading(path) as database:
            rows = database.execute(POINTS, (run_id,)).fetchall()
    except sqlite3.Error:
        return None
    return [(name, step, math.nan if is_nan else value) for name, step, value, is_nan in rows]


def _of_another_kind(path: str) -> str | None:
    with _reading(path) as database:
        # Unlike quick_check it compares indices with their tables: where they differ, MLflow writes the same again.
        (found,) = database.execute("PRAGMA integrity_check(1)").fetchone()
        if found != "ok":
            return f"is damaged ({found.splitlines()[0]})"
        tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if not tables:
            return None
        if "alembic_version" not in tables:
            return "is the database of something else"
        for table in TEXTS & tables:
            # Letters that are none raise here what MLflow would not tell of.
            for _ in database.execute(f"SELECT * FROM {table}"):
                pass
        row = database.execute("SELECT version_num FROM alembic_version").fetchone()
        version = None if row is None else row[0]
        columns = {table: {row[1] for row in database.execute(f"PRAGMA table_info({table})")} for table in NEEDED}
    if version != (head := _head()) and head is not None:
        return f"is unfinished, or of another version of MLflow ({version})"
    lost = sorted(NEEDED - tables) or sorted(table for table, known in _columns().items() if known - columns[table])
    return f"is damaged (its table {lost[0]} is not there, or not whole)" if lost else None


def _columns() -> dict[str, set[str]]:
    """Return the columns that this MLflow reads of the tables that it needs, where it says them."""
    try:
        from mlflow.store.tracking.dbmodels.models import SqlRun
    except ImportError:
        return {}
    return {name: set(table.columns.keys()) for name, table in SqlRun.metadata.tables.items() if name in NEEDED}


def _head() -> str | None:
    """Return the version of the tables that this MLflow writes; None where it does not say."""
    import mlflow
    from alembic.script import ScriptDirectory

    scripts = pathlib.Path(mlflow.__file__).parent / "store" / "db_migrations"
    return ScriptDirectory(str(scripts)).get_current_head() if (scripts / "versions").is_dir() else None


@contextlib.contextmanager
def _reading(path: str) -> Iterator[sqlite3.Connection]:
    database = sqlite3.connect(f"{pathlib.Path(path).absolute().as_uri()}?mode=ro", uri=True, timeout=0)
    try:
        yield database
    finally:
        database.close()
