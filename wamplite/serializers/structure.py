"""Bounds on what a message may nest and hold that are narrower than those of the gate.

A router may ask for less than what every serializer carries (payload.py), for the sake of small
callees; a message beyond that fails alone, as one that cannot be carried does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any, NamedTuple

from ..core.unfit import Uncarriable
from .flaws import head
from .payload import CONTAINERS, MAX_DEPTH, MAX_LENGTH, MAX_TOTAL


class Structure(NamedTuple):
    """How deep one argument may nest, and how much a container and a payload may hold."""

    depth: int = MAX_DEPTH
    elements: int = MAX_LENGTH
    total: int = MAX_TOTAL

    def within(self, loads: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
        """Return what decodes as `loads` does, and checks what has come."""

        def loaded(data: bytes) -> Any:
            array = loads(data)
            self.check(array)
            return array

        return loaded

    def check(self, array: Any) -> None:
        """Raise Uncarriable where a message is beyond the bounds; what is no message passes."""
        why = self.flaw(array) if type(array) is list else ""
        if why:
            raise Uncarriable(why, [], [head(element) for element in array])

    def flaw(self, array: list[Any]) -> str:
        """Return which bound the payload of a message is beyond; "": none.

        The payload is what stands behind its Options or Details.
        """
        behind = next((at for at, value in enumerate(array, 1) if type(value) is dict), 0)
        level: Iterable[Any] = array[behind:] if behind else ()
        total = 0
        for _ in range(self.depth + 2):  # with the payload and its Arguments
            below = [
                value.values() if type(value) is dict else value
                for value in level
                if type(value) in CONTAINERS
            ]
            if not below:
                return ""
            sizes = [len(each) for each in below]
            total += sum(sizes)
            if max(sizes) > self.elements:
                return f"a container must have at most {self.elements} elements here"
            if total > self.total:
                return f"a payload must have at most {self.total} elements in all here"
            level = list(chain.from_iterable(below))
        return f"an argument must nest at most {self.depth} containers here"


USUAL = Structure()
