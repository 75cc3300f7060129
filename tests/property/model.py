"""What the models of a realm share: four seats, what is said, and what is expected of it.

A model says one message at a time and writes down what each session is sent for it. Behind each
step what was sent is compared: of a session all that it got, events of one subscription in their
order. Once all have left, nothing is left in any table.
"""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant

from tests.amounts import some
from tests.core.world import CALL, GOODBYE, Peer, World, take
from wamplite.core.feature import Factory

SEATS = st.integers(0, 3)
MATCHES = st.sampled_from(["exact", "prefix", "wildcard"])


def many(examples: int, steps: int = 200) -> settings:
    """Return settings for so many sequences of so many steps."""
    return settings(
        max_examples=some(examples),
        stateful_step_count=steps,
        derandomize=True,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )


def fits(match: str, pattern: str, topic: str) -> bool:
    """Tell in the plainest way whether a record gets a topic or procedure."""
    if match == "prefix":
        return topic.startswith(pattern)
    if match == "exact":
        return topic == pattern
    pairs = list(zip(pattern.split("."), topic.split("."), strict=False))
    same = len(pattern.split(".")) == len(topic.split("."))
    return same and all(want in ("", got) for want, got in pairs)


class Model(RuleBasedStateMachine):
    """Four seats; whoever leaves is followed by a new session on the same seat."""

    def __init__(self, *features: Factory, **options: Any) -> None:
        super().__init__()
        self.world = World(*features, **options)
        self.request = 0
        self.expected: list[tuple[Peer, list[Any]]] = []
        self.seats = [self.sit(seat) for seat in range(4)]

    def sit(self, seat: int) -> Peer:
        """Let a new session take a seat."""
        return self.world.join()

    def part(self, seat: int, politely: bool) -> Peer:
        """Have the session of a seat leave, by GOODBYE or without a word."""
        peer = self.seats[seat]
        if politely:
            self.world.send(peer, [GOODBYE, {}, "wamp.close.close_realm"])
            self.expect(peer, "GOODBYE", {}, "wamp.close.goodbye_and_out")
        else:
            self.world.lose(peer)
        return peer

    def say(self, seat: int, code: int, *rest: Any) -> tuple[Peer, int]:
        """Send a request under an id of its own; return who asks, and the id."""
        self.request += 1
        self.world.send(self.seats[seat], [code, self.request, *rest])
        return self.seats[seat], self.request

    def expect(self, peer: Peer, *message: Any) -> None:
        self.expected.append((peer, list(message)))

    def expect_error(self, peer: Peer, kind: int, request: int, error: str) -> None:
        self.expect(peer, "ERROR", kind, request, {}, error)

    def ask(
        self, seat: int, procedure: str, args: list[Any], kwargs: Any, answer: Any, more: Any = None
    ) -> None:
        """Call a procedure of the router's, whose answer is expected: its args, or an error.

        more: the kwargs of the answer.
        """
        peer, request = self.say(seat, CALL, {}, procedure, *payload_of(args, kwargs))
        if isinstance(answer, str):
            self.expect_error(peer, CALL, request, answer)
        else:
            self.expect(peer, "RESULT", request, {}, *payload_of(answer, more))

    @invariant()
    def everybody_was_sent_what_the_model_expects(self) -> None:
        expected, self.expected = self.expected, []
        for peer in self.world.peers:
            sent = in_groups([plain(message) for message in take(peer)])
            wanted = in_groups([message for to, message in expected if to is peer])
            assert sent == wanted, f"expected {wanted}, sent {sent}"

    def teardown(self) -> None:
        for peer in self.seats:
            self.world.lose(peer)
        assert self.world.is_empty()


def payload_of(args: list[Any], kwargs: Any) -> list[Any]:
    """Return what stands on the wire behind the details."""
    return [args, kwargs] if kwargs else [args] if args else []


def in_groups(messages: list[list[Any]]) -> dict[str, list[Any]]:
    """Return the events of each subscription in their order, and all others in any."""
    groups: dict[str, list[Any]] = {}
    for message in messages:
        name = f"EVENT {message[1]}" if message[0] == "EVENT" else "others"
        groups.setdefault(name, []).append(message)
    groups.get("others", []).sort(key=repr)
    return groups


def plain(message: list[Any]) -> list[Any]:
    """Leave out what the model cannot know: publication ids and the texts of errors."""
    match message:
        case ["EVENT", subscription, _, *rest]:
            return ["EVENT", subscription, "id", *rest]
        case ["PUBLISHED", request, _]:
            return ["PUBLISHED", request, "id"]
        case ["ABORT", _, reason]:
            return ["ABORT", "text", reason]
        case ["ERROR", kind, request, details, error, [str()]]:
            return ["ERROR", kind, request, details, error]
    return message
