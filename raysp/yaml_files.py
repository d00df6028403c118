"""YAML as a person means it: 1e-3 is a number, and a key given twice is refused."""

from __future__ import annotations

import functools
import re
from collections.abc import Hashable
from typing import Any

from raysp import files
from raysp.errors import BadInput

# YAML 1.1, which PyYAML reads, takes a number without a point or without the exponent's sign for text.
NUMBER = re.compile(r"[-+]?(\d[\d_]*\.?\d*|\.\d+)[eE][-+]?\d+$")
FIRST = list("-+.0123456789")
FLOAT, MERGE = "tag:yaml.org,2002:float", "tag:yaml.org,2002:merge"


def read_yaml(path: str) -> Any:
    """Return what a YAML file holds. Raises BadInput when it is absent, not YAML, or has a key twice."""
    if not files.exists(path):
        raise BadInput(f"expected a YAML file at {path}, found none")
    try:
        text = files.read_text(path)
    except IsADirectoryError as error:
        raise BadInput(f"expected a YAML file at {path}, found a folder") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} is not YAML: it is not text ({error})") from error
    return parse_yaml(text, path)


def parse_yaml(text: str, where: str) -> Any:
    """Return what a YAML text holds. Raises BadInput naming `where` when it is not YAML or has a key twice."""
    import yaml

    try:
        return yaml.load(text, Loader=_loader())
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # a ValueError is a date such as 2024-13-01
        raise BadInput(f"{where} is not YAML: {error}") from error


def dump_yaml(value: Any) -> str:
    """Return a value as YAML that reads back the same, keys in their order."""
    import yaml

    return yaml.dump(value, Dumper=_dumper(), sort_keys=False, width=120, allow_unicode=True)


@functools.cache
def _loader() -> Any:
    import yaml

    # The parser in C, where PyYAML was built with it, is ten times faster.
    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        """A safe loader with YAML 1.2's numbers and unique keys."""

        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            seen = set()
            for key, _ in node.value:
                name = None if key.tag == MERGE else self.construct_object(key, deep=True)
                # What cannot be a key at all is refused by the class above.
                if key.tag == MERGE or not isinstance(name, Hashable):
                    continue
                if name in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"the key {name!r} stands there twice", key.start_mark
                    )
                seen.add(name)
            return super().construct_mapping(node, deep)

    Loader.add_implicit_resolver(FLOAT, NUMBER, FIRST)
    return Loader


@functools.cache
def _dumper() -> Any:
    import yaml

    class Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):
        """A safe dumper that puts text which `_loader` would take for a number into quotes."""

    Dumper.add_implicit_resolver(FLOAT, NUMBER, FIRST)
    return Dumper
