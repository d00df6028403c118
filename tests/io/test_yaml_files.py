import contextlib
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raysp.errors import BadInput
from raysp.io import files
from raysp.io.yaml_files import dump_yaml, parse_yaml, read_yaml, write_yaml

FLOATS = st.floats(allow_nan=False, allow_infinity=False)
# PyYAML folds the control character U+0085 into a space; nothing here is ever named so.
TEXT = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=8)
LEAVES = st.none() | st.booleans() | st.integers() | FLOATS | TEXT
TREES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 1e-3),
        ("2E5", 2e5),
        ("-.5e+2", -50.0),
        ("1.e3", 1e3),
        ("+3e4", 3e4),
        ("3", 3),
        ("0.5", 0.5),
        ("null", None),
        ("true", True),
        ("1E5", 1e5),
        (".5", 0.5),
        ("010", 10),
        ("-007", -7),
        ("1_000", 1000),
        ("1_000.5", 1000.5),
        ("0x1f", 31),
        ("0o17", 15),
        ("1:30", "1:30"),
        ("yes", "yes"),
        ("off", "off"),
        ("n", "n"),
        ("2024-01-01", "2024-01-01"),
        ("-.inf", -math.inf),
    ],
)
def test_numbers_are_read_as_a_person_means_them(text, value):
    found = parse_yaml(text, "here")
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("text", ["1e5abc", "1e", "e5", "0x1e-3g", "1e-3-val"])
def test_text_that_begins_like_a_number_stays_text(text):
    assert parse_yaml(text, "here") == text


@given(TREES)
def test_what_is_written_reads_back_the_same(value):
    found = parse_yaml(dump_yaml(value), "here")
    assert found == value
    assert repr(found) == repr(value)


@pytest.mark.parametrize("text", ["1e-3", "12345e67", "yes", "null", "12", "1.5"])
def test_text_that_looks_like_something_else_is_written_in_quotes(text):
    assert parse_yaml(dump_yaml({"commit": text}), "here") == {"commit": text}


def test_keys_keep_their_order():
    assert list(parse_yaml(dump_yaml({"b": 1, "a": 2}), "here")) == ["b", "a"]


def test_a_merged_mapping_may_be_overridden():
    text = "usual: &usual {a: 1, b: 2}\nother: {<<: *usual, b: 3}\n"
    assert parse_yaml(text, "here")["other"] == {"a": 1, "b": 3}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", "here is not YAML: the key 'a' stands there twice"),
        ("outer: {a: 1, a: 1}", "'a' stands there twice"),
        ("a: [1, 2", "here is not YAML"),
        ("a: 1\n---\nb: 2\n", "here is not YAML"),
        ("[1, 2]: 3", "here is not YAML.*unhashable"),
        ("a: 1\nb: 2\na: 3\n", r"twice \(lines 1 and 3\)"),
        ("rate: 1e999", "here is not YAML: the number 1e999 is larger"),
        ("seed: " + "1" * 5000, "here is not YAML.*4300 digits"),
        ("a: !!bool yes", "expected true or false, got yes"),
        ("a: !!timestamp 2024-01-01", "could not determine a constructor"),
        ("a: 1\0", "here is not YAML.*control characters"),
        ("a: &a [*a]", "the anchor in line 1 holds itself"),
        ("a0: &a0 [1, 1]\n" + "".join(f"a{i + 1}: &a{i + 1} [*a{i}, *a{i}]\n" for i in range(30)), "1,000,000 values"),
        ("[" * 100_000, "at most 100 levels"),
        ("- " * 100_000 + "1", "at most 100 levels"),
        ("".join(f"{' ' * i}a:\n" for i in range(1000)), "at most 100 levels"),
        ("!!python/object/apply:os.getcwd []", "here is not YAML.*could not determine a constructor"),
    ],
)
def test_refuses(text, message):
    with pytest.raises(BadInput, match=r"(?s)" + message):
        parse_yaml(text, "here")


def test_a_file_that_is_absent_a_folder_or_not_text_is_refused(tmp_path):
    with pytest.raises(BadInput, match="found none"):
        read_yaml(str(tmp_path / "none.yaml"))
    with pytest.raises(BadInput, match="found a folder"):
        read_yaml(str(tmp_path))
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00\xd8")
    with pytest.raises(BadInput, match="not text"):
        read_yaml(str(tmp_path / "binary.yaml"))


@pytest.fixture
def written(tmp_path) -> str:
    path = str(tmp_path / "a.yaml")
    write_yaml(path, {"rate": 0.25, "name": "x", "empty": {}, "seeds": [0, 1], "last": "text"})
    return path


def test_what_is_written_carries_a_checksum_that_is_compared(written):
    assert read_yaml(written)["rate"] == 0.25
    text = files.read_text(written)
    assert re.fullmatch(r"checksum: sha256:[0-9a-f]{64}", text.splitlines()[0])
    files.write_text(written, text.replace("0.25", "0.75"))
    with pytest.raises(BadInput, match=r"not what was written.*on purpose, remove its line 'checksum'"):
        read_yaml(written)
    files.write_text(written, text.replace("0.25", "0.75").partition("\n")[2])
    assert read_yaml(written)["rate"] == 0.75


def test_another_program_that_reads_and_writes_it_does_not_lose_the_checksum(written):
    import yaml

    found, right = yaml.safe_load(files.read_text(written)), read_yaml(written)
    files.write_text(written, yaml.safe_dump(found, sort_keys=False))
    assert read_yaml(written) == right
    for changed in (yaml.safe_dump({**found, "rate": 1}, sort_keys=False), yaml.safe_dump(found, sort_keys=True)):
        files.write_text(written, changed)
        with pytest.raises(BadInput, match="not what was written"):
            read_yaml(written)


def test_a_cut_or_flipped_file_is_told_of_or_changes_nothing(written):
    whole, right = files.read_bytes(written), read_yaml(written)
    for place in range(1, len(whole)):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << place % 8
        for content in (whole[:place], flipped):
            with open(written, "wb") as file:
                file.write(content)
            with contextlib.suppress(BadInput):
                assert read_yaml(written) == right or not isinstance(read_yaml(written), dict), content


@pytest.mark.parametrize("mark", [b"\xef\xbb\xbf", b""])
def test_an_editors_marks_and_ends_of_lines_change_nothing(written, mark):
    content = mark + files.read_bytes(written).replace(b"\n", b"\r\n")
    with open(written, "wb") as file:
        file.write(content)
    assert read_yaml(written)["seeds"] == [0, 1]


def test_infinity_is_read_and_written():
    assert parse_yaml(dump_yaml([math.inf]), "here") == [math.inf]
