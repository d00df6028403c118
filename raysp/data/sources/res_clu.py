"""Spikes in the text files of Neurosuite and CRCNS: `NAME.res.1` with a sample a line, `NAME.clu.1` with its cluster.

A pair of files for each shank; all shanks of the recording are read. The first line of a .clu file says how many
clusters there are. Clusters 0 (artefacts) and 1 (what is in no cluster) are no units. A unit is numbered
1000 * shank + cluster; of several shanks, clusters from 1000 on are refused. The samples of a second stand in
`NAME.xml`.
"""

from __future__ import annotations

import dataclasses
import os
import re
from dataclasses import dataclass

import numpy as np

from raysp.config.ranges import Positive
from raysp.data.formats import table_file
from raysp.data.sources import spike_tables, spike_tables_config
from raysp.data.splits.population import Answers, PopulationSplit
from raysp.errors import BadInput
from raysp.io import files
from raysp.io.words import WARNING

VERSION = "res_clu-2"
PAIR = re.compile(r"(?P<base>.+)\.(?:res|clu)\.(?P<shank>\d+)")
SHANK = 1000
FIRST_UNIT = 2
"""Clusters below are artefacts and noise."""
Table = dict[str, np.ndarray]


@dataclass(frozen=True)
class Config(spike_tables_config.Config):
    """Which recording is read, by the path of one of its files; the rest is as of source spike_tables.

    Attributes:
        per_second: samples in a second; of NAME.xml where it is 1, as by default.
        noise: clusters 0 and 1 are units, too.
    """

    per_second: Positive = 1.0
    noise: bool = False


def inputs(config: Config) -> list[str]:
    """Return all files that are read. Raises BadInput where a shank lacks one of its two files."""
    base, shanks = _shanks(config.path)
    pairs = [f"{base}.{kind}.{shank}" for shank in shanks for kind in ("res", "clu")]
    xml = [f"{base}.xml"] if files.exists(f"{base}.xml") else []
    return [*pairs, *xml, *spike_tables_config.listed_in(config)]


def build(config: Config, name: str) -> tuple[PopulationSplit, Answers]:
    """Make a split of a recording, and its answers.

    Raises:
        BadInput: a file is missing or damaged, or nothing says how many samples a second has.
    """
    said = sampling_rate(config.path)
    per_second = config.per_second if config.per_second != 1.0 else said
    if per_second is None:
        raise BadInput(f"{config.path}: nothing says how many samples a second has; give per_second, such as 20000")

    def read(path: str, *, lists: bool = False, only: table_file.Only | None = None) -> Table:
        return spikes(path, noise=config.noise) if path == config.path else table_file.read(path)

    found, answers = spike_tables.build_read(config, name, read, inputs(config), VERSION, per_second)
    notes = (*found.provenance.notes, *cut_off(config.path), *_clock(config.path, per_second, said))
    return dataclasses.replace(found, provenance=dataclasses.replace(found.provenance, notes=notes)), answers


def _clock(path: str, per_second: float, said: float | None) -> tuple[str, ...]:
    """Return the note on samples in a second that the recording's .xml does not say, or the warning on others there."""
    xml = f"{os.path.basename(_shanks(path)[0])}.xml"
    if said is None:
        return (f"no {xml} says how many samples a second has: {per_second:g} are taken, as per_second says",)
    told = f"{WARNING}{xml} says {said:g} samples a second, and {per_second:g} are taken, as per_second says"
    return (told,) if said != per_second else ()


def cut_off(path: str) -> tuple[str, ...]:
    """Return warnings that files look as half a copy does, by the path of one of them.

    Raises:
        BadInput: a .res file ends, without an end of line, with a sample before the one above it.
    """
    base, shanks = _shanks(path)
    notes = []
    for shank in shanks:
        names = [f"{base}.{kind}.{shank}" for kind in ("res", "clu")]
        samples, clusters = map(_numbers, names)
        open_ = [name for name in names if not files.read_bytes(name).endswith((b"\n", b"\r"))]
        if names[0] in open_ and len(samples) > 1 and samples[-1] < samples[-2]:
            told = f"{names[0]} ends within its last line, {samples[-1]} after {samples[-2]}"
            raise BadInput(f"{told}; is it cut off? Copy it again: spikes behind it are lost, too")
        if len(open_) == 1:
            notes.append(f"{WARNING}{open_[0]} has no end of line at its end, as the other file of its pair has")
        if len(clusters) > 1 and len(known := np.unique(clusters[1:])) < clusters[0]:
            notes.append(
                f"{WARNING}{names[1]} says {clusters[0]} clusters in its first line, and has {len(known)}: is it cut "
                "off, or were some merged by hand?"
            )
    return tuple(notes)


def spikes(path: str, *, noise: bool = False) -> Table:
    """Return the spikes of all shanks of a recording, by the path of one of its files.

    Returns:
        time, in samples, and unit, (spikes,) each.

    Raises:
        BadInput: a file is missing, is no list of whole numbers, or the two of a shank do not fit.
    """
    base, shanks = _shanks(path)
    times, units = [], []
    for shank in shanks:
        samples, clusters = (_numbers(f"{base}.{kind}.{shank}") for kind in ("res", "clu"))
        if len(clusters) != len(samples) + 1:
            told = f"{base}.clu.{shank} expected a first line with the number of clusters, and one for each of"
            raise BadInput(f"{told} {len(samples)} spikes of {base}.res.{shank}, got {len(clusters)} lines")
        if len(shanks) > 1 and clusters[1:].max(initial=0) >= SHANK:
            told = f"{base}.clu.{shank} expected clusters below {SHANK}: units are numbered {SHANK} * shank + cluster"
            raise BadInput(
                f"{told}, got {clusters[1:].max()}; number them anew, or read each shank from its own folder"
            )
        kept = (clusters[1:] >= FIRST_UNIT) | noise
        times.append(samples[kept])
        units.append(SHANK * int(shank) + clusters[1:][kept])
    return {"time": np.concatenate(times), "unit": np.concatenate(units)}


def sampling_rate(path: str) -> float | None:
    """Return the samples of a second that a recording's .xml says, by the path of one of its files; None of none."""
    base, _ = _shanks(path)
    if not files.exists(f"{base}.xml"):
        return None
    found = re.search(r"<samplingRate>\s*(\d+(\.\d*)?([eE]\+?\d+)?)\s*</samplingRate>", files.read_text(f"{base}.xml"))
    return float(found[1]) if found else None


def is_pair(path: str) -> bool:
    """Tell whether a path is called as these files are, and the other file of its shank lies beside it."""
    if (own := PAIR.fullmatch(path)) is None:
        return False
    return all(files.exists(f"{own['base']}.{kind}.{own['shank']}") for kind in ("res", "clu"))


def _shanks(path: str) -> tuple[str, list[str]]:
    own = PAIR.fullmatch(path)
    if own is None:
        raise BadInput(f"{path} expected a file called NAME.res.1 or NAME.clu.1")
    base, folder = os.path.basename(own["base"]), os.path.dirname(own["base"])
    there = [one for name in files.listing(folder or ".") if (one := PAIR.fullmatch(name)) and one["base"] == base]
    shanks = sorted({one["shank"] for one in there}, key=int)
    for shank in shanks or [own["shank"]]:
        for kind in ("res", "clu"):
            if not files.exists(missing := f"{own['base']}.{kind}.{shank}"):
                raise BadInput(f"{missing} is not there; each shank has a file .res and one .clu")
    return own["base"], shanks


def _numbers(path: str) -> np.ndarray:
    try:
        found = np.array(files.read_bytes(path).split(), dtype=np.int64)
    except (ValueError, OverflowError) as error:
        raise BadInput(f"{path} expected a whole number in each line ({str(error)[:80]}); copy it again") from error
    if len(found) and found.min() < 0:
        raise BadInput(f"{path} expected whole numbers >= 0, got {found.min()}")
    return found
