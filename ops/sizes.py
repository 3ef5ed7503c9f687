"""Size limits: a function over 60 lines, a module over 400, branching over 8 fails. Migrations are exempt."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

FUNCTION_LINES = 60
MODULE_LINES = 400
BRANCHING = 8

type_of_function = ast.FunctionDef | ast.AsyncFunctionDef


def violations(root: Path, files: list[str]) -> list[str]:
    """One readable line per place that is too long or branches too much; paths relative to `root`."""
    return [line for name in files if "/migrations/" not in name for line in _in_module(root / name, name)]


def _in_module(path: Path, name: str) -> Iterator[str]:
    source = path.read_text()
    lines = len(source.splitlines())
    if lines > MODULE_LINES:
        yield f"{name}: module of {lines} lines (at most {MODULE_LINES})"
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, type_of_function):
            yield from _in_function(node, name)


def _in_function(node: type_of_function, name: str) -> Iterator[str]:
    lines = (node.end_lineno or node.lineno) - node.lineno + 1
    if lines > FUNCTION_LINES:
        yield f"{name}:{node.lineno}: {node.name} has {lines} lines (at most {FUNCTION_LINES})"
    branching = _branching(node)
    if branching > BRANCHING:
        yield f"{name}:{node.lineno}: {node.name} branches {branching} ways (at most {BRANCHING})"


def _branching(function: ast.AST) -> int:
    """McCabe's number without the leading one's own: ways through, functions inside counted on their own."""
    return 1 + sum(_weight(node) for node in _own_nodes(function))


def _own_nodes(function: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(function):
        if not isinstance(child, (*type_of_function.__args__, ast.Lambda, ast.ClassDef)):
            yield child
            yield from _own_nodes(child)


def _weight(node: ast.AST) -> int:
    if isinstance(node, ast.Match):
        return len(node.cases) - 1
    if isinstance(node, ast.Try | ast.TryStar):
        return len(node.handlers) + bool(node.orelse)
    return int(isinstance(node, ast.If | ast.For | ast.AsyncFor | ast.While))


def main(root: Path, files: list[str]) -> int:
    """Print every violation; the exit code."""
    found = violations(root, files)
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
