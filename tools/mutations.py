"""Small changes to code, one at a time, each as the source of a whole file: for tools/mutants."""

from __future__ import annotations

import ast
import copy
import functools
import itertools
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

PAIRS: list[tuple[Any, Any]] = [(ast.Lt, ast.LtE), (ast.Gt, ast.GtE), (ast.Eq, ast.NotEq)]
PAIRS += [(ast.And, ast.Or), (ast.Add, ast.Sub)]
MOVED = dict(PAIRS) | {other: one for one, other in PAIRS}
LEFT_ALONE = {"annotation", "returns", "decorator_list"}  # fields of a node
LONGEST_TEXT = 20  # of a string that is changed: keys and words, no sentences


class Mutant(NamedTuple):
    file: str  # below wamplite/
    line: int
    statement: int | None  # the line where its statement begins; None: run as its file is imported
    what: str  # its name in equivalent_mutants
    source: str  # of the whole file


class Place(NamedTuple):
    """A node of a file's code, and where it stands."""

    parent: ast.AST
    field: str
    position: int | None  # in the list that the field is
    node: ast.expr | ast.stmt
    statement: ast.stmt
    function: str
    is_inside: bool  # of a function: it is run when that is called

    def put(self, node: ast.AST) -> None:
        """Let another node stand here."""
        if self.position is None:
            setattr(self.parent, self.field, node)
        else:
            getattr(self.parent, self.field)[self.position] = node


def places(
    node: ast.AST,
    function: str = "",
    statement: ast.stmt | None = None,
    is_inside: bool = False,
) -> Iterator[Place]:
    """Yield what could be changed below a node: no types, docstrings or texts with holes."""
    for field, value in ast.iter_fields(node):
        if field in LEFT_ALONE:
            continue
        for index, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if not isinstance(child, ast.AST) or is_left_alone(child):
                continue
            is_run_later = is_inside or (isinstance(node, ast.FunctionDef) and field == "body")
            inside, within = function, child if isinstance(child, ast.stmt) else statement
            if isinstance(child, (ast.FunctionDef, ast.ClassDef)):
                inside = f"{function}.{child.name}".lstrip(".")
            if within is not None and isinstance(child, (ast.expr, ast.stmt)):
                yield Place(node, field, index, child, within, inside, is_run_later)
            yield from places(child, inside, within, is_run_later)


def is_left_alone(node: ast.AST) -> bool:
    """Tell whether a change there would be none, or one that nothing could miss."""
    match node:
        case ast.Expr(value=ast.Constant()) | ast.JoinedStr():
            return True
        case ast.Subscript(value=ast.Name(id="Literal")):
            return True
        case ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return True
        case ast.Assign(targets=[ast.Name(id="__all__" | "__slots__")]):
            return True
    return isinstance(node, (ast.Import, ast.ImportFrom))


def but(node: ast.AST, **fields: Any) -> ast.AST:
    """Return a copy of a node with other fields."""
    other = copy.copy(node)
    for name, value in fields.items():
        setattr(other, name, value)
    return other


def changes(node: Any, function: str) -> Iterator[tuple[str, ast.AST]]:
    """Yield the kind of each change, and what stands there then."""
    match node:
        case ast.If() | ast.IfExp() | ast.While() if not isinstance(node.test, ast.Constant):
            if not isinstance(node.test, ast.UnaryOp):
                yield "condition", but(node, test=ast.UnaryOp(ast.Not(), node.test))
            if not isinstance(node, ast.While):
                yield "condition", but(node, test=ast.Constant(True))
                yield "condition", but(node, test=ast.Constant(False))
        case ast.Compare(ops=[op]) if type(op) in MOVED:
            yield "comparison", but(node, ops=[MOVED[type(op)]()])
        case ast.BoolOp(op=op):
            yield "and, or", but(node, op=MOVED[type(op)]())
        case ast.BinOp(op=ast.Add() | ast.Sub() as op):
            yield "arithmetic", but(node, op=MOVED[type(op)]())
        case ast.UnaryOp(op=ast.Not()):
            yield "not", node.operand
        case ast.Constant(value=bool() as value):
            yield "constant", ast.Constant(not value)
        case ast.Constant(value=int() | float() as value):
            yield "constant", ast.Constant(value + 1)
        case ast.Constant(value=str() as value) if 0 < len(value) <= LONGEST_TEXT:
            yield "text", ast.Constant(value + "x")
        case ast.Call(args=[first, second, *rest]):
            if not any(isinstance(arg, ast.Starred) for arg in (first, second)):
                yield "swap", but(node, args=[second, first, *rest])
        case ast.Return(value=ast.expr() as value):
            if not isinstance(value, ast.Constant):
                yield "return", but(node, value=ast.Constant(None))
        case ast.With(items=[ast.withitem(context_expr=ast.Name() | ast.Attribute())]):
            yield "lock", ast.If(ast.Constant(True), node.body, [])
        case ast.Raise():
            yield "raise", ast.Pass()
        case ast.Expr() | ast.AugAssign() | ast.Delete() | ast.Break() | ast.Continue():
            yield "drop", ast.Pass()
        case ast.Assign() if function:
            yield "drop", ast.Pass()


def mutants_of(path: Path, file: str) -> Iterator[tuple[str, Callable[[], Mutant]]]:
    """Yield the kind of each mutant of a file, and what makes it: most are never made."""
    module = ast.parse(path.read_text())

    def make(place: Place, other: ast.AST) -> Mutant:
        place.put(other)
        source = ast.unparse(ast.fix_missing_locations(module))
        place.put(place.node)
        within = [place.function or "module", head(place.statement), head(place.node)]
        what = ": ".join(dict.fromkeys(within)) + f" -> {head(other)}"
        statement = place.statement.lineno if place.is_inside else None
        return Mutant(file, place.node.lineno, statement, f"{file} {what}", source)

    for place in places(module):
        for kind, other in changes(place.node, place.function):
            yield kind, functools.partial(make, place, other)


def head(node: ast.AST) -> str:
    """Return the first line of a node's code."""
    return ast.unparse(ast.fix_missing_locations(node)).partition("\n")[0]


def draw(tree: Path, folder: str, file: str, number: int, seed: int) -> list[Mutant]:
    """Draw mutants of a folder's files, the same for one seed, as many of each kind."""
    kinds: dict[str, list[Callable[[], Mutant]]] = {}
    for path in sorted((tree / "wamplite" / folder).rglob(file)):
        for kind, make in mutants_of(path, path.relative_to(tree / "wamplite").as_posix()):
            kinds.setdefault(kind, []).append(make)
    dice = random.Random(seed)
    for _, found in sorted(kinds.items()):
        dice.shuffle(found)
    rows = itertools.zip_longest(*(found for _, found in sorted(kinds.items())))
    drawn = itertools.islice((make for row in rows for make in row if make), number)
    return [make() for make in drawn]
