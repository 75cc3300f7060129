"""How the arguments of each procedure of the router's are drawn, for a realm with every feature."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.property.judge import Judge, Seat

URIS = ["a", "a.b", "a.bc", "c.b", "c.d.b", "no good", "wamp.x"]
Asked = Callable[[Seat], tuple[list[Any], dict[str, Any]]]


def procedures(trial: Judge) -> dict[str, Asked]:
    """Return how the arguments of each procedure of the router's are drawn, by its name."""
    draw = trial.random.choice

    def of(*args: Any, **kwargs: Any) -> Asked:
        """Draw each argument that is a function, and some of the keywords."""
        return lambda seat: (
            [arg(seat) if callable(arg) else arg for arg in args],
            {key: draw(values) for key, values in kwargs.items() if draw([True, False])},
        )

    def held(kind: str) -> int:
        """Return what some session holds, or what nobody does."""
        return draw([number for seat in trial.seats for number in getattr(seat, kind)] or [1])

    def session(_: Seat) -> int:
        return draw(trial.seats).peer.member.session

    def subscription(_: Seat) -> int:
        return held("subscriptions")

    def registration(_: Seat) -> int:
        return held("registrations")

    def uri(_: Seat) -> str:
        return draw(URIS)

    def taken(kind: str) -> Asked:
        def from_whom(_: Seat) -> tuple[list[Any], dict[str, Any]]:
            other = draw(trial.seats)
            return [draw([*getattr(other, kind), 1]), other.peer.member.session], {}

        return from_whom

    why = {"reason": ["a.reason", "no reason"], "message": ["why"]}
    kind = {"kind": ["procedure", "topic", "error", "broken"]}
    found = {
        "session.count": of(), "session.list": of(["anonymous"]), "session.get": of(session),
        "session.kill": of(session, **why), "session.kill_all": of(**why),
        "session.kill_by_authid": of(lambda _: draw([*f"peer{session(_)}", "x"]), **why),
        "session.kill_by_authrole": of(lambda _: draw(["x", "x", "anonymous"]), **why),
        "session.add_testament": of(
            uri, [], {}, scope=["detached", "destroyed", "x"],
            publish_options=[{"retain": True}, {"exclude_me": False}],
        ),
        "session.flush_testaments": of(scope=["detached", "destroyed", "x"]),
        "subscription.get_events": of(subscription, limit=[1, 0], reverse=[True]),
        "subscription.remove_subscriber": taken("subscriptions"),
        "registration.remove_callee": taken("registrations"),
        "reflect.define": of(uri, lambda _: draw([None, {"text": "x"}]), **kind),
        "reflect.describe": of(uri, **kind),
    }  # fmt: skip
    of_records = (
        ("subscription", subscription, "subscribers"),
        ("registration", registration, "callees"),
    )
    for record, number, who in of_records:
        found |= {f"{record}.{name}": of(number) for name in ("get", f"list_{who}", f"count_{who}")}
        found |= {f"{record}.{name}": of(uri) for name in ("lookup", "match")}
        found[f"{record}.list"] = of()
    for name in ("procedure", "topic", "error"):
        found[f"reflection.{name}.list"] = of(prefix=["a"], after=["a.b"])
        found[f"reflection.{name}.describe"] = of(uri)
    return found
