"""Authorization against a model of a page: nobody ever gets or does what the model forbids.

Sessions with all features call, register, publish and subscribe at random, by patterns, with
retained events, history, meta procedures, testaments and roles that change. Each payload says of
itself what it is about, and has a number: the model keeps its own account of numbers and roles, and
judges what stands on the wire by it alone.

WAMPLITE_STEPS=1000000 runs it long; a failure names its seed and step.
"""

from __future__ import annotations

import itertools
import random
from collections import Counter
from functools import partial
from typing import Any, NamedTuple

import pytest

from tests.amounts import steps
from tests.auth.rights import Guarded
from tests.core.world import (
    CALL,
    ERROR,
    GOODBYE,
    INVOCATION,
    PUBLISH,
    REGISTER,
    SUBSCRIBE,
    UNREGISTER,
    UNSUBSCRIBE,
    YIELD,
    Peer,
    only,
    take,
)
from wamplite import features
from wamplite.advanced import event_history
from wamplite.auth.permissions import Permission

STEPS = steps(24_000)
CANCEL = 49
ACTIONS = ("call", "register", "publish", "subscribe")
CODES = {CALL: "call", REGISTER: "register", PUBLISH: "publish", SUBSCRIBE: "subscribe"}
DENIED = "wamp.error.not_authorized"
NEVER = "wamp.error.option_disallowed.disclose_me"
AUTHIDS = ["joe", "ann", "bob", "a.joe", "joe.", "*", "joe\n", "#", "{role}"]
URIS = ["a", "a.b", "a.b.c", "a.joe.c", "a.ann.c", "b.b", "b.joe", "ab", "ab.c", "c.x.y", "joe"]
PATTERNS = ["", "a", "a.", "a.b", ".b", "a..c", "..", "b", "ab", "a.joe.", "c", "a.{authid}.",
            "b.{authid}", "{authid}", "a..{role}", "wamp", "wamp.subscription."]  # fmt: skip
TOPICS = ["wamp.session.on_join", "wamp.session.on_leave", "wamp.reflect.on_define"]
TOPICS += [f"wamp.{kind}.{event}" for kind in ("registration", "subscription")
           for event in ("on_create", "on_delete")]  # fmt: skip
META = ["wamp.session.count", "wamp.session.kill", "wamp.session.kill_by_authid",
        "wamp.session.add_testament", "wamp.session.list", "wamp.registration.list",
        "wamp.registration.get", "wamp.registration.match", "wamp.subscription.list",
        "wamp.subscription.lookup", "wamp.subscription.get", "wamp.subscription.list_subscribers",
        "wamp.subscription.get_events", "wamp.reflect.define", "wamp.reflection.procedure.list",
        "wamp.reflect.describe", "wamp.registration.remove_callee"]  # fmt: skip
PARTS = ["a", "b", "c", "ab", "joe", "ann", "bob", "x", "y", "aq", "bq", "joeq"]
ALL = [".".join(each) for n in (1, 2, 3) for each in itertools.product(PARTS, repeat=n)]
ALL += (
    [f"{uri}.q.q" for uri in PARTS]
    + TOPICS
    + META
    + ["wamp", "wampq", "wampq.b", "wamp.b", "wamp.q", "wamp.subscription.q"]
)


EVERY = frozenset([*URIS, *TOPICS])


class Rule(NamedTuple):
    """A permission, as the model has it."""

    uri: str
    match: str
    allow: frozenset[str]
    disclose: str = "asked"
    level: int | None = None

    @property
    def order(self) -> Any:
        """The best first; of two alike the one that names nobody."""
        place = ("exact", "prefix", "wildcard").index(self.match)
        empty = [not part for part in self.uri.split(".")]
        return place, -len(self.uri) if self.match == "prefix" else 0, empty

    def real(self) -> Permission:
        told = {"disclose_caller": self.disclose, "disclose_publisher": self.disclose}
        return Permission(self.uri, self.match, self.allow, trustlevel=self.level, **told)  # type: ignore[arg-type]


def fits(match: str, pattern: str, uri: str) -> bool:
    if match == "prefix":
        return uri[: len(pattern)] == pattern
    mine, its = pattern.split("."), uri.split(".")
    if match == "exact":
        return mine == its
    return len(mine) == len(its) and all(map(lambda want, got: want in ("", got), mine, its))


class Model:
    """What each role may do, found in the plainest way."""

    def __init__(self, roles: dict[str, list[Rule]], says: Any) -> None:
        self.roles, self.says = roles, says
        self.found: dict[Any, Rule | None] = {}

    def rules(self, seat: Seat) -> list[Rule]:
        """The rules of a session's role, those without a name first, with its own names in it."""
        rules = sorted(self.roles.get(seat.role, ()), key=lambda rule: "{" in rule.uri)
        return [
            rule._replace(uri=rule.uri.format(authid=seat.authid, role=seat.role))
            for rule in rules
            if seat.authid.isalpha() or "{authid}" not in rule.uri
        ]

    def best(self, seat: Seat, uri: str) -> Rule | None:
        key = seat.role, seat.authid, uri
        if key not in self.found:
            fitting = [rule for rule in self.rules(seat) if fits(rule.match, rule.uri, uri)]
            self.found[key] = min(fitting, key=lambda rule: rule.order, default=None)
        return self.found[key]

    def may(self, seat: Seat, action: str, uri: str) -> bool:
        rule = self.best(seat, uri)
        if rule is None:
            return self.says is not None and bool(self.says(seat.authid, uri, action))
        return action in rule.allow

    def may_all(self, seat: Seat, action: str, match: str, uri: str) -> bool:
        return all(self.may(seat, action, each) for each in ALL if fits(match, uri, each))

    def may_any(self, seat: Seat, action: str, match: str, uri: str) -> bool:
        return any(self.may(seat, action, each) for each in ALL if fits(match, uri, each))

    def might_any(self, seat: Seat, action: str, match: str, uri: str) -> bool:
        """Whether a rule allows one of them, though others may forbid it."""
        found = [each for each in ALL if fits(match, uri, each)]
        rules = [rule for rule in self.rules(seat) if action in rule.allow]
        return not found or any(
            fits(rule.match, rule.uri, each) for rule in rules for each in found
        )

    def sees(self, seat: Seat, topic: str) -> bool:
        """An authorizer that has allowed a pattern has allowed what no rule speaks of."""
        if self.may(seat, "subscribe", topic):
            return True
        return self.says is not None and self.best(seat, topic) is None and any(
            fits(match, uri, topic) and self.says(seat.authid, uri, "subscribe")
            for match, uri in seat.subscriptions.values()
        )  # fmt: skip

    def knows(self, seat: Seat, uri: str) -> bool:
        """Whether a session may be told of a URI, or of a pattern that is written so."""
        held = [*seat.subscriptions.values(), *seat.registrations.values()]
        if self.says is not None and uri in [mine for _, mine in held]:
            return True
        rule = self.best(seat, uri)
        return bool(rule and rule.allow) or any(
            self.might_any(seat, action, match, uri)
            for match in ("prefix", "wildcard")
            for action in (ACTIONS if uri in PATTERNS else ())
        )


class Seat:
    """One session, and what it has done."""

    def __init__(self, peer: Peer, authid: str, role: str) -> None:
        self.peer, self.authid, self.role = peer, authid, role
        self.request = 0
        self.asked: dict[int, tuple[int, str, str, dict[str, Any]]] = {}
        self.subscriptions: dict[int, tuple[str, str]] = {}
        self.registrations: dict[int, tuple[str, str]] = {}
        self.open: dict[int, int] = {}  # invocation -> the number of its call
        self.denied: set[int] = set()  # calls that would do what is forbidden
        self.wills: list[tuple[str, int]] = []


class Trial:
    """Seats that do anything, and the judge of what they are sent."""

    def __init__(self, seed: int, says: Any = None) -> None:
        self.random = random.Random(seed)
        self.model = Model(self.some_roles(), says)
        history = partial(event_history.ForRouter, ["prefix:"])
        asked = (
            None if says is None else lambda who, uri, action, _: says(who["authid"], uri, action)
        )
        self.world = Guarded(self.real(), *features.for_router(["all", history]), authorizer=asked)
        self.numbers = itertools.count(1000)
        self.about: dict[int, tuple[Seat, str, dict[str, Any]]] = {}  # number -> who, URI, options
        self.forbidden: set[int] = set()
        self.since = 0  # numbers from this one on were sent with these roles
        self.records: dict[tuple[str, int], str] = {}  # (kind, id) -> URI
        self.killers: set[str] = set()  # who may have ended others since all were read
        self.said: Counter[str] = Counter()
        self.seats = [self.sit() for _ in range(5)]

    def some_roles(self) -> dict[str, list[Rule]]:
        draw = self.random
        names = draw.sample(["x", "y", "c"], draw.choice([2, 3, 3]))
        return {name: self.some_rules() for name in sorted(names)}

    def some_rules(self) -> list[Rule]:
        draw, rules = self.random, {}
        for _ in range(draw.randint(1, 9)):
            match = draw.choice(["exact", "prefix", "wildcard"])
            among = [*URIS, *TOPICS, *META, "a.{authid}.c"] if match == "exact" else PATTERNS
            uri = draw.choice(among)
            if match == "prefix":
                uri = uri.replace("..", ".").lstrip(".") + "." * uri.endswith("}")
            allow = frozenset(draw.sample(ACTIONS, draw.choice([0, 1, 2, 4, 4])))
            disclose = draw.choice(["asked", "asked", "always", "never"])
            rules[match, uri] = Rule(uri, match, allow, disclose, draw.choice([None, None, 3, 7]))
        if draw.random() < 0.6:
            rules["prefix", "wamp."] = Rule("wamp.", "prefix", frozenset(ACTIONS))
        return list(rules.values())

    def real(self) -> dict[str, list[Permission]]:
        return {name: [rule.real() for rule in rules] for name, rules in self.model.roles.items()}

    def sit(self) -> Seat:
        authid, role = self.random.choice(AUTHIDS), self.random.choice(sorted(self.model.roles))
        peer = self.world.come(role, authid)
        assert only(peer)[0] == "WELCOME"
        return Seat(peer, authid, role)

    # ---- what is done

    def step(self) -> None:
        acts = [(12, self.subscribe), (14, self.publish), (12, self.register), (16, self.call),
                (14, self.ask_the_router), (16, self.answer), (4, self.give_up), (2, self.leave),
                (3, self.cancel), (1, self.revise), (2, self.tick)]  # fmt: skip
        [(_, act)] = self.random.choices(acts, [weight for weight, _ in acts])
        act(self.random.choice(self.seats))
        self.read()

    def send(self, seat: Seat, code: int, options: dict[str, Any], uri: str, *more: Any) -> int:
        seat.request += 1
        match = options.get("match", "exact")
        seat.asked[seat.request] = code, match, uri, options
        self.world.send(seat.peer, [code, seat.request, options, uri, *more])
        return seat.request

    def payload(self, seat: Seat, action: str, uri: str, options: dict[str, Any]) -> list[Any]:
        """Return what says of itself what it is about; nobody may see it that is not allowed."""
        number = next(self.numbers)
        self.about[number] = seat, uri, options
        if not self.model.may(seat, action, uri):
            self.forbidden.add(number)
        return [uri, number]

    def some(self, **options: Any) -> dict[str, Any]:
        return {key: value for key, value in options.items() if self.random.random() < 0.35}

    def a_match(self) -> str:
        return self.random.choice(["exact", "prefix", "wildcard"])

    def subscribe(self, seat: Seat) -> None:
        match = self.a_match()
        uri = self.random.choice([*URIS, *TOPICS] if match == "exact" else PATTERNS[:11])
        self.send(seat, SUBSCRIBE, {"match": match, **self.some(get_retained=True)}, uri)

    def register(self, seat: Seat) -> None:
        match = self.a_match()
        uri = self.random.choice(URIS if match == "exact" else PATTERNS[:11])
        invoke = self.random.choice(["single", "roundrobin", "first"])
        options = self.some(force_reregister=True, disclose_caller=True, concurrency=1)
        self.send(seat, REGISTER, {"match": match, "invoke": invoke, **options}, uri)

    def publish(self, seat: Seat) -> None:
        uri = self.random.choice([*URIS, *TOPICS])
        options = self.some(acknowledge=True, retain=True, disclose_me=True, exclude_authid=["ann"])
        self.send(seat, PUBLISH, options, uri, self.payload(seat, "publish", uri, options))

    def call(self, seat: Seat) -> None:
        uri = self.random.choice(URIS)
        options = self.some(disclose_me=True, receive_progress=True, progress=True)
        payload = self.payload(seat, "call", uri, options)
        request = self.send(seat, CALL, options, uri, payload)
        if options.get("progress"):
            self.world.send(seat.peer, [CALL, request, {}, uri, payload])

    def cancel(self, seat: Seat) -> None:
        self.world.send(seat.peer, [CANCEL, self.random.randint(1, seat.request + 1), {}])

    def ask_the_router(self, seat: Seat) -> None:
        draw, uri = self.random, self.random.choice(META)
        other = draw.choice(self.seats)
        about = draw.choice([*URIS, *PATTERNS[:11]])
        record = draw.choice([*self.records, ("", 1)])[1]
        args: list[Any] = {"kill": [other.peer.member.session], "kill_by_authid": [other.authid],
                           "get": [record], "get_events": [record], "list_subscribers": [record],
                           "remove_callee": [record, other.peer.member.session],
                           "list": [], "count": []}.get(uri.split(".")[-1], [about])  # fmt: skip
        may = self.model.may(seat, "call", uri)
        if uri.endswith(("kill", "kill_by_authid")) and may:
            self.killers.add(seat.authid)
        if uri.endswith("define"):
            args = [about, {"said": about}]
        if uri.endswith("add_testament"):
            about = draw.choice(URIS)
            payload = self.payload(seat, "publish", about, {})
            args = [about, payload, {}]
            if may and payload[1] not in self.forbidden:
                seat.wills.append((about, payload[1]))
            self.forbidden.add(payload[1])  # until the session ends
        request = self.send(seat, CALL, {}, uri, args)
        implied = {"add_testament": "publish", "define": "register"}.get(uri.split(".")[-1])
        if implied and not self.model.may(seat, implied, about):
            seat.denied.add(request)

    def answer(self, seat: Seat) -> None:
        if not seat.open:
            return
        invocation = self.random.choice(sorted(seat.open))
        number = seat.open.pop(invocation)
        error = [ERROR, INVOCATION, invocation, {}, "wamp.error.unavailable"]
        result = [YIELD, invocation, {}, ["answer", number]]
        self.world.send(seat.peer, error if self.random.random() < 0.4 else result)

    def give_up(self, seat: Seat) -> None:
        kind, held = self.random.choice(
            [(UNSUBSCRIBE, seat.subscriptions), (UNREGISTER, seat.registrations)]
        )
        if held:
            seat.request += 1
            number = self.random.choice(sorted(held))
            self.world.send(seat.peer, [kind, seat.request, number])
            self.read()
            held.pop(number, None)

    def leave(self, seat: Seat) -> None:
        self.end(seat)
        if self.random.random() < 0.5:
            self.world.send(seat.peer, [GOODBYE, {}, "wamp.close.close_realm"])
        else:
            self.world.lose(seat.peer)

    def end(self, seat: Seat) -> None:
        """Let another session sit there; what it has left is published, as far as it may be now."""
        self.read_will(seat)
        if seat in self.seats:
            self.seats[self.seats.index(seat)] = self.sit()

    def read_will(self, seat: Seat) -> None:
        for uri, number in seat.wills:
            if self.model.may(seat, "publish", uri):
                self.forbidden.discard(number)
        seat.wills.clear()

    def tick(self, _: Seat) -> None:
        self.world.time.tick(self.random.random())

    def revise(self, _: Seat) -> None:
        self.read()
        self.model = Model(self.some_roles(), self.model.says)
        self.since = next(self.numbers)
        self.world.revise(self.real())
        for seat in self.seats:
            seat.asked.clear()  # what was in flight may have ended in any way
            gone = seat.role not in self.model.roles
            assert gone is (not seat.peer.member.open) or self.model.says is not None, "who stays"
        self.read()

    # ---- what is judged

    def read(self) -> None:
        for _ in range(20):
            for seat in self.seats:
                if not seat.peer.member.open:
                    self.read_will(seat)
            for seat in list(self.seats):
                for name, *message in take(seat.peer):
                    self.said[name] += 1
                    getattr(self, f"on_{name.lower()}", lambda *_: None)(seat, *message)
            gone = [seat for seat in self.seats if not seat.peer.member.open]
            for seat in gone:
                self.end(seat)
            if not gone:
                break
        self.killers.clear()

    def may(self, seat: Seat, action: str, match: str, uri: str) -> bool | None:
        """What the model says of a request; None: either may happen."""
        if match == "exact":
            return self.model.may(seat, action, uri)
        if self.model.says is not None:
            return None
        whole = action == "register"
        said = (self.model.may_all if whole else self.model.may_any)(seat, action, match, uri)
        return None if said and whole else said  # several rules together are not looked at

    def on_subscribed(self, seat: Seat, request: int, number: int) -> None:
        _, match, uri, _ = seat.asked.pop(request)
        if match == "exact":
            assert self.model.may(seat, "subscribe", uri), f"SUBSCRIBED to {uri}"
        elif self.model.says is None:
            assert self.model.might_any(seat, "subscribe", match, uri), f"SUBSCRIBED to {uri}"
        seat.subscriptions[number] = match, uri
        self.records["subscription", number] = uri

    def on_registered(self, seat: Seat, request: int, number: int) -> None:
        _, match, uri, _ = seat.asked.pop(request)
        if self.model.says is None:
            assert self.model.may_all(seat, "register", match, uri), f"REGISTERED {match} {uri}"
        seat.registrations[number] = match, uri
        self.records["registration", number] = uri

    def on_published(self, seat: Seat, request: int, _: int) -> None:
        _, match, uri, _ = seat.asked.pop(request)
        assert self.model.may(seat, "publish", uri), f"PUBLISHED to {uri}"

    def on_unsubscribed(self, seat: Seat, request: int, *details: Any) -> None:
        if not request:
            seat.subscriptions.pop(details[0]["subscription"])

    def on_unregistered(self, seat: Seat, request: int, *details: Any) -> None:
        if not request:
            seat.registrations.pop(details[0]["registration"])

    def on_event(
        self, seat: Seat, number: int, _: int, details: Any, args: Any = (), *kwargs: Any
    ) -> None:
        match, uri = seat.subscriptions[number]
        topic = details.get("topic", uri)
        if is_payload(args):
            topic, serial = args
            self.judge(serial, details, "publisher", {})
            assert fits(match, uri, topic)
        elif "session" not in topic:
            self.judge_uris(seat, topic, args)
        assert self.model.sees(seat, topic), f"an EVENT of {topic}"

    def on_invocation(
        self, seat: Seat, number: int, registration: int, details: Any, args: Any
    ) -> None:
        match, uri = seat.registrations[registration]
        procedure, serial = args
        seat.open[number] = serial
        registered = {} if details.get("caller") is None else {"disclose_caller": True}
        self.judge(serial, details, "caller", registered)
        assert fits(match, uri, procedure)
        if match == "exact" or self.model.says is None:
            assert self.model.may(seat, "register", procedure), f"an INVOCATION of {procedure}"

    def judge(self, serial: int, details: Any, role: str, registered: Any) -> None:
        """Judge what was published or called, and what is told of who did it."""
        who, uri, options = self.about[serial]
        assert serial not in self.forbidden, f"{uri} was never allowed to {who.authid}"
        rule = self.model.best(who, uri)
        if rule is None or "retained" in details or serial < self.since:
            return  # what is told was found when it was sent, perhaps by roles before these
        is_first = role in details or "trustlevel" in details  # a further part tells nothing
        told = details.get(f"{role}_authid")
        wished = {**options, **registered}
        if rule.disclose == "never":
            assert told is None, f"{role} of {uri} is told"
        elif rule.disclose == "always":
            assert told == who.authid or not is_first, f"{role} of {uri} is not told"
        else:
            assert told is None or wished, f"{role} of {uri} is told"
        if rule.level is not None and "trustlevel" in details:
            assert details["trustlevel"] == rule.level

    def judge_uris(self, seat: Seat, what: str, told: Any) -> None:
        """Judge what the router itself tells: no URI that is forbidden."""
        if isinstance(told, dict):
            for key, value in told.items():
                self.judge_uris(seat, what, value if key != "match" else None)
        elif isinstance(told, (list, tuple)):
            for value in told:
                self.judge_uris(seat, what, value)
        elif isinstance(told, str) and (told in URIS or told in PATTERNS) and told not in AUTHIDS:
            assert self.model.knows(seat, told), f"{what} tells of {told}"

    def on_result(
        self, seat: Seat, request: int, details: Any, args: Any = (), *kwargs: Any
    ) -> None:
        asked = seat.asked.get(request)
        if asked is None:
            return
        _, _, uri, _ = asked
        assert self.model.may(seat, "call", uri) or uri in URIS, f"a RESULT of {uri}"
        assert request not in seat.denied, f"{uri} did what is forbidden"
        if uri.endswith("get_events"):
            for event in args:
                if is_payload(event.get("args")):
                    topic, serial = event["args"]
                    self.judge(serial, {"retained": True}, "publisher", {})
                    assert self.model.sees(seat, topic), f"the history of {topic}"
        elif uri.startswith("wamp.re") or "subscription" in uri:
            self.judge_uris(seat, uri, args)
            kind = uri.split(".")[1]
            numbers = [n for found in (args or ()) for n in flat(found)]
            if "list" in uri and "list_" not in uri and kind in ("registration", "subscription"):
                for number in numbers:
                    record = self.records.get((kind, number))
                    assert record is None or self.model.knows(seat, record), f"{uri} lists {record}"

    def on_error(self, seat: Seat, code: int, request: int, _: Any, error: str, *rest: Any) -> None:
        asked = seat.asked.get(request)
        if asked is None:
            return
        _, match, uri, options = asked
        may = self.may(seat, CODES[code], match, uri)
        implied = uri.endswith(("add_testament", "define"))
        if error == DENIED and self.model.says is None and code in CODES:
            ended = code == CALL and uri in URIS  # in flight while roles changed
            assert not may or implied or ended, f"{CODES[code]} {match} {uri} was refused"
        if error == NEVER:
            rule = self.model.best(seat, uri)
            assert rule is not None and rule.disclose == "never"
        elif may is False and self.model.says is None:
            assert error in (DENIED, "wamp.error.canceled"), f"{uri}: {error} instead of a plain no"

    def on_goodbye(self, seat: Seat, details: Any, reason: str) -> None:
        if reason == "wamp.close.killed":
            assert self.killers, "killed by somebody who may not"

    def on_abort(self, seat: Seat, *rest: Any) -> None:
        assert "progress" in str(rest) or "belongs to a call" in str(rest), rest


def is_payload(args: Any) -> bool:
    """Tell whether this is what a session has sent, and not the router itself."""
    return isinstance(args, list) and len(args) == 2 and type(args[1]) is int and args[0] in EVERY


def flat(value: Any) -> list[int]:
    if isinstance(value, dict):
        return [number for each in value.values() for number in flat(each)]
    if isinstance(value, (list, tuple)):
        return [number for each in value for number in flat(each)]
    return [value] if type(value) is int else []


def run(trial: Trial, seed: int, steps: int) -> Counter[str]:
    for number in range(steps):
        try:
            trial.step()
        except AssertionError as error:
            raise AssertionError(f"seed {seed}, step {number}: {error}") from error
    return trial.said


@pytest.mark.sampled
@pytest.mark.parametrize("seed", range(4))
def test_nobody_ever_gets_or_does_what_the_model_forbids(seed: int) -> None:
    said = run(Trial(seed), seed, STEPS // 4)
    rare = {"EVENT", "INVOCATION", "RESULT", "SUBSCRIBED", "REGISTERED", "PUBLISHED"}
    assert all(said[name] > STEPS / 4000 for name in rare), said


def says(authid: str, uri: str, action: str) -> bool:
    """What an authorizer says: the same whenever it is asked."""
    return random.Random(f"{authid} {uri} {action}").random() < 0.4


@pytest.mark.parametrize("seed", range(2))
def test_nobody_does_what_an_authorizer_forbids(seed: int) -> None:
    said = run(Trial(100 + seed, says), seed, STEPS // 8)
    assert said["EVENT"] > STEPS / 4000 and said["INVOCATION"] > STEPS / 4000, said
