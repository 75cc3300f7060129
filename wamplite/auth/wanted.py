"""What a request needs a permission for: an action with a URI or pattern."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ..core.messages import Call, Publish, Register, Subscribe

ACTION: dict[type, str] = {
    Call: "call",
    Register: "register",
    Publish: "publish",
    Subscribe: "subscribe",
}
WORDS = {"publish": "publish to", "subscribe": "subscribe to"}


class Wanted(NamedTuple):
    """What must be allowed; "exact" stands for a URI, another match for a pattern."""

    action: str
    uri: str
    match: str = "exact"

    def __str__(self) -> str:
        what = repr(self.uri) if self.match == "exact" else f"{self.uri!r} by match {self.match!r}"
        return f"{WORDS.get(self.action, self.action)} {what}"


def wanted_by(request: Any, implied: Mapping[str, Any]) -> Iterator[Wanted]:
    """Yield all that a request needs a permission for.

    implied: what procedures of the router's own will do in their caller's name. Raises Refused
    where the arguments of such a call do not say it; what comes before has been yielded then.
    """
    kind, uri = type(request), request[2]
    match = request.options.get("match", "exact") if kind in (Register, Subscribe) else "exact"
    yield Wanted(ACTION[kind], uri, match)
    if kind is Call and uri in implied:
        further = implied[uri](request)
        if further is not None:
            yield Wanted(ACTION[further[0]], further[1])
