r"""How many steps a regular expression may take with a text of so many characters; pure.

Python's `re` goes back and tries again wherever a part can match in several ways. The bound is the
product of these ways, part by part:

    \d+,        one: only behind the last digit can a comma stand
    .*,         as many as there are characters
    (\w+\s?)+   as many as there are ways to cut a text into pieces: they double with each character

The parts are those of re's own parser, which is no public one: where it is missing, or knows a part
that is not known here, the bound is infinite, and nobody relies on more.
"""

from __future__ import annotations

import re
import string
from collections.abc import Sequence
from itertools import combinations
from math import inf
from typing import Any, NamedTuple

__all__ = ["is_exponential", "longest_text", "steps"]

LONGEST = 65536  # characters; no frame has more
Node = tuple[str, Any]  # what re's parser calls a part, and its values

# Characters: those of ASCII, and all others by what they are
DIGIT, SPACE, WORD, REST = "other digits", "other blanks", "other letters", "others"
DIGITS = frozenset([*string.digits, DIGIT])
SPACES = frozenset([*string.whitespace, "\x1c", "\x1d", "\x1e", "\x1f", SPACE])
WORDS = DIGITS | {*string.ascii_letters, "_", WORD}
EVERY = WORDS | SPACES | {*map(chr, range(128)), REST}
CATEGORIES = {"DIGIT": DIGITS, "SPACE": SPACES, "WORD": WORDS}
NONE: frozenset[str] = frozenset()

SINGLE = ("LITERAL", "NOT_LITERAL", "ANY", "IN")
REPEATS = ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT")


class _Unknown(Exception):
    """A part that is not known here."""


class _Price(NamedTuple):
    """In how many ways a part can match from one place, and the steps until all were tried."""

    ways: float
    work: float


def steps(pattern: re.Pattern[str], length: int) -> float:
    """Return how many steps a search in a text of so many characters takes at most."""
    try:
        return _Reader(pattern).steps(length)
    except (_Unknown, AttributeError):
        return inf


def is_exponential(pattern: re.Pattern[str]) -> bool:
    """Tell whether it is known that the steps may double with each character."""
    try:
        return _Reader(pattern).steps(2) == inf
    except (_Unknown, AttributeError):
        return False


def longest_text(pattern: re.Pattern[str], most: float) -> int:
    """Return how long a text may be, for so many steps; 0: none may."""
    least, beyond = 0, LONGEST + 1
    try:
        reader = _Reader(pattern)
        while beyond - least > 1:
            middle = (least + beyond) // 2
            if reader.steps(middle) <= most:
                least = middle
            else:
                beyond = middle
    except (_Unknown, AttributeError):
        return 0
    return least


class _Reader:
    """Reads the parts of one pattern."""

    def __init__(self, pattern: re.Pattern[str]) -> None:
        self._flags = pattern.flags
        # The first name since 3.11, the other before.
        parser = getattr(re, "_parser", None) or getattr(re, "sre_parse", None)
        if parser is None:
            raise _Unknown("parser")
        self._nodes = _nodes(parser.parse(pattern.pattern, pattern.flags))

    def steps(self, length: int) -> float:
        """Return the bound for a text of so many characters."""
        starts = 1 if self._is_anchored() else length + 1
        return starts * self._sequence(self._nodes, NONE, length).work

    def _is_anchored(self) -> bool:
        if not self._nodes or self._nodes[0][0] != "AT":
            return False
        where = str(self._nodes[0][1])
        return where == "AT_BEGINNING_STRING" or (
            where == "AT_BEGINNING" and not self._flags & re.MULTILINE
        )

    def _sequence(self, nodes: Sequence[Node], follow: frozenset[str], length: int) -> _Price:
        ways, work = 1.0, 1.0
        for place, node in enumerate(nodes):
            price = self._part(node, self._first(nodes[place + 1 :], follow), length)
            work += ways * price.work
            ways *= price.ways
        return _Price(ways, work)

    def _part(self, node: Node, follow: frozenset[str], length: int) -> _Price:
        name, value = node
        if name in SINGLE or name == "AT":
            return _Price(1, 1)
        if name in REPEATS:
            price = self._repeat(value[0], value[1], _nodes(value[2]), follow, length)
            return price._replace(ways=1) if name == "POSSESSIVE_REPEAT" else price
        if name == "SUBPATTERN":
            return self._sequence(_nodes(value[3]), follow, length)
        if name == "BRANCH":
            return self._branch([_nodes(one) for one in value[1]], follow, length)
        if name in ("ASSERT", "ASSERT_NOT"):
            return self._sequence(_nodes(value[1]), NONE, length)._replace(ways=1)
        if name == "ATOMIC_GROUP":
            return self._sequence(_nodes(value), EVERY, length)._replace(ways=1)
        if name == "GROUPREF":
            return _Price(1, length + 1)
        raise _Unknown(name)

    def _branch(self, branches: list[list[Node]], follow: frozenset[str], length: int) -> _Price:
        prices = [self._sequence(one, follow, length) for one in branches]
        firsts = [self._first(one, NONE) for one in branches]
        is_certain = not any(map(self._may_be_empty, branches)) and all(
            not one & other for one, other in combinations(firsts, 2)
        )
        ways = [one.ways for one in prices]
        return _Price(max(ways) if is_certain else sum(ways), sum(one.work for one in prices))

    def _repeat(
        self, least: int, most: int, body: list[Node], follow: frozenset[str], length: int
    ) -> _Price:
        first = self._first(body, NONE)
        times = min(int(most), max(length, least))
        is_certain = not first & follow and not self._may_be_empty(body)
        if len(body) == 1 and body[0][0] in SINGLE:
            return _Price(1 if is_certain else times - least + 1, times + 1)
        once = self._sequence(body, first | follow, length)
        if once.ways == 1:
            return _Price(1 if is_certain else times - least + 1, (times + 1) * once.work)
        if times > length:
            times = length + 1  # more cannot match, unless they match nothing
        if int(most) > LONGEST:
            return _Price(inf, inf)
        try:
            ways = once.ways**times
        except OverflowError:
            return _Price(inf, inf)
        return _Price(ways * (1 if least == most else times + 1), ways * once.work * (times + 1))

    # ---- what can stand first

    def _first(self, nodes: Sequence[Node], follow: frozenset[str]) -> frozenset[str]:
        """Return with what the parts can begin, or what follows them where they can be empty."""
        found: frozenset[str] = NONE
        for node in nodes:
            found |= self._first_of(node)
            if not self._may_be_empty([node]):
                return found
        return found | follow

    def _first_of(self, node: Node) -> frozenset[str]:
        name, value = node
        if name in SINGLE:
            return self._characters(node)
        if name == "AT":
            return NONE
        if name in REPEATS:
            return self._first(_nodes(value[2]), NONE)
        if name == "SUBPATTERN":
            return self._first(_nodes(value[3]), NONE)
        if name == "ATOMIC_GROUP":
            return self._first(_nodes(value), NONE)
        if name == "BRANCH":
            return NONE.union(*(self._first(_nodes(one), NONE) for one in value[1]))
        return EVERY  # a look ahead is tried wherever it stands

    def _may_be_empty(self, nodes: Sequence[Node]) -> bool:
        return all(map(self._is_optional, nodes))

    def _is_optional(self, node: Node) -> bool:
        name, value = node
        if name in SINGLE:
            return False
        if name in REPEATS:
            return value[0] == 0 or self._may_be_empty(_nodes(value[2]))
        if name == "SUBPATTERN":
            return self._may_be_empty(_nodes(value[3]))
        if name == "BRANCH":
            return any(self._may_be_empty(_nodes(one)) for one in value[1])
        return True

    def _characters(self, node: Node) -> frozenset[str]:
        name, value = node
        if name == "LITERAL":
            return self._literal(value)
        if name == "NOT_LITERAL":
            return EVERY - (self._literal(value) if value < 128 else NONE)
        if name == "ANY":
            return EVERY if self._flags & re.DOTALL else EVERY - {"\n"}
        return self._set(value)

    def _literal(self, code: int) -> frozenset[str]:
        character = chr(code)
        if code >= 128 or (self._flags & re.IGNORECASE and character.lower() in "iks"):
            return frozenset([character]) | {DIGIT, SPACE, WORD, REST}
        if self._flags & re.IGNORECASE:
            return frozenset([character.lower(), character.upper()])
        return frozenset([character])

    def _set(self, items: Sequence[tuple[Any, Any]]) -> frozenset[str]:
        found: frozenset[str] = NONE
        is_negated = False
        for kind, value in items:
            name = str(kind)
            if name == "NEGATE":
                is_negated = True
            elif name == "LITERAL":
                found |= self._literal(value)
            elif name == "RANGE":
                low, high = value
                codes = range(low, min(high, 128) + 1)
                found = found.union(*map(self._literal, codes))
            elif name == "CATEGORY":
                word = str(value).removeprefix("CATEGORY_")
                of = CATEGORIES[word.removeprefix("NOT_")]
                found |= EVERY - of if word.startswith("NOT_") else of
            else:
                raise _Unknown(name)
        # of other scripts a character that is left out leaves the rest of its kind
        return EVERY - (found - {DIGIT, SPACE, WORD, REST}) if is_negated else found


def _nodes(parsed: Any) -> list[Node]:
    return [(str(kind), value) for kind, value in parsed]
