"""What procedures tell of themselves, and what a session finds out about others."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, Optional

import pytest

import wamplite
from tests.waiting import until
from wamplite import Event, Invocation, Router, Session
from wamplite.advanced.reflection import KEPT
from wamplite.client.describing import describe, schema


class Mode(enum.Enum):
    OFF = "off"
    HEAT = "heat"


@dataclass
class Place:
    room: str
    floor: int = 0
    tags: list[str] = field(default_factory=list)


def heat(target: float, minutes: int = 10, *, mode: Mode, note: str | None = None) -> bool:
    """Heat a room.

    Until it is warm.
    """
    return True


def whatever(first, /, *others, details, **more):  # type: ignore[no-untyped-def]
    return first


class Oven:
    def start(self, degrees: int, invocation: Invocation) -> None: ...

    def __call__(self, place: Place) -> dict[str, float]:
        return {}


def test_a_function_tells_its_docstring_and_what_it_takes() -> None:
    assert describe(heat) == {
        "description": "Heat a room.\n\nUntil it is warm.",
        "args": {
            "type": "array",
            "prefixItems": [
                {"title": "target", "type": "number"},
                {"title": "minutes", "type": "integer", "default": 10},
            ],
            "minItems": 1,
            "maxItems": 2,
        },
        "kwargs": {
            "type": "object",
            "properties": {
                "target": {"type": "number"},
                "minutes": {"type": "integer", "default": 10},
                "mode": {"enum": ["off", "heat"]},
                "note": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
            },
            "required": ["mode"],
            "additionalProperties": False,
        },
        "result": {"type": "boolean"},
    }


def test_what_a_function_does_not_say_may_be_anything() -> None:
    assert describe(whatever) == {
        "args": {"type": "array", "prefixItems": [{"title": "first"}], "minItems": 1},
        "kwargs": {"type": "object", "properties": {}, "required": []},
    }


def test_methods_and_others_that_can_be_called_are_described() -> None:
    told = describe(Oven().start)
    assert [item["title"] for item in told["args"]["prefixItems"]] == ["degrees"]
    assert told["result"] == {"type": "null"}
    assert describe(partial(heat, 20.0))["args"]["minItems"] == 0
    called = describe(Oven())
    assert called["args"]["prefixItems"][0]["title"] == "place"


def test_an_annotation_that_names_nothing_is_none() -> None:
    def broken(number: Nowhere) -> Nothing: ...  # type: ignore[name-defined]  # noqa: F821

    assert describe(broken)["args"]["prefixItems"] == [{"title": "number"}]


@pytest.mark.parametrize(
    ("hint", "told"),
    [
        (Any, {}),
        (object, {}),
        (None, {"type": "null"}),
        (type(None), {"type": "null"}),
        (bool, {"type": "boolean"}),
        (str, {"type": "string"}),
        (bytes, {"type": "string", "contentEncoding": "base64"}),
        (list, {"type": "array"}),
        (dict, {"type": "object"}),
        (list[int], {"type": "array", "items": {"type": "integer"}}),
        (Iterator[int], {}),
        (tuple[int, ...], {"type": "array", "items": {"type": "integer"}}),
        (
            tuple[int, str],
            {
                "type": "array",
                "prefixItems": [{"type": "integer"}, {"type": "string"}],
                "minItems": 2,
            },
        ),
        (dict[str, float], {"type": "object", "additionalProperties": {"type": "number"}}),
        (Optional[int], {"anyOf": [{"type": "integer"}, {"type": "null"}]}),  # noqa: UP045
        (Literal["a", 1], {"enum": ["a", 1]}),
        (
            Place,
            {
                "type": "object",
                "properties": {
                    "room": {"type": "string"},
                    "floor": {"type": "integer"},
                    "tags": {"type": "array", "items": {"type": "string"}},
                },
                "required": ["room"],
            },
        ),
        (Event, {}),
    ],
)
def test_annotations_become_schemas(hint: Any, told: Any) -> None:
    assert schema(hint) == told


# With a router


@pytest.fixture
def session() -> Iterator[Session]:
    with Router(features="all") as router, router.connect() as session:
        yield session


def test_a_session_tells_and_is_told(session: Session) -> None:
    reflection = session.reflection
    reflection.define("com.app.heat", heat)
    reflection.define("com.app.reading", {"unit": "C"}, kind="topic")
    assert reflection.describe("com.app.heat") == describe(heat)
    assert reflection.describe("com.app.reading", kind="topic") == {"unit": "C"}
    assert reflection.describe("com.app.none") is None
    session.register("com.app.other", print)
    assert list(reflection.uris()) == ["com.app.heat", "com.app.other"]
    assert list(reflection.uris("topic", prefix="com.app.")) == ["com.app.reading"]
    reflection.define("com.app.heat", None)
    assert list(reflection.uris(prefix="com.app.h")) == []


def test_all_pages_of_a_list_are_given(session: Session) -> None:
    made = [f"com.app.p{number:04}" for number in range(1020)]
    for uri in made:
        session.register(uri, print)
    assert list(session.reflection.uris()) == made


def test_a_procedure_describes_itself(session: Session) -> None:
    session.register("com.app.heat", heat, options={"describe": True})
    assert session.reflection.describe("com.app.heat") == describe(heat)


def test_a_procedure_that_is_given_up_is_described_no_longer(session: Session) -> None:
    registration = session.register("com.app.heat", heat, options={"describe": True})
    registration.unregister()
    assert session.reflection.describe("com.app.heat") is None


def test_a_procedure_that_cannot_be_described_is_not_served(session: Session) -> None:
    def wordy() -> None: ...

    wordy.__doc__ = "x" * KEPT
    with pytest.raises(wamplite.ApplicationError, match="a definition may have"):
        session.register("com.app.wordy", wordy, options={"describe": True})
    assert session.meta.registrations() == []
    session.register("com.app.wordy", wordy)


def test_a_function_without_a_signature_tells_its_docstring(session: Session) -> None:
    session.register("com.app.max", max, options={"describe": True})
    told = session.reflection.describe("com.app.max")
    assert told is not None and list(told) == ["description"]


def test_a_component_describes_its_procedures_in_each_session() -> None:
    with Router(features="all") as router:
        url = router.listen("tcp://127.0.0.1:0").replace("tcp", "rs")
        component = wamplite.Component(url)

        @component.register("com.app.heat", options=wamplite.RegisterOptions(describe=True))
        def heat(target: float) -> None:
            """Heat."""

        with component, router.connect() as session:
            ids = set()
            for number in (1, 2):
                until(lambda: session.reflection.describe("com.app.heat"))
                told = session.reflection.describe("com.app.heat")
                assert told and told["description"] == "Heat."
                [other] = [
                    s["session"] for s in session.meta.sessions() if s["session"] != session.id
                ]
                ids.add(other)
                assert len(ids) == number
                session.meta.kill(other)


def test_a_router_without_it_has_no_place_for_that() -> None:
    with Router() as router, router.connect() as session:
        with pytest.raises(wamplite.ApplicationError, match="lacks the feature reflection"):
            session.register("com.app.heat", heat, options={"describe": True})
        with pytest.raises(wamplite.UsageError, match="option describe must be a bool"):
            session.register("com.app.heat", heat, options={"describe": "yes"})
        with pytest.raises(wamplite.NoSuchProcedure):
            session.reflection.describe("com.app.heat")
        session.register("com.app.heat", heat)  # nothing was left behind
