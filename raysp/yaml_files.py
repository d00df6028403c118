"""YAML as a person means it: 1e-3 is a number, and a key given twice is refused."""

from __future__ import annotations

import re
from typing import Any

from raysp import files
from raysp.errors import BadInput

# YAML 1.1, which PyYAML reads, takes a number without a point or without the exponent's sign for text.
NUMBER = re.compile(r"[-+]?(\d[\d_]*\.?\d*|\.\d+)[eE][-+]?\d+")


def read_yaml(path: str) -> Any:
    """Return what a YAML file holds. Raises BadInput when it is absent, not YAML, or has a key twice."""
    if not files.exists(path):
        raise BadInput(f"expected a YAML file at {path}, found none")
    return parse_yaml(files.read_text(path), path)


def parse_yaml(text: str, where: str) -> Any:
    """Return what a YAML text holds. Raises BadInput naming `where` when it is not YAML or has a key twice."""
    import yaml

    try:
        return yaml.load(text, Loader=_loader())
    except yaml.YAMLError as error:
        raise BadInput(f"{where} is not YAML: {error}") from error


def dump_yaml(value: Any) -> str:
    """Return a value as YAML that reads back the same, keys in their order."""
    import yaml

    return yaml.safe_dump(value, sort_keys=False, width=120, allow_unicode=True)


def _loader() -> Any:
    import yaml

    class Loader(yaml.SafeLoader):
        """A safe loader with YAML 1.2's numbers and unique keys."""

        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            seen = set()
            for key, _ in node.value:
                name = self.construct_object(key, deep=True)
                if name in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"the key {name!r} stands there twice", key.start_mark
                    )
                seen.add(name)
            return super().construct_mapping(node, deep)

    Loader.add_implicit_resolver("tag:yaml.org,2002:float", NUMBER, list("-+.0123456789"))
    return Loader
