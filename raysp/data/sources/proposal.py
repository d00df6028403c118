"""What a file of anyone's holds, and how an experiment could read it: a first guess, each setting with its reason."""

from __future__ import annotations

from collections.abc import Mapping

from raysp.config.settings import Plain
from raysp.data.formats import count_file, file_kind, hdf5, matlab_values, pynapple_npz
from raysp.data.sources import proposal_arrays, proposal_matlab, proposal_nwb, proposal_tables
from raysp.data.sources.proposed import Proposal
from raysp.errors import BadInput
from raysp.io import files

READS = (
    "raysp reads spikes or counts from NWB, MATLAB (.mat), tables (CSV, Parquet, .npy of phy and ALF), HDF5 and NPZ; "
    "from R (.rds) write.csv(data, 'spikes.csv'); of Plexon, Blackrock, Neuralynx, Axon or Intan neuroconv makes "
    "NWB, or export the sorted spikes to a table with columns unit and time"
)
TABLES = (".csv", ".tsv", ".txt", ".parquet", ".npy")
MATLAB_7_3 = b"MATLAB 7.3 MAT-file"


def proposal(path: str) -> Proposal:
    """Return what a file holds and how it could be read.

    Raises:
        BadInput: there is no such file, or nobody here can read it; the sentence says what can be read.
    """
    if (problem := file_kind.no_file(path)) is not None:
        raise BadInput(f"{path} {problem}")
    with files.opened(path, parts=True) as file:
        head = file.read(count_file.HEAD_BYTES)
    if path.lower().endswith(TABLES):
        return proposal_tables.proposal(path)
    if head.startswith((matlab_values.OLD, MATLAB_7_3)):
        return proposal_matlab.proposal(path)
    if head.startswith(pynapple_npz.ZIP):
        return proposal_tables.proposal(path) if pynapple_npz.type_of(path) else _of_arrays(path)
    if (other := file_kind.other(path)) is not None:
        raise BadInput(f"{path} {other}; {READS}")
    with hdf5.opened(path) as group:
        if proposal_nwb.is_nwb(group):
            return proposal_nwb.proposal(group)
    return _of_arrays(path)


def _of_arrays(path: str) -> Proposal:
    with count_file.arrays(path) as file:
        return proposal_arrays.proposal({name: file.read for name in file.names}, path)


def changed(found: Proposal, source: str, settings: Mapping[str, Plain]) -> Proposal:
    """Return a proposal with what a person said of it: another source has none of the guessed settings."""
    own = dict.fromkeys(settings, "as given")
    if source and source != found.source:
        return Proposal(source, settings, own, found.contents)
    return Proposal(found.source, {**found.settings, **settings}, {**found.why, **own}, found.contents)
