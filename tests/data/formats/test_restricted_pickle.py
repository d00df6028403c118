"""Tables come out of pickles as pandas put them in, and nothing else does: hostile pickles run nothing."""

from __future__ import annotations

import functools
import operator
import os
import pickle
import subprocess
import tarfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raysp.data.formats import restricted_pickle
from raysp.data.formats.restricted_pickle import load_table
from raysp.errors import BadInput

REAL = Path(__file__).parents[4] / "shared" / "data" / "chicken_2021_08_17.tar.gz"


class Calls:
    """Pickles as a call of `function` with `arguments`."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def table(*objects):
    """A table like those of a retina recording; `objects` are further entries of its column of objects."""
    rng = np.random.default_rng(0)
    spikes = [
        np.ma.MaskedArray(np.arange(6, dtype=np.int32), [0, 0, 0, 0, 1, 1]),
        rng.random((5, 4)),
        np.asfortranarray(rng.random((5, 4))),
        np.zeros((0, 3)),
        "text",
        None,
        7,
        0.5,
        True,
        *objects,
    ]
    rows = len(spikes)
    index = pd.MultiIndex.from_arrays(
        [pd.Index(np.arange(rows) * 3), pd.Index(["one"] * rows, dtype=object)], names=["Cell index", "Recording"]
    )
    column = np.empty(rows, dtype=object)
    for row, item in enumerate(spikes):
        column[row] = item
    frame = pd.DataFrame(
        {"Spikes": column, "a": rng.random(rows), "n": np.arange(rows, dtype=np.int16), "b": rng.random(rows)}, index
    )
    frame.columns = pd.Index(list(frame.columns), dtype=object)
    return frame


@pytest.mark.parametrize("protocol", [4, 5])
def test_a_table_comes_back_as_pandas_put_it_in(protocol):
    frame = table()
    found = load_table(pickle.dumps(frame, protocol=protocol), "table")
    assert list(found.columns) == list(frame.columns)
    assert list(zip(*(level.tolist() for level in found.index.values()), strict=True)) == frame.index.tolist()
    assert list(found.index) == list(frame.index.names)
    for name in ("a", "b", "n"):
        np.testing.assert_array_equal(found.columns[name], frame[name])
        assert found.columns[name].dtype == frame[name].dtype
    for one, other in zip(found.columns["Spikes"], frame["Spikes"], strict=True):
        assert type(one) is type(other)
        if isinstance(other, np.ndarray):
            assert one.dtype == other.dtype
            np.testing.assert_array_equal(np.ma.getmaskarray(one), np.ma.getmaskarray(other))
            np.testing.assert_array_equal(np.asarray(one), np.asarray(other))
        else:
            assert one == other


@pytest.mark.parametrize("kind", ["i1", "u1", "<i2", ">i4", "<u8", "<f4", ">f8", "?"])
def test_numbers_of_every_kind_come_back(kind):
    array = np.arange(-3, 9).astype(kind)
    frame = table(array, np.ma.MaskedArray(array.reshape(3, 4), array.reshape(3, 4) == 1))
    one, other = load_table(pickle.dumps(frame, protocol=5), "table").columns["Spikes"][-2:]
    assert one.dtype == array.dtype
    np.testing.assert_array_equal(one, array)
    np.testing.assert_array_equal(other.compressed(), array[array != 1])


HOSTILE = {
    "os.system": lambda marker: Calls(os.system, f"touch {marker}"),
    "eval": lambda marker: Calls(eval, f"open({marker!r}, 'w').close()"),
    "exec": lambda marker: Calls(exec, f"open({marker!r}, 'w').close()"),
    "open": lambda marker: Calls(open, marker, "w"),
    "subprocess": lambda marker: Calls(subprocess.check_call, ["touch", marker]),
    "pickle in a pickle": lambda marker: Calls(pickle.loads, pickle.dumps(Calls(os.system, f"touch {marker}"))),
    "partial": lambda marker: Calls(functools.partial(os.system, f"touch {marker}")),
    "mkdir": lambda marker: Calls(os.mkdir, marker),
    "methodcaller": lambda marker: Calls(operator.methodcaller("mkdir"), Path(marker)),
    "map": lambda marker: Calls(list, Calls(map, os.mkdir, [marker])),
    "slice of a call": lambda marker: Calls(slice, Calls(os.mkdir, marker)),
    "tofile": lambda marker: Calls(np.ndarray.tofile, np.zeros(3), marker),
    "save": lambda marker: Calls(np.save, marker + ".npy", np.zeros(3)),
    "to_pickle": lambda marker: Calls(pd.DataFrame.to_pickle, pd.DataFrame({"a": [1]}), marker),
}
PLACES = {
    "alone": lambda evil: evil,
    "in a column of objects": lambda evil: table(evil),
    "in an array in a column": lambda evil: table(_array_of(evil)),
    "in a list in a column": lambda evil: table([[evil]]),
    "in the attributes": lambda evil: _with_attribute(evil),
    "before the table": lambda evil: (evil, table()),
}


def _array_of(evil):
    array = np.empty(1, dtype=object)
    array[0] = evil
    return array


def _with_attribute(evil):
    frame = table()
    frame.attrs["note"] = evil
    return frame


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_pickle_is_refused_and_runs_nothing(name, place, tmp_path):
    marker = tmp_path / "marker"
    evil = PLACES[place](HOSTILE[name](str(marker)))
    for protocol in (5, 4, 3, 2, 0):
        with pytest.raises(BadInput, match="nothing was run"):
            load_table(pickle.dumps(evil, protocol=protocol), "table")
        assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", HOSTILE)
def test_an_ordinary_unpickler_would_have_run_it(name, tmp_path):
    data = pickle.dumps(HOSTILE[name](str(tmp_path / "marker")), protocol=5)
    try:
        done = pickle.loads(data)
    except TypeError:
        done = None  # Some only fail after they did what they were asked to.
    getattr(done, "close", lambda: None)()
    assert list(tmp_path.iterdir())


def text(word):
    return b"\x8c" + bytes([len(word)]) + word.encode()


def named(kind):
    """The instructions that put one of the allowed names on the stack."""
    module, name = restricted_pickle.NAMES[kind][0].split()
    return text(module) + text(name) + b"\x93"


@pytest.mark.parametrize("kind", restricted_pickle.NAMES)
def test_allowed_names_cannot_be_changed_by_a_pickle(kind):
    state = b"N" + b"}" + text("kind") + text("frame") + b"s" + b"\x86"  # (None, {"kind": "frame"})
    before = {name: dict(vars(found)) for name, found in restricted_pickle._KNOWN.items()}
    for target in (named(kind), named(kind) + b")\x81", named(kind) + b")R"):
        for change in (state, b"}" + text("kind") + text("frame") + b"s"):
            with pytest.raises(BadInput, match="expected a pickled table"):
                load_table(b"\x80\x04" + target + change + b"b.", "table")
    assert {name: dict(vars(found)) for name, found in restricted_pickle._KNOWN.items()} == before
    load_table(pickle.dumps(table(), protocol=5), "table")


@pytest.mark.parametrize(
    ("body", "instruction"),
    [
        (b"cos\nsystem\n(S'true'\ntR", "GLOBAL os system"),
        (b"(S'true'\nios\nsystem\n", "STRING"),
        (b"(ios\nsystem\n", "INST os system"),
        (b"\x82\x01", "EXT1 1"),
        (b"Nr\xff\xff\xff\x7f", "LONG_BINPUT"),
        (b"Pname\n", "PERSID name"),
        (b"NQ", "BINPERSID"),
        (b"\x97", "NEXT_BUFFER"),
        (b"))}\x92", "NEWOBJ_EX"),
    ],
)
def test_instructions_that_no_table_needs_are_refused(body, instruction):
    with pytest.raises(BadInput, match=f"holds the instruction {instruction}.*nothing was run"):
        load_table(b"\x80\x04" + body + b".", "table")


def test_numbers_that_promise_more_than_the_file_holds_are_refused():
    whole = pickle.dumps(table(), protocol=5)
    promised = b"\x80\x05\x96" + (1 << 50).to_bytes(8, "little") + b"abc."
    with pytest.raises(BadInput, match="expected a pickled table"):
        load_table(promised, "table")
    shape = whole.replace(b"K\x05K\x04\x86", b"J\x00\x00\x00\x40K\x04\x86")
    assert shape != whole
    with pytest.raises(BadInput):
        load_table(shape, "table")


def test_what_is_no_table_is_refused():
    for other in ([1, 2], {"_mgr": 1}, "text", None, 3.5):
        with pytest.raises(BadInput, match="no DataFrame in it"):
            load_table(pickle.dumps(other, protocol=4), "table")
    with pytest.raises(BadInput, match="damaged one"):
        load_table(b"", "table")
    with pytest.raises(BadInput, match=r"asks for pandas.*Series"):
        load_table(pickle.dumps(pd.Series([1.0]), protocol=5), "table")
    with pytest.raises(BadInput, match="instruction EMPTY_SET"):
        load_table(pickle.dumps(table({1}), protocol=5), "table")
    for other in (np.zeros(2, "c16"), np.array(["2021"], dtype="M8[D]"), np.array(["a"]), np.zeros(2, "i4,f8")):
        with pytest.raises(BadInput, match="unknown type of number"):
            load_table(pickle.dumps(table(other), protocol=5), "table")
    with pytest.raises(BadInput, match="array of the table cannot be read"):
        load_table(pickle.dumps(table((1, 2)), protocol=5), "table")


WHOLE = pickle.dumps(table(), protocol=5)


@given(st.integers(0, len(WHOLE) - 1))
def test_a_pickle_cut_short_is_bad_input(length):
    with pytest.raises(BadInput):
        load_table(WHOLE[:length], "table")


@given(st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), min_size=1, max_size=5))
def test_changed_bytes_give_a_table_or_bad_input_and_no_other_error(changes):
    data = bytearray(WHOLE)
    for place, value in changes:
        data[place] = value
    try:
        found = load_table(bytes(data), "table")
    except BadInput:
        return
    assert len({len(column) for column in (*found.columns.values(), *found.index.values())}) == 1


@pytest.mark.real
@pytest.mark.skipif(not REAL.exists(), reason=f"needs the retina recording of Doran et al., shared/data/{REAL.name}")
def test_the_published_tables_are_read():
    with tarfile.open(REAL) as archive:
        found = {
            Path(member.name).name: load_table(archive.extractfile(member).read(), member.name)
            for member in archive
            if member.name.endswith(".pickle")
        }
    cells = {name: one for name, one in found.items() if name.startswith("spike")}
    assert {name: len(one.index["Cell index"]) for name, one in cells.items()} == {
        "spike_response.pickle": 60,
        "spike_response_allcells.pickle": 154,
    }
    assert {name: sum(row.count() for row in one.columns["Spikes"]) for name, one in cells.items()} == {
        "spike_response.pickle": 141_043,
        "spike_response_allcells.pickle": 215_941,
    }
    (triggers,) = found["recorded_stimulus.pickle"].columns["Trigger_Fr_relative"]
    assert (triggers.shape, triggers[0], triggers[-1]) == ((18_001,), 0, 16_071_531)
    assert cells["spike_response.pickle"].columns["Kernel"][0].shape == (2000, 4)
