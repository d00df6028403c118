"""What a file of anyone's holds, and how an experiment could read it: a first guess, each setting with its reason."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from raysp.config.settings import Plain
from raysp.data.formats import (
    count_file,
    file_kind,
    folder_lists,
    hdf5,
    json_arrays,
    matlab_folder,
    matlab_values,
    npz,
    pynapple_npz,
    table_file,
)
from raysp.data.sources import (
    catalog,
    proposal_arrays,
    proposal_folder,
    proposal_matlab,
    proposal_nwb,
    proposal_sorted,
    proposal_tables,
    proposal_vectors,
    res_clu,
)
from raysp.data.sources.proposed import AFTER_MS, BEFORE_MS, ROUNDING_MS, Proposal
from raysp.errors import BadInput
from raysp.io import files

READS = (
    "raysp reads spikes or counts from NWB, MATLAB (.mat), tables (CSV, Parquet, .npy of phy and ALF), HDF5, NPZ and "
    "JSON; from R (.rds) write.csv(data, 'spikes.csv'); of Plexon, Blackrock, Neuralynx, Axon or Intan neuroconv makes "
    "NWB, or export the sorted spikes to a table with columns unit and time"
)
TEXTS = (".csv", ".tsv", ".txt")
TABLES = ("spike_tables", "res_clu")
"""Sources whose trials are a table of their own."""
ANYONES = ("population", "spike_tables", "matlab_spikes")
"""Sources of recordings of anyone's."""
EITHER = (("decode", "behavior"), ("behavior", "decode"))
"""Settings of which a given one takes the place of a guessed other one."""
MATLAB_7_3 = b"MATLAB 7.3 MAT-file"


def proposal(path: str) -> Proposal:
    """Return what a file holds and how it could be read.

    Raises:
        BadInput: there is no such file, or nobody here can read it; the sentence says what can be read.
    """
    if folder_lists.paths(path):
        return proposal_folder.proposal(path)
    if matlab_folder.paths(path):
        return proposal_matlab.proposal(path)
    if (problem := file_kind.no_file(path)) is not None:
        raise BadInput(f"{path} {problem}")
    with files.opened(path, parts=True) as file:
        head = file.read(count_file.HEAD_BYTES)
    if head.startswith((matlab_values.OLD, MATLAB_7_3)):
        return proposal_matlab.proposal(path)
    if head.startswith(pynapple_npz.ZIP):
        return _of_zip(path)
    if head.startswith(npz.NUMPY):
        if (names := npz.npy_file(path).dtype.names) is not None:
            then = "np.savez('spikes.npz', **{name: x[name] for name in x.dtype.names})"
            raise BadInput(f"{path} holds records of {', '.join(names[:8])}; save a vector of each: {then}")
        return proposal_sorted.proposal(path) if table_file.is_vector(path) else _of_arrays(path)
    if res_clu.is_pair(path):
        return proposal_sorted.of_pairs(path)
    if (other := file_kind.other(path)) is not None and file_kind.SPIKE2_TEXT in other:
        raise BadInput(f"{path} {other}")
    if head.startswith((table_file.PARQUET, table_file.ARROW)) or path.lower().endswith(TEXTS):
        return proposal_tables.proposal(path)
    if other is not None:
        if file_kind.is_text(other):
            return proposal_tables.proposal(path)
        if json_arrays.is_json(path):
            return _of_json(path)
        raise BadInput(f"{path} {other}; {READS}")
    with hdf5.opened(path, parts=files.is_web(path)) as group:
        if proposal_nwb.is_nwb(group):
            return proposal_nwb.proposal(group)
    return _of_arrays(path)


def _of_json(path: str) -> Proposal:
    table = json_arrays.columns(path)
    if len(table) > 1 and len({one.shape for one in table.values()}) == 1:
        found = proposal_tables.proposal(path)
        if found.source:
            return found
    found = _of_arrays(path)
    return found if found.source else dataclasses.replace(found, contents=(*found.contents, file_kind.JSON))


def _of_zip(path: str) -> Proposal:
    kind = pynapple_npz.type_of(path)
    return _of_arrays(path) if kind in ("", *pynapple_npz.ARRAYS) else proposal_tables.proposal(path)


def _of_arrays(path: str) -> Proposal:
    with count_file.arrays(path) as file:
        found = proposal_arrays.proposal({name: file.look for name in file.names}, path)
    return found if found.source else proposal_vectors.proposal(path, found.contents) or found


def having(given: Mapping[str, Plain]) -> list[str]:
    """Return the sources of anyone's recordings that have settings that a person gives; none where none is given."""
    known = {name: {one.name for one in dataclasses.fields(catalog.source(name).Config)} for name in ANYONES}
    return [name for name, settings in known.items() if given and settings.issuperset(given)]


def changed(found: Proposal, source: str, settings: Mapping[str, Plain]) -> Proposal:
    """Return a proposal with what a person said of it: another source has none of the guessed settings.

    A window that was guessed lies around the time that is given, and ends with a whole bin of the width that is given.
    """
    own = dict.fromkeys(settings, "as given")
    if source and source != found.source:
        return Proposal(source, settings, own, found.contents)
    trials = settings.get("trials")
    if found.source in TABLES and isinstance(trials, str) and trials != found.settings.get("trials"):
        found = proposal_tables.with_trials(found, trials, settings)
    guessed, why = {**found.settings}, {**found.why}
    for one, other in EITHER:
        if one in settings and other not in settings:
            guessed = {name: value for name, value in guessed.items() if not name.startswith(other)}
    if "counts" in guessed and (finer := _finer(found, settings)) is not None:
        guessed["counts_bin_ms"], why["counts_bin_ms"] = finer, f"{why['bin_ms']}: added up to bin_ms"
    if "window_ms" not in settings and "window_ms" in guessed:
        align = settings.get("align", guessed.get("align"))
        if align != guessed.get("align"):
            guessed["window_ms"] = list(found.windows.get(str(align), (-BEFORE_MS, AFTER_MS)))
            held = "ms around that time, which nine of ten trials hold"
            why["window_ms"] = held if align in found.windows else f"NOT KNOWN: {align} tells not where it is in trials"
        guessed["window_ms"] = _of_whole_bins(guessed["window_ms"], settings.get("bin_ms"))
    return Proposal(found.source, {**guessed, **settings}, {**why, **own}, found.contents, found.windows)


def _finer(found: Proposal, settings: Mapping[str, Plain]) -> float | None:
    """Return the width of a file's bins, ms, which it says itself, where a multiple of it is given; else None."""
    own, given = found.settings.get("bin_ms"), settings.get("bin_ms")
    told = "NOT KNOWN" not in found.why.get("bin_ms", "NOT KNOWN")
    if not told or "counts_bin_ms" in {**found.settings, **settings}:
        return None
    if not isinstance(own, int | float) or not isinstance(given, int | float) or own <= 0 or given <= own:
        return None
    return float(own) if abs(given / own - round(given / own)) < ROUNDING_MS else None


def _of_whole_bins(window: Plain, width: Plain) -> Plain:
    if not isinstance(window, list) or not isinstance(width, int | float) or not 0 < width <= window[1] - window[0]:
        return window
    begin, end = window
    bins = int((end - begin + ROUNDING_MS) // width)
    return [begin, round(begin + bins * width, 4)]
