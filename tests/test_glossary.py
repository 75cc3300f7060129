"""The glossary keeps up with the code: each noun is a type of the file that it names."""

from __future__ import annotations

import ast
import re
from functools import cache

from tests.processes import ROOT

TEXT = (ROOT / "docs" / "glossary.md").read_text()
ROWS = re.findall(r"^\| `(\w+)` \| (\S+) \| \S.* \|$", TEXT, re.M)


def test_every_noun_is_a_class_or_an_alias_of_its_file() -> None:
    wrong = [f"{noun} is not in {file}" for noun, file in ROWS if noun not in names_in(file)]
    assert not wrong, "\n".join(wrong)


@cache
def names_in(file: str) -> set[str]:
    """Return the classes and aliases of a file."""
    tree = ast.parse((ROOT / "wamplite" / file).read_text())
    classes = {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
    aliases = {
        name.id
        for node in tree.body
        if isinstance(node, ast.Assign)
        for name in node.targets
        if isinstance(name, ast.Name)
    }
    return classes | aliases


def test_every_row_is_read_and_no_noun_stands_twice() -> None:
    nouns = [noun for noun, _ in ROWS]
    assert len(nouns) == len(re.findall(r"^\| `", TEXT, re.M))
    assert len(nouns) == len(set(nouns)) > 50
