"""What users hand over: what passes as it is, what is converted, and how the rest is refused."""

from __future__ import annotations

import array
import enum
import ipaddress
import uuid
from collections import OrderedDict, defaultdict, namedtuple
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from pathlib import PurePosixPath
from queue import SimpleQueue
from typing import Any

import pytest

import wamplite
from tests.client.scripted import PATIENCE
from wamplite.client.plain import to_plain
from wamplite.client.values import FEW, check_request, check_uri, in_order, sendable
from wamplite.core.errors import UsageError
from wamplite.serializers.payload import MAX_LENGTH, MAX_TOTAL


class Colour(enum.Enum):
    RED = "red"


class Number(enum.IntEnum):
    ONE = 1


class Word(str, enum.Enum):
    A = "a"


class Float(float):
    """As numpy.float64 is one."""


class Bytes(bytes):
    """A subclass."""


Point = namedtuple("Point", "x y")  # noqa: PYI024


@dataclass
class Reading:
    value: Any
    when: datetime


class Scalar:
    """What numpy's scalars and arrays have in common."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def tolist(self) -> Any:
        return self._value


Scalar.__module__, Scalar.__qualname__ = "numpy", "bool"
NOON = datetime(2026, 11, 26, 12, 0, 0, 5, timezone.utc)


def same(one: Any, other: Any) -> bool:
    """Compare values and, all the way down, their exact types."""
    if type(one) is not type(other) or one != other:
        return False
    if isinstance(one, dict):
        return all(same(one[key], other[key]) and type(key) is str for key in one)
    return not isinstance(one, list) or all(map(same, one, other))


SUBCLASSES = [
    (Number.ONE, 1),
    (Word.A, "a"),
    (Float(1.5), 1.5),
    (Bytes(b"\0"), b"\0"),
    (bytearray(b"\1"), b"\1"),
    (memoryview(b"\2"), b"\2"),
    (Point(1, Float(2.5)), [1, 2.5]),
    (OrderedDict(b=1, a=Number.ONE), {"b": 1, "a": 1}),
    (defaultdict(list, {Word.A: [Number.ONE]}), {"a": [1]}),
]


@pytest.mark.parametrize(("value", "plain"), SUBCLASSES, ids=lambda value: type(value).__name__)
def test_a_subclass_goes_out_as_its_base(value: Any, plain: Any) -> None:
    args, kwargs = sendable([0, value], {"k": [value]}, None)
    assert same(args, [0, plain])
    assert same(kwargs, {"k": [plain]})


def test_an_ordered_dict_keeps_its_order() -> None:
    ordered = OrderedDict(a=1, b=2)
    ordered.move_to_end("a")
    [[made]], _ = sendable([[ordered]], {}, None)
    assert list(made) == ["b", "a"]


def test_what_passes_is_handed_on_as_it_is() -> None:
    args, kwargs = [1, [2.5, {"a": (b"", None)}]], {"k": ["é"]}
    made = sendable(args, kwargs, to_plain)
    assert made[0] is args
    assert made[1] is kwargs


ODD = [
    (NOON, "2026-11-26T12:00:00.000005Z"),
    (datetime(2026, 11, 26, 1, 2, 3), "2026-11-26T01:02:03"),
    (date(2026, 11, 26), "2026-11-26"),
    (time(1, 2, 3), "01:02:03"),
    (timedelta(seconds=90), 90.0),
    (Decimal("21.5"), 21.5),
    (Fraction(1, 2), 0.5),
    (uuid.UUID(int=5), "00000000-0000-0000-0000-000000000005"),
    (Colour.RED, "red"),
    (frozenset({1}), [1]),
    ({"a"}, ["a"]),
    (PurePosixPath("/tmp/x"), "/tmp/x"),
    (ipaddress.ip_address("127.0.0.1"), "127.0.0.1"),
    (ipaddress.ip_address("::1"), "::1"),
    (array.array("i", [1, 2]), [1, 2]),
    (Scalar(True), True),
    (Scalar([[1.5, NOON]]), [[1.5, "2026-11-26T12:00:00.000005Z"]]),
    (Reading(Decimal(1), NOON), {"value": 1.0, "when": "2026-11-26T12:00:00.000005Z"}),
]


@pytest.mark.parametrize(("value", "plain"), ODD, ids=lambda value: type(value).__name__)
def test_to_plain_converts_what_sensors_and_databases_bring(value: Any, plain: Any) -> None:
    args, kwargs = sendable([{"deep": [value]}], {"k": value}, to_plain)
    assert same(args, [{"deep": [plain]}])
    assert same(kwargs, {"k": plain})


REMEDY = r"; convert it, or connect\(default=wamplite.to_plain\)"


@pytest.mark.parametrize(
    ("args", "kwargs", "text"),
    [
        ([1, NOON], {}, r"argument 2: a value must be None, .*, not datetime.datetime" + REMEDY),
        ([Scalar(True)], {}, "argument 1: .*, not numpy.bool" + REMEDY),
        ([[0, {"when": [NOON]}]], {}, r"argument 1\[1\]\['when'\]\[0\]: .*, not datetime.datetime"),
        ([], {"unit": {1}}, "argument unit: .*, not set" + REMEDY),
        ([], {"unit": (None, 1j)}, r"argument unit\[1\]: .*, not complex" + REMEDY),
        ([{1: 2}], {}, "argument 1: a key of a dict must be a string, not int"),
        ([{"a": {Number.ONE: 2}}], {}, r"argument 1\['a'\]: a key .*, not .*Number"),
        ([], {5: 1}, "a key of a dict must be a string, not int"),
        ([Float("nan")], {}, "argument 1: a float must be finite"),
        ([1, {"a": [Number.ONE, 2**64]}], {}, "argument 2: an integer must lie"),
    ],
)
def test_what_cannot_be_sent_is_named_with_place_type_and_remedy(
    args: Any, kwargs: Any, text: str
) -> None:
    with pytest.raises(UsageError, match=f"^{text}"):
        sendable(args, kwargs, None)


def fail(value: Any) -> Any:
    raise KeyError("x")


@pytest.mark.parametrize(
    ("default", "text"),
    [
        (
            to_plain,
            r"argument 1\[0\]: .* and default= failed for complex: TypeError: to_plain does",
        ),
        (fail, r"argument 1\[0\]: .* and default= failed for complex: KeyError: 'x'"),
        (lambda value: value, r"argument 1\[0\]: .* and default= returned complex again"),
        (lambda value: 2**64, "argument 1: an integer must lie"),
    ],
)
def test_a_default_that_does_not_help_is_named(default: Any, text: str) -> None:
    with pytest.raises(UsageError, match=text) as refused:
        sendable([[1j]], {}, default)
    assert (refused.value.__cause__ is None) == ("failed" not in text)


def test_a_default_that_never_ends_ends() -> None:
    with pytest.raises(UsageError, match="argument 1: "):
        sendable([1j], {}, lambda value: [value])


@pytest.mark.parametrize("odd", [Number.ONE, 1j])
def test_what_is_too_much_is_refused_soon(odd: Any) -> None:
    loop: list[Any] = [odd]
    loop.append(loop)
    wide: Any = [odd]
    for _ in range(60):
        wide = [wide] * 60
    for value in (loop, wide, [odd] * 70_000):
        with pytest.raises(UsageError):
            sendable([value], {}, lambda value: 1)


# ---- through a router


@pytest.fixture(params=["rs", "in process"])
def session(request: pytest.FixtureRequest) -> Iterator[wamplite.Session]:
    with wamplite.Router() as router:
        if request.param == "rs":
            url = router.listen("rs://127.0.0.1:0")
            with wamplite.connect(url, default=wamplite.to_plain) as session:
                yield session
        else:
            with router.connect(default=wamplite.to_plain) as session:
                yield session


def test_a_default_serves_calls_results_and_errors(session: wamplite.Session) -> None:
    text = "2026-11-26T12:00:00.000005Z"

    def serve(*args: Any, fails: bool, **kwargs: Any) -> Any:
        assert (args, kwargs) == ((text,), {"when": text})
        if fails:
            raise wamplite.ApplicationError("com.app.error", NOON, at={NOON})
        return {"when": NOON}

    session.register("com.app.p", serve)
    assert session.call("com.app.p", NOON, fails=False, when=NOON) == {"when": text}
    assert session.call_result("com.app.p", [NOON], {"fails": False, "when": NOON}).args == [
        {"when": text}
    ]
    with pytest.raises(wamplite.ApplicationError) as refused:
        session.call("com.app.p", NOON, fails=True, when=NOON)
    assert refused.value.args == (text,)
    assert refused.value.kwargs == {"at": [text]}


def test_a_default_serves_events() -> None:
    came: SimpleQueue[Any] = SimpleQueue()
    with wamplite.Router() as router, router.connect() as subscriber:
        subscriber.subscribe("com.app.t", lambda *args, **kwargs: came.put((args, kwargs)))
        with router.connect(default=str) as publisher:
            publisher.publish("com.app.t", Colour.RED, k=1j)
            publisher.publish_args("com.app.t", [1j], {"options": {2}})
            given = [("com.app.t", [1j], {"k": Number.ONE}, {"acknowledge": True})]
            [outcome] = publisher.publish_all(given)
            assert outcome.error is None
        assert [came.get(timeout=PATIENCE) for _ in range(3)] == [
            (("Colour.RED",), {"k": "1j"}),
            (("1j",), {"options": "{2}"}),
            (("1j",), {"k": 1}),
        ]


def test_without_a_default_every_verb_names_the_argument() -> None:
    with wamplite.Router() as router, router.connect() as session:
        text = r" of com.app.p: argument 2\['at'\]: .*, not datetime.datetime; convert it"
        for verb in (session.call, session.publish):
            with pytest.raises(wamplite.UsageError, match=verb.__name__.upper() + text):
                verb("com.app.p", 1, {"at": NOON})
        [outcome] = session.publish_all([("com.app.p", [1, {"at": NOON}], {}, None)])
        assert "argument 2['at']: " in str(outcome.error)
        session.register("com.app.p", lambda: {"at": NOON})
        with pytest.raises(wamplite.ApplicationError, match=r"result: .*\['at'\].*to_plain"):
            session.call("com.app.p")


# ---- what is asked of our own caller


@pytest.mark.parametrize(
    "args",
    [
        [],
        [None, True, 1, "text", "é", b"\0", 1.5, [], {}],
        [2**64 - 1, -(2**63)],
        ["x"] * (FEW + 1),
        [(1, 2)],
    ],
)
def test_what_every_router_takes_passes(args: Any) -> None:
    check_request("CALL", "com.app.p", args, {})
    check_request("CALL", "com.app.p", [], {"key": args})


@pytest.mark.parametrize(
    ("args", "kwargs", "text"),
    [
        ([1, 2**64], {}, "argument 2"),
        (["\0"], {}, "argument 1"),
        (["\ud800"], {}, "argument 1"),
        ([1], {"b": {1}}, "argument b"),
        ([1], {"\ud800": 1}, "arguments"),
        (["x"] * 70_000, {}, "arguments"),
    ],
)
def test_what_none_takes_is_named(args: Any, kwargs: Any, text: str) -> None:
    with pytest.raises(UsageError, match=f"CALL of com.app.p: {text}: "):
        check_request("CALL", "com.app.p", args, kwargs)


@pytest.mark.parametrize("uri", ["", "a..b", 5, None, "a."])
def test_a_uri_is_checked(uri: Any) -> None:
    with pytest.raises(UsageError, match="CALL: .* is not a valid URI"):
        check_request("CALL", uri, [], {})


def test_a_pattern_may_have_empty_components() -> None:
    check_uri("SUBSCRIBE", "com..t", "wildcard")
    check_uri("SUBSCRIBE", "com.", "prefix")
    with pytest.raises(UsageError):
        check_uri("SUBSCRIBE", "com..t", "exact")
    with pytest.raises(UsageError):
        check_uri("SUBSCRIBE", "com. t", "prefix")


def test_uri_and_handler_come_in_any_order() -> None:
    assert in_order("com.app.p", print) == in_order(print, "com.app.p") == ("com.app.p", print)
    assert in_order("com.app.p", None) == ("com.app.p", None)
    for wrong in ((print, print), (print, None), (5, "com.app.p")):
        with pytest.raises(UsageError, match="expected a URI and a handler"):
            in_order(*wrong)


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        ([Number.ONE] * MAX_LENGTH, [1] * MAX_LENGTH),
        (
            {str(at): Number.ONE for at in range(MAX_LENGTH)},
            {str(at): 1 for at in range(MAX_LENGTH)},
        ),
        (
            [[Number.ONE] * MAX_LENGTH, [Number.ONE] * (MAX_TOTAL - MAX_LENGTH - 3)],
            [[1] * MAX_LENGTH, [1] * (MAX_TOTAL - MAX_LENGTH - 3)],
        ),
    ],
    ids=["list", "dict", "in all"],
)
def test_what_is_as_much_as_may_be_is_converted(value: Any, plain: Any) -> None:
    ((sent,), _) = sendable([value], {}, None)
    assert sent == plain and repr(sent) == repr(plain)
