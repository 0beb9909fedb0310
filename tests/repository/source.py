"""What the repository's own tests look at: its source files and their syntax trees."""

from __future__ import annotations

import ast
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE_ROOTS = (ROOT / "reconciler" / "flext_reconciler", ROOT / "providers" / "flext_providers")

_NO_CODE = {
    tokenize.ENCODING,
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}

Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def sources() -> tuple[Path, ...]:
    """Every source file that is shipped."""
    return tuple(sorted(path for root in SOURCE_ROOTS for path in root.rglob("*.py")))


@cache
def tree(path: Path) -> ast.Module:
    """The syntax tree of a source file."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def functions(path: Path) -> Iterator[Function]:
    """Every function and method of a file, nested ones included."""
    for node in ast.walk(tree(path)):
        if isinstance(node, Function):
            yield node


def length(node: Function) -> int:
    """Lines of a function, its docstring left out."""
    first = node.body[0]
    documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    start = node.lineno
    lines = (node.end_lineno or start) - start + 1
    return lines - ((first.end_lineno or 0) - first.lineno + 1 if documented else 0)


def code_lines(path: Path) -> int:
    """Lines of a file that hold code: no blank lines, comments and docstrings."""
    code: set[int] = set()
    with path.open("rb") as file:
        for token in tokenize.tokenize(file.readline):
            if token.type not in _NO_CODE:
                code.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            code -= set(range(node.lineno, (node.end_lineno or 0) + 1))
    return len(code)


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """Every absolute import of a file that is carried out: the top-level package and the line."""
    for node in _run(tree(path)):
        if isinstance(node, ast.Import):
            yield from ((alias.name.partition(".")[0], node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.partition(".")[0], node.lineno


def _run(node: ast.AST) -> Iterator[ast.AST]:
    """Walk everything but what stands under `if TYPE_CHECKING`."""
    for child in ast.iter_child_nodes(node):
        for_types = isinstance(child, ast.If) and isinstance(child.test, ast.Name) and child.test.id == "TYPE_CHECKING"
        if not for_types:
            yield child
            yield from _run(child)


def shown(path: Path) -> str:
    """A path as the repository names it."""
    return path.relative_to(ROOT).as_posix()
