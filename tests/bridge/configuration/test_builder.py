"""A bridge described in a script is the one described in a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from wamplite.bridge.configuration.builder import Port, make_settings
from wamplite.bridge.configuration.tables import from_file
from wamplite.bridge.decoding.decoder import DECODERS
from wamplite.bridge.decoding.python import PythonSettings
from wamplite.bridge.framing.framing import FRAMINGS, FramingSettings
from wamplite.core.errors import UsageError

FILE = r"""
[session]
url = "rs://127.0.0.1:8080"
realm = "home"
[buffer]
max_age = 60
[[port]]
name = "weather"
device = "/dev/serial/by-id/usb-x"
baudrate = 115200
settle = 2
framing = {kind = "lines", max_bytes = 256}
decode = {kind = "regex", pattern = 'T=(?P<temp>\S+)', types = {temp = "float"}}
  [[port.publish]]
  topic = "home.weather.{field}"
  deadband = {temp = 0.2}
  [[port.procedure]]
  uri = "home.weather.fan"
  write = "FAN {0:d}\n"
  reply = 'OK FAN=(\d+)'
  retries = 1
  [[port.subscribe]]
  topic = "home.night"
  write = "LED {0:d}\n"
  [[port.poll]]
  every = 5
  topic = "home.meter"
  write = "V?\n"
  reply = "V=(.*)"
"""


def test_a_script_says_what_a_file_says(tmp_path: Path) -> None:
    (tmp_path / "bridge.toml").write_text(FILE)
    weather = (
        Port("/dev/serial/by-id/usb-x", 115200, name="weather", settle=2)
        .lines(max_bytes=256)
        .regex(r"T=(?P<temp>\S+)", types={"temp": "float"})
        .publish("home.weather.{field}", deadband={"temp": 0.2})
        .procedure("home.weather.fan", "FAN {0:d}\n", reply=r"OK FAN=(\d+)", retries=1)
        .subscribe("home.night", "LED {0:d}\n")
        .poll(5, "home.meter", write="V?\n", reply="V=(.*)")
    )
    session = {"url": "rs://127.0.0.1:8080", "realm": "home"}
    made = make_settings(weather, buffer={"max_age": 60}, **session)
    assert made == from_file(tmp_path / "bridge.toml")


def test_bytes_and_what_comes_first_are_said_in_a_script_too() -> None:
    port = (
        Port("/dev/x", name="x")
        .init("\r", prompt="")
        .init(write_hex="00")
        .procedure("a.b", write_hex="01 {0}", reply="y")
        .subscribe("a.c", write_hex="02 {0}")
    )
    made = make_settings(port).ports[0]
    assert [one.write or one.write_hex for one in made.init] == ["\r", "00"]
    assert made.procedures[0].template()((7,), {}) == b"\x01\x07"
    assert made.subscribes[0].template()((7,), {}) == b"\x02\x07"


@pytest.mark.parametrize(
    ("port", "framing"),
    [
        (Port("/dev/x").lines(), FRAMINGS["lines"].made()),
        (
            Port("/dev/x").delimiter(";", start=b"\x02"),
            FRAMINGS["delimiter"].made(delimiter=b";", start=b"\x02"),
        ),
        (Port("/dev/x").fixed(9), FRAMINGS["fixed"].made(size=9)),
        (Port("/dev/x").length(2), FRAMINGS["length"].made(length_bytes=2)),
        (Port("/dev/x").idle_gap(0.5), FRAMINGS["idle-gap"].made(gap=0.5)),
        (Port("/dev/x").cobs(max_bytes=9), FRAMINGS["cobs"].made(max_bytes=9)),
        (Port("/dev/x").slip(), FRAMINGS["slip"].made()),
    ],
)
def test_each_framing_has_a_step(port: Port, framing: FramingSettings) -> None:
    assert make_settings(port).ports[0].framing == framing


def test_each_decoder_has_a_step() -> None:
    port = Port("/dev/x")
    steps = [port.text(), port.bytes(), port.json(), port.csv("a"), port.regex("a")]
    steps += [port.struct("<H", "a"), port.nmea(parse=True), port.decode(len)]
    decodes = [make_settings(step).ports[0].decode for step in steps]
    kinds = ["text", "bytes", "json", "csv", "regex", "struct", "nmea", "python:"]
    assert [type(decode) for decode in decodes] == [DECODERS[kind].made for kind in kinds]
    assert decodes[3].names() == {"a"} == decodes[5].names()
    assert decodes[-1] == PythonSettings(function=len)


def test_every_kind_is_a_step_and_no_two_have_one_name() -> None:
    steps = [kind.replace("-", "_") for kind in (*FRAMINGS, *DECODERS) if kind != "python:"]
    assert len(set(steps)) == len(steps) > 12
    assert set(steps) < set(dir(Port("/dev/x")))
    for step in steps:
        assert isinstance(getattr(Port("/dev/x"), step)(), Port)


def test_a_step_that_there_is_not_is_told_with_the_nearest() -> None:
    with pytest.raises(AttributeError, match=r"no step 'regx'; did you mean \"regex\"\?"):
        _ = Port("/dev/x").regx
    with pytest.raises(TypeError, match="fixed: values without a name: size; not 2"):
        Port("/dev/x").fixed(1, 2)


def test_a_step_leaves_what_it_was_taken_from() -> None:
    port = Port("/dev/ttyUSB0").publish("a.b")
    port.publish("c.d")
    (made,) = make_settings(port).ports
    assert [one.topic for one in made.publish] == ["a.b"]
    assert (made.name, made.baudrate) == ("ttyUSB0", 9600)


def test_what_is_wrong_is_told_without_lines() -> None:
    with pytest.raises(UsageError) as refused:
        make_settings(Port("usb:1a86:7523").publish("a", retian=True), relm="x")
    assert str(refused.value).splitlines() == [
        'port "usb_1a86_7523": publish 1: retian: unknown key; did you mean "retain"?',
        'session: relm: unknown key; did you mean "realm"?',
    ]
