"""What calls return and what handlers are given, beyond plain arguments."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
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
    running: Any = None  # see below; None: it is not being served

    @property
    def canceled(self) -> bool:
        """Whether the caller has canceled the call, or left: nobody waits for the answer."""
        return self.running is not None and self.running.canceled

    def check(self) -> None:
        """Raise Canceled where the call was canceled; in a loop it ends what takes long."""
        if self.running is not None:
            self.running.check()

    def wait(self, seconds: float | None = None) -> bool:
        """Sleep, and wake up at once when the call is canceled: then it returns True."""
        return self.running is not None and self.running.wait(seconds)

    def progress(self, *args: Any, **kwargs: Any) -> None:
        """Send a partial result, if the caller wants such. Raises Canceled."""
        if self.running is not None:
            self.running.progress(list(args), kwargs)

    def parts(self) -> Iterator[Result]:
        """Give the arguments of a call that sends them in parts, as they come. Raises Canceled."""
        if self.running is None:
            yield Result(self.args, self.kwargs, self.details)
            return
        for part in self.running.parts():
            yield Result(part.args or (), part.kwargs, part.details)
