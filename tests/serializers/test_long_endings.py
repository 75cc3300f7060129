"""Messages that end with a long text or binary are read a quick way: as those with a short one."""

from __future__ import annotations

import json
import random
from typing import Any

import msgpack
import pytest

from wamplite import serializers
from wamplite.core.errors import ProtocolError
from wamplite.core.unfit import Uncarriable
from wamplite.serializers.json import Json

LONG = 600
VALUES: list[Any] = [
    0, 127, 128, 255, 65_535, 65_536, 2**32, 2**53, 2**63, 2**64 - 1, -1, -33, 1.5, True, None,
    "", "a", "x" * 31, "x" * 32, "x" * 300, "\0", "\0ab", "é" * 15, b"", b"b",
    {}, {"acknowledge": True}, {"acknowledge": 1}, {"\0": True}, {"a": True, "b": False}, [], [[]],
]  # fmt: skip
ENDINGS: list[Any] = ["x", "é", "\0", "ab[{", "9", "\n", '"', b"y", b"\0"]
ODD = b'[]{}",0123456789\\ tfn\0\x80\x81\x91\xa1\xc0\xc4\xcb\xd9\xff'


def outcome(loads: Any, octets: bytes) -> str:
    try:
        return f"value {loads(octets)!r}"
    except (ProtocolError, Uncarriable) as error:
        return f"{type(error).__name__} {error}"


def as_text(octets: bytes) -> str:
    return "b" * len(octets)


def messages(count: int) -> list[Any]:
    """Return messages with anything before a long ending; always the same."""
    chosen, made = random.Random(11), []
    for _ in range(count):
        ending = chosen.choice(ENDINGS)
        arguments = [*chosen.choices(VALUES, k=chosen.randrange(3)), ending * LONG]
        head = [48, chosen.randrange(1, 2**33), *chosen.choices(VALUES, k=chosen.randrange(3))]
        made.append(
            [*head, arguments, {"k": ending}] if chosen.random() < 0.1 else [*head, arguments]
        )
    return made


def spoiled(octets: bytes, chosen: random.Random) -> bytes:
    """Return the octets with a few others among the first or last of them, or cut, or longer."""
    data = bytearray(octets)
    for _ in range(chosen.choice([0, 1, 1, 2])):
        data[chosen.randrange(-5, 40)] = chosen.choice(ODD)
    return bytes(data[: len(data) - chosen.choice([0, 0, 1])]) + chosen.choice([b"", b"", b"]"])


@pytest.mark.parametrize("name", ["json", "msgpack"])
def test_what_stands_before_is_asked_all_the_same(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    serializer, chosen = serializers.get(name), random.Random(12)
    module = f"wamplite.serializers.{name}"
    found = set()
    for message in messages(3000):
        if name == "msgpack":
            octets = msgpack.packb(message)
        else:
            text = json.dumps(message, default=as_text, separators=(",", ":"))
            octets = text.encode()
        for data in (octets, spoiled(octets, chosen)):
            quick = outcome(serializer.loads, data)
            with monkeypatch.context() as patched:
                patched.setattr(f"{module}._begin_with_short", lambda _: None)
                slow = outcome(serializer.loads, data)
            assert quick == slow, data
            found.add(quick.split()[0])
    assert found == {"value", "ProtocolError", "Uncarriable"}


@pytest.mark.parametrize("name", ["json", "msgpack"])
def test_the_quick_way_is_taken(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No question is asked of what most large messages are."""
    serializer = serializers.get(name)
    if type(serializer) is Json:
        pytest.skip("orjson is not installed")
    module = f"wamplite.serializers.{name}"
    for question in ("check_message", "check_small", "check_depth", "check_headers", "check_all"):
        monkeypatch.setattr(f"{module}.{question}", None, raising=False)
    endings: list[Any] = ["x" * LONG, "x" * 100_000]
    endings += [bytes(LONG), bytes(100_000)] if name == "msgpack" else []
    for ending in endings:
        for message in (
            [48, 1, {}, "com.example.echo", [ending]],
            [16, 70_000, {"acknowledge": True}, "com.example.topic", [5, "name", ending]],
            [70, 2**33, {}, [ending]],
        ):
            assert serializer.loads(serializer.dumps(message)) == message
