"""What all serializers do alike: names, values, limits, faults."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from tests.each import for_each
from tests.processes import ROOT
from tests.serializers.sameness import same
from wamplite import serializers
from wamplite.core.errors import ProtocolError, UsageError
from wamplite.serializers import Serializer
from wamplite.serializers.json import FastJson, Json

ALL = [Json(), FastJson(), serializers.get("msgpack"), serializers.get("cbor")]
VALUES: list[Any] = [
    None, True, False, 0, 1, -1, 23, 24, 127, 128, 255, 256, 2**16, 2**31, 2**32, 2**53 + 1,
    2**63 - 1, 2**63, 2**64 - 1, -24, -25, -33, -128, -129, -(2**15), -(2**31), -(2**63) + 1,
    -(2**63),
    0.0, -0.0, 1.0, 1.5, -2.25, 1e16, 1e22, 2.0**63, -(2.0**63), 1e300, 5e-324, sys.float_info.max,
    "", "text", "ä€😀", "\u2028", "\x7f", "a\0b", "\ud7ff\ue000", "-0", "\\ud800", '"[{',
    "x" * 70_000,
    b"", b"\0", b"\xff" * 300, bytes(70_000), [], [[]], {}, {"": {}}, {"\0key": 1}, {"ä": [b"\1",
    {}]},
    list(range(300)), {str(i): i for i in range(300)}, [1.0] * 40_000,
]  # fmt: skip
serializer_of_each = pytest.mark.parametrize("serializer", ALL, ids=lambda one: type(one).__name__)


def nested(depth: int, kind: type = list) -> Any:
    """Return so many containers, one within the other."""
    value: Any = [] if kind is list else {}
    for _ in range(depth - 1):
        value = [value] if kind is list else {"k": value}
    return value


@serializer_of_each
def test_every_value_comes_back_as_it_was(serializer: Serializer) -> None:
    def check(value: Any) -> None:
        message = [48, 7, {}, "com.example.echo", [value], {"value": value}]
        assert same(serializer.loads(serializer.dumps(message)), message)
        serializers.check_payload([value], {"value": value})
        copy = serializers.copy_payload([value])
        assert same(copy, [value])

    for_each(((value,) for value in VALUES), check)


@serializer_of_each
@pytest.mark.parametrize("rest", [[], [[1, "x"]], [[], {"k": [b"\1"]}]])
def test_a_message_that_is_written_gets_another_head(serializer: Serializer, rest: Any) -> None:
    head, other = [36, 7, {}], [36, 10**9, {"topic": "com.example.t"}]
    written = serializer.dumps(head + rest)
    assert serializer.with_head(written, head, other) == serializer.dumps(other + rest)


@serializer_of_each
@pytest.mark.parametrize("kind", [list, dict])
def test_an_argument_nests_64_containers_and_not_65(serializer: Serializer, kind: type) -> None:
    deep, deeper = nested(64, kind), nested(65, kind)
    for tail in ([[deep]], [[], {"k": deep}]):
        message = [16, 7, {}, "com.example.deep", *tail]
        assert serializer.loads(serializer.dumps(message)) == message
    for tail in ([[deeper]], [[], {"k": deeper}]):
        written = serializer.dumps([16, 7, {}, "com.example.deep", *tail])
        with pytest.raises(ProtocolError, match="at most 64 containers"):
            serializer.loads(written)
    serializers.check_payload([deep], {"k": deep})
    for args, kwargs in (([deeper], None), (None, {"k": deeper})):
        with pytest.raises(ProtocolError, match="at most 64 containers"):
            serializers.check_payload(args, kwargs)


def message_of(*args: Any, **kwargs: Any) -> list[Any]:
    return [16, 7, {}, "com.example.many", list(args), kwargs]


@serializer_of_each
def test_a_container_has_65536_elements_and_not_one_more(serializer: Serializer) -> None:
    longest = [None] * 65_536
    widest = dict.fromkeys(map(str, range(65_536)))
    for good in (message_of(longest), message_of(*longest), message_of(**widest)):
        assert serializer.loads(serializer.dumps(good)) == good
    longest.append(None)
    widest["more"] = None
    for bad in (message_of(longest), message_of(*longest), message_of(**widest), longest):
        with pytest.raises(ProtocolError, match="a container must have at most 65536 elements"):
            serializer.loads(serializer.dumps(bad))


@serializer_of_each
def test_a_payload_has_100000_elements_and_not_one_more(serializer: Serializer) -> None:
    half: list[Any] = [1] * 49_999
    good = message_of(half, value=half)  # 2 + 99,998
    assert serializer.loads(serializer.dumps(good)) == good
    with pytest.raises(ProtocolError, match="at most 100000 elements in all"):
        serializer.loads(serializer.dumps(message_of(half, 1, value=half)))
    flat: list[Any] = [1] * 50_000
    with pytest.raises(ProtocolError, match="at most 100000 elements in all"):
        serializer.loads(
            serializer.dumps([16, 7, {}, "a.b", flat, {str(i): 1 for i in range(50_001)}])
        )


@serializer_of_each
def test_what_the_router_tells_besides_does_not_make_a_payload_too_large(
    serializer: Serializer,
) -> None:
    largest = [[1] * 49_999, [1] * 49_999]
    for message in (
        [16, 7, {}, "a.b", largest],
        [36, 7, 8, {"topic": "a.b", "publisher": 5, "retained": False}, largest],
    ):
        assert serializer.loads(serializer.dumps(message)) == message


@pytest.mark.long
@serializer_of_each
def test_a_million_empty_containers_are_refused(serializer: Serializer) -> None:
    for empty in ([], {}):
        written = serializer.dumps([16, 7, {}, "a.b", [[empty] * 60_000] * 6])
        with pytest.raises(ProtocolError, match="elements"):
            serializer.loads(written)


@serializer_of_each
@pytest.mark.parametrize("cut", [1, 5, 20])
def test_half_a_message_and_more_than_a_message_are_refused(
    serializer: Serializer, cut: int
) -> None:
    written = serializer.dumps([48, 7, {}, "com.example.add2", [2.5, "three", b"4"], {"a": []}])
    for wrong in (written[:-cut], written + written[:cut], b"", written + b"\0"):
        with pytest.raises(ProtocolError):
            serializer.loads(wrong)


BAD = {  # values that no serializer may let pass, as each of them could be written
    "json": [
        b"1e400",
        b"-9223372036854775809",
        b"18446744073709551616",
        b'"\\u0000-"',
        b'"\\ud800"',
    ],
    "msgpack": [b"\xcb\x7f\xf0" + bytes(6), b"\xa1\0", b"\x81\1\2", b"\xd4\1\2"],
    "cbor": [
        b"\xf9\x7e\0",
        b"\x3b" + b"\xff" * 8,
        b"\x61\0",
        b"\xa1\1\2",
        b"\xc2\x49\1" + bytes(8),
    ],
}


@serializer_of_each
@pytest.mark.parametrize(
    "texts", [[], ["x" * 5000], ["x" * 70_000], ["x" * 50] * 200, ["x,"] * 40_000]
)
def test_a_bad_value_is_found_beside_few_long_texts_and_many_short_ones(
    serializer: Serializer, texts: list[str]
) -> None:
    written = serializer.dumps([48, 70_000, {}, "com.example.echo", [texts, 7_654_321]])
    assert serializer.loads(written)[4] == [texts, 7_654_321]
    good = serializer.dumps([7_654_321])[1:].rstrip(b"]")
    for bad in BAD[serializer.name]:
        with pytest.raises(ProtocolError):
            serializer.loads(written.replace(good, bad))


@serializer_of_each
def test_what_cannot_be_written_is_our_callers_fault(serializer: Serializer) -> None:
    with pytest.raises(UsageError, match="cannot carry the message"):
        serializer.dumps([48, 7, {}, "a.b", [object()]])
    assert serializer.loads(serializer.dumps([48, 8, {}, "a.b"])) == [48, 8, {}, "a.b"]


@serializer_of_each
def test_a_value_that_holds_itself_is_our_callers_fault(serializer: Serializer) -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(UsageError, match="cannot carry the message"):
        serializer.dumps([48, 7, {}, "a.b", endless])


@serializer_of_each
def test_what_is_no_list_comes_back_for_the_parser_to_refuse(serializer: Serializer) -> None:
    for value in (1, "text", {"a": [1.5]}, None):
        assert serializer.loads(serializer.dumps(value)) == value  # type: ignore[arg-type]


def test_serializers_are_had_by_name() -> None:
    assert serializers.available() == serializers.NAMES == ("json", "msgpack", "cbor")
    for name in serializers.NAMES:
        one = serializers.get(name)
        assert one.name == name
        assert one.binary == (name != "json")
        assert one is not serializers.get(name)


def test_another_name_is_refused_with_those_that_exist() -> None:
    with pytest.raises(UsageError, match="must be one of json, msgpack, cbor, not 'xml'"):
        serializers.get("xml")


def run(code: str) -> str:
    """Run a program in a fresh interpreter, and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("name", "library", "package"), [("cbor", "cbor2", "'cbor2<6'"), ("msgpack",) * 3]
)
def test_a_missing_library_is_named_with_the_way_to_get_it(
    name: str, library: str, package: str
) -> None:
    shown = run(
        "import sys\n"
        f"sys.modules['{library}'] = None\n"
        "from wamplite import serializers\n"
        f"try: serializers.get('{name}')\n"
        "except ValueError as error: print(error)"
    )
    assert shown == f"serializer {name} needs {library}: pip install {package}"


def test_json_works_without_orjson() -> None:
    shown = run(
        "import sys\n"
        "sys.modules['orjson'] = None\n"
        "from wamplite import serializers\n"
        "one = serializers.get('json')\n"
        "print(type(one).__name__, one.loads(one.dumps([1, b'x'])))"
    )
    assert shown == "Json [1, b'x']"


def test_libraries_are_imported_by_the_first_use() -> None:
    shown = run(
        "import sys\n"
        "from wamplite import serializers\n"
        "serializers.available(), serializers.check_payload([1], None)\n"
        "print(sorted({'msgpack', 'cbor2', 'orjson', 'json'} & set(sys.modules)))"
    )
    assert shown == "[]"
