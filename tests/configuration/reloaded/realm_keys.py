"""[[realm]] and what is within it: what is seen of each key once a reload has changed it."""

from __future__ import annotations

import time
from typing import Any

from tests.waiting import until
from wamplite.core.errors import WampliteError

from .house import ALL, Case, House

NAME = 'name = "home"'


def realm(before: str, after: str, more: str = "", **parts: str) -> dict[str, Any]:
    return {
        "before": {"realm": f"{before}\n{more}", **parts},
        "after": {"realm": f"{after}\n{more}", **parts},
    }


def permission(before: str, after: str, more: str = "") -> dict[str, Any]:
    lines = {"before": before, "after": after}
    return {when: {"permission": f"{line}\n{more}"} for when, line in lines.items()}


def table(name: str, before: str, after: str, more: str) -> dict[str, Any]:
    """Return a file before and after, in which a key of what is kept changes."""
    lines = {"before": before, "after": after}
    return {when: {"more": f"[[realm.{name}]]\n{line}\n{more}"} for when, line in lines.items()}


# ---- probes


def realms(house: House) -> list[str]:
    return list(house.router.realms)


def announced(house: House) -> bool:
    return "session_meta_api" in str(house.guest().welcome)


def sequence_matters(house: House) -> bool:
    """Tell whether somebody who was there before must keep to the sequence of requests."""
    if not hasattr(house, "ancient"):
        house.ancient = house.guest()  # type: ignore[attr-defined]
    wire = house.ancient  # type: ignore[attr-defined]
    wire.send(16, 7, {"acknowledge": True}, "a.t")
    assert wire.receive()[0] == 17
    wire.send(16, 50, {"acknowledge": True}, "a.t")
    return wire.receive()[0] == 3


def knows(authid: str, password: str = "s3cret") -> Any:
    def probe(house: House) -> bool:
        try:
            house.log_in(authid, password).leave()
        except WampliteError:
            return False
        return True

    return probe


def role(house: House) -> str:
    return str(house.guest().welcome[2]["authrole"])


class Asked:
    """Serves procedures that are asked about, and counts how often they are."""

    def __init__(self, slow: float = 0.0) -> None:
        self.slow = slow
        self.number = 0

    def serve(self, house: House) -> None:
        if not hasattr(house, "serving"):
            house.serving = True  # type: ignore[attr-defined]
            session = house.router.connect("home")
            house.opened.callback(session.leave)
            session.register("ask.who", self.who)
            session.register("ask.may", self.may)

    def who(self, realm: str, authid: str, about: Any) -> str:
        self._count()
        return "guest"

    def may(self, session: Any, uri: str, action: str, options: Any) -> bool:
        self._count()
        return True

    def _count(self) -> None:
        self.number += 1
        time.sleep(self.slow)

    def logs_in(self, house: House) -> bool:
        self.serve(house)
        return bool(knows("ann", "any")(house))

    def asked_for_two_logins(self, house: House) -> int:
        before = self.number
        return (self.logs_in(house) + self.logs_in(house)) * 0 + self.number - before

    def publishes(self, house: House) -> bool:
        self.serve(house)
        return house.guest().ask(16, 1, {"acknowledge": True}, "b.t")[0] == 17

    def asked_for_two_publications(self, house: House) -> int:
        self.serve(house)
        wire, before = house.guest(), self.number
        for number in (1, 2):
            assert wire.ask(16, number, {"acknowledge": True}, "b.t")[0] == 17
        return self.number - before


def may(code: int, uri: str, options: dict[str, Any] | None = None) -> Any:
    """Return what tells whether a guest is allowed something."""

    def probe(house: House) -> bool:
        answer = house.guest().ask(code, 1, options or {"acknowledge": True}, uri)
        return "wamp.error.not_authorized" not in answer

    return probe


def told_of_event(house: House) -> dict[str, Any]:
    return _told(house, 32, 16, "publisher", {"acknowledge": True})


def told_of_call(house: House) -> dict[str, Any]:
    return _told(house, 64, 48, "caller", {})


def _told(house: House, ask: int, say: int, who: str, options: Any) -> dict[str, Any]:
    listener, speaker = house.guest(), house.guest()
    listener.ask(ask, 1, {"invoke": "last"} if ask == 64 else {}, "a.told")
    speaker.send(say, 1, options, "a.told")
    details = listener.receive()[3]
    listener.close()
    until(lambda: house.router.sessions == 1)
    speaker.close()
    until(lambda: house.router.sessions == 0)
    return {key: True for key in details if key in (who, "trustlevel")}


def retained(*topics: str, args: Any = ("x",), wait: float = 0.0) -> Any:
    """Return what tells on how many of some topics an event stays that is retained now."""

    def probe(house: House) -> int:
        wire = house.guest()
        for number, topic in enumerate(topics, 1):
            wire.ask(16, number, {"acknowledge": True, "retain": True}, topic, list(args))
        time.sleep(wait)
        reader = house.guest()
        reader.send(32, 1, {"get_retained": True, "match": "prefix"}, "a.")
        reader.send(16, 2, {"acknowledge": True}, "b.end")
        got = 0
        while reader.receive()[0] != 17:
            got += 1
        return got - 1  # SUBSCRIBED

    return probe


def in_file(name: str) -> Any:
    return lambda house: (house.folder / name).exists()


def history(*topics: str, args: Any = ("x",), wait: float = 0.0) -> Any:
    """Return what tells how many events of some topics are kept of three each."""

    def probe(house: House) -> int:
        wire = house.guest()
        for number in range(3 * len(topics)):
            topic = topics[number % len(topics)]
            wire.ask(16, number + 1, {"acknowledge": True}, topic, list(args))
        time.sleep(wait)
        subscription = wire.ask(32, 90, {"match": "prefix"}, "a.")[2]
        answer = wire.ask(48, 91, {}, "wamp.subscription.get_events", [subscription])
        return len((answer[3:] or [[]])[0])

    return probe


def _case(asked: Asked, probe: str, **files: Any) -> dict[str, Any]:
    return {**files, "probe": getattr(asked, probe)}


WHO, MAY = 'authenticator = "ask.who"\n', 'authorizer = "ask.may"\n'
ONLY_A = 'uri = "a."\nmatch = "prefix"\nallow = ["call", "register", "publish", "subscribe"]'
EXACT = 'uri = "{}"\nallow = ["publish", "call", "register", "subscribe"]'
BIG = ("x" * 700,)
RESTART = "realm home: features: needs a restart of the router"

REALM = {
    "name": Case({"name": "home"}, {"name": "lab"}, realms, ["home"], ["lab"]),
    "features": Case(
        **realm('features = ["standard"]', 'features = ["basic"]'), probe=announced,
        was=True, becomes=True, told=RESTART,
    ),
    "strict": Case(
        **realm("strict = false", "strict = true"), probe=sequence_matters, was=False, becomes=True
    ),
    "users": Case(
        **realm('users = "users.toml"', 'users = "others.toml"'), probe=knows("joe"),
        was=True, becomes=False,
    ),
    "anonymous": Case(
        {"anonymous": "guest", "more": '[[realm.role]]\nname = "other"'},
        {"anonymous": "other", "more": '[[realm.role]]\nname = "other"'}, role, "guest", "other",
    ),
    "authenticator": Case(
        **_case(Asked(), "logs_in", **realm("", WHO)), was=False, becomes=True
    ),
    "authenticator_cache": Case(
        **_case(Asked(), "asked_for_two_logins",
                **realm("authenticator_cache = 0", "authenticator_cache = 60", WHO)),
        was=2, becomes=1,
    ),
    "authenticator_timeout": Case(
        **_case(Asked(0.5), "logs_in",
                **realm("authenticator_timeout = 5", "authenticator_timeout = 0.05", WHO)),
        was=True, becomes=False,
    ),
    "authorizer": Case(
        **_case(Asked(), "publishes", **realm("", MAY, permission=ONLY_A)), was=False, becomes=True
    ),
    "authorizer_cache": Case(
        **_case(Asked(), "asked_for_two_publications",
                **realm("authorizer_cache = 0", "authorizer_cache = 60", MAY, permission=ONLY_A)),
        was=2, becomes=1,
    ),
    "authorizer_timeout": Case(
        **_case(Asked(0.5), "publishes",
                **realm("authorizer_timeout = 5", "authorizer_timeout = 0.05", MAY,
                        permission=ONLY_A)),
        was=True, becomes=False,
    ),
}  # fmt: skip
ROLE = {"name": Case({"role": "guest"}, {"role": "other", "anonymous": "other"}, role,
                     "guest", "other")}  # fmt: skip
PERMISSION = {
    "uri": Case(
        **permission('uri = "a.t"', 'uri = "a.u"', 'allow = ["publish"]'), probe=may(16, "a.u"),
        was=False, becomes=True,
    ),
    "match": Case(
        **permission('match = "exact"', 'match = "prefix"', 'uri = "a"\nallow = ["publish"]'),
        probe=may(16, "a.u"), was=False, becomes=True,
    ),
    "allow": Case(
        **permission('allow = ["publish"]', 'allow = ["subscribe"]', 'uri = "a"'),
        probe=may(32, "a", {"match": "exact"}), was=False, becomes=True,
    ),
    "disclose_caller": Case(
        **permission("", 'disclose_caller = "always"', ALL), probe=told_of_call,
        was={}, becomes={"caller": True},
    ),
    "disclose_publisher": Case(
        **permission("", 'disclose_publisher = "always"', ALL), probe=told_of_event,
        was={}, becomes={"publisher": True},
    ),
    "trustlevel": Case(
        **permission("", "trustlevel = 3", ALL), probe=told_of_event,
        was={}, becomes={"trustlevel": True},
    ),
}  # fmt: skip
A = 'uri = "a."\nmatch = "prefix"\n'
RETAIN = {
    "uri": Case(
        **table("retain", 'uri = "a.t"', 'uri = "a.u"', "max_bytes = 1024"),
        probe=retained("a.t", args=BIG * 2), was=0, becomes=1,
    ),
    "match": Case(
        **table("retain", 'match = "exact"', 'match = "prefix"', 'uri = "a"\nmax_topics = 1'),
        probe=retained("a.t", "a.u"), was=2, becomes=1,
    ),
    "max_age": Case(
        **table("retain", "", 'max_age = "10 ms"', A), probe=retained("a.t", wait=0.05),
        was=1, becomes=0,
    ),
    "max_bytes": Case(
        **table("retain", "", "max_bytes = 1024", A), probe=retained("a.t", "a.u", args=BIG),
        was=2, becomes=1,
    ),
    "store": Case(
        **table("retain", "", 'store = "kept.db"', A), probe=in_file("kept.db"),
        was=False, becomes=True,
    ),
    "max_topics": Case(
        **table("retain", "", "max_topics = 1", A), probe=retained("a.t", "a.u"),
        was=2, becomes=1,
    ),
}  # fmt: skip
HISTORY = {
    "uri": Case(
        **table("history", 'uri = "a.t"', 'uri = "a.u"', ""), probe=history("a.u"),
        was=0, becomes=3,
    ),
    "match": Case(
        **table("history", 'match = "exact"', 'match = "prefix"', 'uri = "a"'),
        probe=history("a.u"), was=0, becomes=3,
    ),
    "max_age": Case(
        **table("history", "", 'max_age = "10 ms"', A), probe=history("a.t", wait=0.05),
        was=3, becomes=0,
    ),
    "max_bytes": Case(
        **table("history", "", "max_bytes = 2048", A), probe=history("a.t", args=BIG),
        was=3, becomes=2,
    ),
    "store": Case(
        **table("history", "", 'store = "past.db"', A), probe=in_file("past.db"),
        was=False, becomes=True,
    ),
    "max_events": Case(
        **table("history", "", "max_events = 1", A), probe=history("a.t"), was=3, becomes=1
    ),
}  # fmt: skip
