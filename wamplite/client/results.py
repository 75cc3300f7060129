"""What calls return and what handlers are given, beyond plain arguments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple


class Result:
    """A result of any number of values: `call_result` returns it, a procedure may return it.

    `return Result([1, 2], {"unit": "C"})`
    """

    __slots__ = ("args", "kwargs", "details")

    def __init__(
        self,
        args: Iterable[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        details: dict[str, Any] | None = None,
    ) -> None:
        self.args = list(args)
        self.kwargs = dict(kwargs or {})
        self.details = details if details is not None else {}

    def __repr__(self) -> str:
        return f"Result({self.args!r}, {self.kwargs!r})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Result):
            return NotImplemented
        return (self.args, self.kwargs) == (other.args, other.kwargs)

    __hash__ = None  # type: ignore[assignment]  # it holds lists


class Event(NamedTuple):
    """An event, whole: for a handler with a parameter annotated `Event`."""

    topic: str
    args: list[Any]
    kwargs: dict[str, Any]
    details: dict[str, Any]
    publication: int
    subscription: int


class Invocation(NamedTuple):
    """A call to serve, whole: for a handler with a parameter annotated `Invocation`."""

    procedure: str
    args: list[Any]
    kwargs: dict[str, Any]
    details: dict[str, Any]
    request: int
    registration: int
