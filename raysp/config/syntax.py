"""What Python code does, not how it looks: a hash of its syntax tree, and what it imports. Nothing is imported."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from typing import Any, NamedTuple

from raysp.errors import BadInput

NO_EFFECT = ("ctx", "kind", "type_comment", "type_ignores")


class Import(NamedTuple):
    """An import of a file.

    Attributes:
        level: dots in front.
        module: dotted, without them.
        names: what is taken from it; none of `import module`.
        line: where it stands.
    """

    level: int
    module: str
    names: tuple[str, ...]
    line: int


def parsed(content: bytes, where: str) -> ast.Module:
    """Return the syntax tree of a file. Raises BadInput where it is no Python, with the line."""
    try:
        return ast.parse(content)
    except (SyntaxError, ValueError) as error:
        line, reason = getattr(error, "lineno", None) or 1, getattr(error, "msg", error)
        raise BadInput(f"{where}, line {line}: no Python that can be read ({reason})") from error


def sha256(tree: ast.Module) -> str:
    """Return the SHA-256 of a syntax tree without positions and docstrings."""
    return hashlib.sha256(repr(_plain(tree)).encode()).hexdigest()


def imports(tree: ast.Module) -> Iterator[Import]:
    """Yield the imports of a file, those inside functions too; not those for types alone, which never run."""
    blocks = [node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    for_types = {id(node) for block in blocks for node in ast.walk(block)}
    for node in ast.walk(tree):
        if id(node) in for_types:
            continue
        if isinstance(node, ast.Import):
            yield from (Import(0, alias.name, (), node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names = tuple(alias.name for alias in node.names)
            yield Import(node.level, node.module or "", names, node.lineno)


def defined(tree: ast.Module) -> set[str]:
    """Return the names of classes, functions and constants that a file defines at its top level."""
    targets = [target for node in tree.body if isinstance(node, ast.Assign) for target in node.targets]
    targets += [node.target for node in tree.body if isinstance(node, ast.AnnAssign)]
    return {node.name for node in tree.body if hasattr(node, "name")} | {
        one.id for one in targets if hasattr(one, "id")
    }


def _plain(node: Any) -> Any:
    """Return a syntax tree without positions, docstrings and what is empty, the same in every version of Python."""
    if isinstance(node, ast.AST):
        parts = [(name, _plain(value)) for name, value in ast.iter_fields(node) if name not in NO_EFFECT]
        return type(node).__name__, [(name, part) for name, part in parts if part not in (None, [])]
    if isinstance(node, list):
        return [_plain(item) for item in node if not _only_text(item)]
    return repr(node) if node is not None else None


def _only_text(node: object) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


NOTHING = sha256(ast.parse(""))
"""Of a file that does nothing."""
