"""The package as its source reads: imports, classes, functions, each file parsed once by `ast`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from tests.processes import ROOT

PACKAGE = ROOT / "wamplite"
FILES = sorted(PACKAGE.rglob("*.py"))


class Import(NamedTuple):
    importer: str  # path below wamplite/
    module: str  # absolute dotted name
    line: int
    typing: bool  # under `if TYPE_CHECKING`

    @property
    def inside(self) -> str:
        """The module below wamplite, as `core.errors`; "" for others."""
        return self.module.removeprefix("wamplite").lstrip(".") if self.is_own else ""

    @property
    def is_own(self) -> bool:
        return self.module.split(".")[0] == "wamplite"

    def __str__(self) -> str:
        return f"{self.importer}:{self.line} imports {self.module}"


class Source(NamedTuple):
    """What is looked at in one file of the package."""

    path: str  # below wamplite/
    lines: int
    is_explained: bool  # by a docstring, or nothing stands there
    imports: list[Import]
    dynamic: list[int]  # lines with an import of a computed name
    classes: list[str]
    functions: dict[str, int]  # and of how many lines, without the docstring


def module_name(path: Path) -> str:
    parts = list(path.relative_to(ROOT).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def modules() -> set[str]:
    return {module_name(path) for path in FILES}


@cache
def sources() -> list[Source]:
    """Read each file once, when the first test asks."""
    return [source_of(path) for path in FILES]


def source_of(path: Path) -> Source:
    text, name = path.read_text(), path.relative_to(PACKAGE).as_posix()
    tree = ast.parse(text)
    nodes = list(ast.walk(tree))
    functions = [node for node in nodes if isinstance(node, ast.FunctionDef)]
    return Source(
        name,
        len(text.splitlines()),
        not text.strip() or bool(ast.get_docstring(tree)),
        list(imports_of(path, nodes)),
        [node.lineno for node in nodes if is_dynamic(node)],
        [node.name for node in nodes if isinstance(node, ast.ClassDef)],
        {f"{node.name} at {node.lineno}": lines_of(node) for node in functions},
    )


def imports_of(path: Path, nodes: list[ast.AST]) -> Iterator[Import]:
    importer = path.relative_to(PACKAGE).as_posix()
    blocks = [node for node in nodes if isinstance(node, ast.If) and is_for_types(node)]
    for_types = {id(inner) for block in blocks for inner in ast.walk(block)}
    for node in nodes:
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = list(imported_from(path, node))
        else:
            continue
        for name in names:
            yield Import(importer, name, node.lineno, id(node) in for_types)


def is_for_types(block: ast.If) -> bool:
    return "TYPE_CHECKING" in ast.unparse(block.test)


def imported_from(path: Path, node: ast.ImportFrom) -> Iterator[str]:
    base = node.module or ""
    if node.level:
        package = path.relative_to(ROOT).parent.parts
        above = package[: len(package) - node.level + 1]
        base = ".".join([*above, *([node.module] if node.module else [])])
    for alias in node.names:
        whole = f"{base}.{alias.name}"
        yield whole if whole in modules() else base


def is_dynamic(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    return ast.unparse(node.func).split(".")[-1] in ("import_module", "__import__")


def lines_of(node: ast.FunctionDef) -> int:
    first = node.body[0]
    told = 1 + (first.end_lineno or 0) - first.lineno if ast.get_docstring(node) else 0
    return 1 + (node.end_lineno or 0) - node.lineno - told


@cache
def imports() -> list[Import]:
    return [found for source in sources() for found in source.imports]
