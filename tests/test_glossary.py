"""The glossary keeps up with the code: each noun is a class of the file that it names."""

from __future__ import annotations

import ast
import re

import pytest

from tests.processes import ROOT

TEXT = (ROOT / "docs" / "glossary.md").read_text()
ROWS = re.findall(r"^\| `(\w+)` \| (\S+) \| \S.* \|$", TEXT, re.M)


@pytest.mark.parametrize(("noun", "file"), ROWS)
def test_a_noun_is_a_class_of_its_file(noun: str, file: str) -> None:
    tree = ast.parse((ROOT / "wamplite" / file).read_text())
    assert noun in {node.name for node in tree.body if isinstance(node, ast.ClassDef)}


def test_every_row_is_read_and_no_noun_stands_twice() -> None:
    nouns = [noun for noun, _ in ROWS]
    assert len(nouns) == len(re.findall(r"^\| `", TEXT, re.M))
    assert len(nouns) == len(set(nouns)) > 50
