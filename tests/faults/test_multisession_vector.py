"""The specification's vectors of several sessions, played against a router.

A runner as their README wants it: symbolic ids stand for real ones. Requests get the next id of
their session, what the router chooses is bound on first sight and must then stay the same, args are
compared exactly, details as a subset; after the last step nobody is sent anything more.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.sessions import Session, open_session
from tests.shared import files, parameters

VECTORS = files("vectors/multisession/**/*.json")
ELEMENTS: dict[str, list[str]] = {
    "SUBSCRIBE": ["request_id", "options", "topic"],
    "SUBSCRIBED": ["request_id", "subscription_id"],
    "PUBLISH": ["request_id", "options", "topic", "args", "kwargs"],
    "PUBLISHED": ["request_id", "publication_id"],
    "EVENT": ["subscription_id", "publication_id", "details", "args", "kwargs"],
}
CODES = {"SUBSCRIBE": 32, "SUBSCRIBED": 33, "PUBLISH": 16, "PUBLISHED": 17, "EVENT": 36}


@pytest.fixture(scope="module")
def options() -> list[str]:
    return ["--feature", "publisher_exclusion"]


@pytest.fixture(params=parameters([pytest.param(path, id=path.stem) for path in VECTORS]))
def vector(request: pytest.FixtureRequest) -> Any:
    return json.loads(Path(request.param).read_text())


@pytest.fixture
def sessions(port: int, vector: Any, dialect: str) -> Iterator[dict[str, Session]]:
    """Open the sessions that a vector names."""
    opened = {}
    for one in vector["sessions"]:
        session = open_session(port, dialect, join=False)
        session.say(1, one["realm"], {"roles": {role: {} for role in one["roles"]}})
        assert session.hear()[0] == 2
        opened[one["session_id"]] = session
    yield opened
    for session in opened.values():
        session.close()


class Play:
    """One vector on its way: which real ids its symbols stand for, and who got how many EVENTs."""

    def __init__(self, sessions: dict[str, Session]) -> None:
        self.sessions = sessions
        self.bound: dict[tuple[str, Any], Any] = {}  # (element, symbol) -> real id
        self.events = dict.fromkeys(sessions, 0)

    def step(self, step: dict[str, Any]) -> None:
        """Send what a session says, or await what the router must say."""
        message = step["message"]
        if step["from"] == "router":
            self.hear(step["to"], message)
        else:
            self.say(step["from"], message)

    def say(self, name: str, message: dict[str, Any]) -> None:
        session = self.sessions[name]
        session.request += 1
        self.bound["request_id", message["request_id"]] = session.request
        array = [CODES[message["type"]], session.request]
        array += [message[key] for key in ELEMENTS[message["type"]][1:] if key in message]
        session.say(*array)

    def hear(self, name: str, message: dict[str, Any]) -> None:
        code, *elements = self.sessions[name].hear()
        assert code == CODES[message["type"]]
        self.events[name] += message["type"] == "EVENT"
        keys = ELEMENTS[message["type"]]
        heard = dict(zip(keys, elements, strict=False))
        assert set(message) - {"type"} <= set(heard)
        for key, real in heard.items():
            self.compare(key, message.get(key), real)

    def compare(self, key: str, expected: Any, real: Any) -> None:
        if key.endswith("_id"):
            assert self.bound.setdefault((key, expected), real) == real
        elif key == "details":
            assert {**real, **(expected or {})} == real
        else:
            assert real == expected, key

    def nobody_is_sent_more(self) -> None:
        assert all(session.is_served() for session in self.sessions.values())


def test_the_sequence_is_played_as_it_stands(vector: Any, sessions: dict[str, Session]) -> None:
    play = Play(sessions)
    for step in vector["sequence"]:
        play.step(step)
    play.nobody_is_sent_more()
    outcome = vector["expected_outcome"]
    assert sum(play.events.values()) == outcome["event_count"]
    assert [name for name, count in play.events.items() if count] == outcome["event_recipients"]
    for session in sessions.values():
        session.leave()


def test_a_publisher_gets_no_event_of_its_own_unless_it_asks(port: int, dialect: str) -> None:
    session = open_session(port, dialect)
    session.subscribe("faults.own")
    session.say(16, 2, {"exclude_me": True}, "faults.own")
    session.request = 2
    assert session.is_served()
    session.close()
