"""`--set KEY=VALUE` of `wamplite serial`: every key of a port, typed as in a file."""

from __future__ import annotations

import argparse

import pytest

from tests.bridge.responder import checksum
from wamplite.bridge.settings import BridgeSettings, BufferSettings, PortSettings
from wamplite.cli import serial
from wamplite.core.errors import UsageError


def settings(*given: str) -> BridgeSettings:
    parser = argparse.ArgumentParser()
    serial.configure(parser)
    words = [word for one in given for word in ("--set", one)]
    options = parser.parse_args(["/dev/ttyXX", "--publish", "a.b", "--parity", "E", *words])
    return serial.settings_of(options)


def port(*given: str) -> PortSettings:
    return settings(*given).ports[0]


def test_values_are_of_the_types_of_toml_and_else_texts() -> None:
    keys = ("strip_parity=true", "settle=0.5", "silence=2 min", "prompt=^> $", "parity=O")
    made = port(*keys)
    assert (made.strip_parity, made.settle, made.silence) == (True, 0.5, 120)
    assert (made.prompt, made.parity) == ("^> $", "O")  # before --parity


def test_a_key_may_stand_in_a_table_or_in_the_last_of_an_array() -> None:
    polls = '{every = 5, write = "T", reply = "(.+)", topic = "a.t"}'
    keys = ("publish.retain=true", f"poll=[{polls}, {polls}]", "poll.timeout=3")
    made = port(*keys, 'framing.start="\\u0002"', "framing.kind=delimiter")
    assert made.publish[0].topic == "a.b"
    assert made.publish[0].retain
    assert [poll.timeout for poll in made.polls] == [1.5, 3.0]
    assert made.framing.make().feed(b"\x02a\n") == [b"a"]


def test_a_word_becomes_a_table_when_a_key_of_it_is_set() -> None:
    words = ("framing.checksum=crc16-modbus", "framing.checksum.byteorder=little")
    proved = b"T=21" + checksum(b"T=21")
    assert port(*words).framing.make().feed(proved + b"\n") == [proved]
    made = port("framing=lines", "framing.max_bytes=7", "decode=pairs", "decode.scale={a = 2}")
    assert made.framing.make().feed(b"a=1\na=12345678\na=2\n") == [b"a=1", b"a=2"]
    assert made.decode.decoder().decode(b"a=1").kwargs == {"a": 2}
    poll = ("poll.every=5", "poll.write=T", "poll.topic=a.t", "poll.reply=T=(?P<t>.+)")
    (asked,) = port(*poll, "poll.reply.types={t = 'int'}").polls
    assert asked.reply is not None
    assert asked.reply.decoder().decode(b"T=21").kwargs == {"t": 21}


def test_a_first_table_of_an_array_is_begun() -> None:
    made = port('init.write="GO\\n"', "init.reply=^OK")
    assert [init.write for init in made.init] == ["GO\n"]


def test_what_waits_for_the_router_is_bounded_as_in_a_file() -> None:
    usual = BufferSettings(max_messages=10_000, max_bytes=16 << 20, max_age=0, marks=False)
    assert settings().buffer == usual
    made = settings("buffer.path=/tmp/outbox", "buffer.max_age=2 min", "buffer.marks=true").buffer
    assert (made.path, made.max_age, made.marks) == ("/tmp/outbox", 120, True)
    assert made.max_messages == 10_000


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("silence", "--set silence: expected KEY=VALUE"),
        ("=3", "--set =3: '' is no key"),
        ("a b=3", "'a b' is no key"),
        ("a=1\nb=3", "a: unknown key"),
        ("nope=1", 'port "serial": nope: unknown key; there are: baudrate'),
        ("framing.max_byte=3", 'framing: max_byte: unknown key; did you mean "max_bytes"?'),
        ("silence=long", 'port "serial": silence: expected a time'),
        ("echo=yes", "echo: expected true or false, not 'yes'"),
        ("publish.retian=true", 'publish 1: retian: unknown key; did you mean "retain"?'),
        ("buffer.file=x", "buffer: file: unknown key; there are: marks, max_age"),
        ("buffer={}", "buffer: unknown key here; it belongs in the file, as [buffer]"),
        ("buffer=x", "buffer: unknown key; there are: baudrate"),
        ("session.url=rs://h", "--set session.url=rs://h: how the router is reached is told by"),
        ("port.silence=3", "--set port.silence=3: KEY begins within the port: silence"),
        ("name.first=3", "--set name.first=3: name is no table"),
        ("poll.every=5", 'poll 1: "topic" is missing'),
    ],
)
def test_a_wrong_one_is_told_by_its_key_and_table(given: str, words: str) -> None:
    with pytest.raises(UsageError) as told:
        port(given)
    assert words in str(told.value)
