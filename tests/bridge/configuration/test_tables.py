"""A configuration file: what is read, and what is said of each thing that is wrong, and where."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wamplite.bridge.configuration import reference
from wamplite.bridge.configuration.tables import from_dict, from_file
from wamplite.bridge.decoding.decoder import DECODERS
from wamplite.bridge.decoding.json import JsonSettings
from wamplite.bridge.decoding.regex import RegexSettings
from wamplite.bridge.decoding.struct import StructSettings
from wamplite.bridge.framing.cobs import CobsSettings
from wamplite.bridge.framing.delimiter import DelimiterSettings
from wamplite.bridge.framing.framing import FRAMINGS
from wamplite.bridge.settings import PortSettings
from wamplite.core.errors import UsageError
from wamplite.tables import Table

HEAD = '[[port]]\nname = "p"\ndevice = "/dev/ttyX"\n'


def read(tmp_path: Path, text: str) -> PortSettings:
    file = tmp_path / "bridge.toml"
    file.write_text(text)
    return from_file(file).ports[0]


def complaints(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(UsageError) as refused:
        read(tmp_path, text)
    return [line.removeprefix(f"{tmp_path}/") for line in str(refused.value).splitlines()]


def test_a_port_needs_a_name_and_a_device_alone(tmp_path: Path) -> None:
    assert read(tmp_path, HEAD) == PortSettings(name="p", device="/dev/ttyX")


def test_framing_and_decode_may_be_a_word_or_a_table(tmp_path: Path) -> None:
    port = read(
        tmp_path,
        HEAD + 'framing = "cobs"\ndecode = {kind = "struct", format = "<Hf", fields = ["a", ""]}\n',
    )
    assert port.framing == CobsSettings()
    assert port.decode == StructSettings(format="<Hf", fields=("a", ""))


def test_bytes_are_written_as_text(tmp_path: Path) -> None:
    framing = r'framing = {kind = "delimiter", delimiter = "\u00ff\r\n", start = "\u0002"}'
    assert read(tmp_path, HEAD + framing).framing == DelimiterSettings(
        delimiter=b"\xff\r\n", start=b"\x02"
    )


def test_a_reply_is_a_pattern_or_a_table(tmp_path: Path) -> None:
    text = HEAD
    for number, reply in enumerate(["'OK (.+)'", '{pattern = "json"}', '{kind = "json"}']):
        text += f'[[port.procedure]]\nuri = "a.b{number}"\nwrite = "?"\nreply = {reply}\n'
    replies = [one.reply for one in read(tmp_path, text).procedures]
    assert replies == [
        RegexSettings(pattern="OK (.+)"),
        RegexSettings(pattern="json"),
        JsonSettings(),
    ]


def test_a_poll_holds_the_words_of_a_publish(tmp_path: Path) -> None:
    text = '[[port.poll]]\nevery = 5\nmodbus = {name = "u"}\ntopic = "m.{field}"\nretain = true\n'
    (poll,) = read(tmp_path, HEAD + text).polls
    assert (poll.topic, poll.retain) == ("m.{field}", True)
    assert poll.modbus and poll.modbus.name == "u"


PUBLISH = '[[port.publish]]\ntopic = "a.{field}"\n'
CSV = 'decode = {kind = "csv", fields = ["temp", "hum"]}\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("speed = 1\n", '4: port "p": speed: unknown key; there are: baudrate, bytesize, decode'),
        ("\nbuadrate = 1\n", '5: port "p": buadrate: unknown key; did you mean "baudrate"?'),
        ('topic = "a.b"\n', '4: port "p": topic: unknown key here; it belongs in [[port.publish]]'),
        (
            'delimiter = ";"\n',
            '4: port "p": delimiter: unknown key here; it belongs in framing = {kind = "delimiter",'
            " delimiter = ...} of [[port]]",
        ),
        (
            '[[port.publish]]\ntopic = "a.b"\nsilence = 5\n',
            '6: port "p": publish 1: silence: unknown key here; it belongs in [[port]]',
        ),
        ('baudrate = "9600"\n', '4: port "p": baudrate: expected a whole number from 50 to 1200'),
        ("baudrate = 1\n", '4: port "p": baudrate: expected a whole number'),
        ("exclusive = 1\n", '4: port "p": exclusive: expected true or false, not 1'),
        (
            "settle = true\n",
            '4: port "p": settle: expected a time in seconds',
        ),
        (
            "settle = nan\n",
            '4: port "p": settle: expected a time in seconds',
        ),
        ("stopbits = 1.2\n", '4: port "p": stopbits: expected 1, 1.5 or 2'),
        ('parity = "even"\n', "4: port \"p\": parity: expected one of N, E, O, M, S, not 'even'"),
        ('framing = "line"\n', "4: port \"p\": framing: kind: unknown kind 'line'; did you mean"),
        (
            'decode = {kind = "csv", fields = ["seq", "temp"]}\n',
            '4: port "p": decode: "seq" is a name that the bridge itself gives',
        ),
        (
            'decode = {kind = "pairs", rename = {T = "ts"}}\n'
            '[[port.publish]]\ntopic = "a.b"\ntimestamp = true\n',
            '4: port "p": decode: "ts" is a name that the bridge itself gives',
        ),
        ("framing = {}\n", '4: port "p": framing: kind: "kind" is missing; there are: block'),
        ("framing = {kind = 3}\n", '4: port "p": framing: kind: unknown kind 3; there are'),
        (
            '[[port.poll]]\nevery = 1\ntopic = "a.b"\nwrite = "?{0}"\nreply = "x"\n',
            '7: port "p": poll 1: write: a poll has no arguments to fill in',
        ),
        ("framing = 3\n", '4: port "p": framing: expected a text or a table, not 3'),
        ('framing = {kind = "lines", size = 3}\n', '4: port "p": framing: size: unknown key'),
        ('framing = "fixed"\n', '4: port "p": framing: "size" is missing'),
        (
            'framing = {kind = "length", length_bytes = 3}\n',
            '4: port "p": framing: length_bytes: expected 1, 2 or 4',
        ),
        (
            'framing = {kind = "delimiter", delimiter = "€"}\n',
            '4: port "p": framing: delimiter: expected bytes as text',
        ),
        (
            "decode = {kind = 'regex', pattern = '('}\n",
            "4: port \"p\": decode: pattern '(' is no regular expression: missing )",
        ),
        (
            'decode = {kind = "regex", pattern = "(?P<t>.)", types = {u = "int"}}\n',
            '4: port "p": decode: types: there is no value named "u"; there are: t',
        ),
        ('decode = {kind = "csv", fields = []}\n', '4: port "p": decode: fields: names no field'),
        (
            'decode = {kind = "csv", fields = ["a", "a"]}\n',
            '4: port "p": decode: fields: "a" stands there twice',
        ),
        (
            'decode = {kind = "csv", fields = ["a", 1]}\n',
            '4: port "p": decode: fields: expected a list of texts',
        ),
        (
            'decode = {kind = "struct", format = "<Q?", fields = ["a"]}\n',
            "4: port \"p\": decode: format '<Q?' holds 2 values, fields names 1",
        ),
        (
            'decode = {kind = "struct", format = "<K"}\n',
            "4: port \"p\": decode: format '<K' is none",
        ),
        (
            'decode = {kind = "text", encoding = "utf-9"}\n',
            '4: port "p": decode: encoding: expected an encoding such as',
        ),
        ('decode = "python:nowhere:f"\n', '4: port "p": decode: python:nowhere:f: ModuleNotFound'),
        ('decode = "python"\n', "4: port \"p\": decode: kind: unknown kind 'python'; did you mean"),
        ('decode = "csv:x"\n', "4: port \"p\": decode: kind: unknown kind 'csv:x'"),
        ('decode = "python:json"\n', '4: port "p": decode: a Python decoder is python:MODULE:FU'),
        ('decode = "python:json:nothing"\n', '4: port "p": decode: python:json:nothing: Attribute'),
        ('decode = "python:sys:path"\n', '4: port "p": decode: python:sys:path is no function'),
        ("publish = 3\n", '4: port "p": publish: expected an array of tables, [[...publish]], not'),
        ("[[port.publish]]\n", '4: port "p": publish 1: "topic" is missing'),
        (
            '[[port.publish]]\ntopic = "a..b"\n',
            "5: port \"p\": publish 1: topic: topic 'a..b' makes no valid URIs",
        ),
        (
            CSV + PUBLISH + 'fields = ["temp", "humm"]\n',
            '7: port "p": publish 1: fields: there is no value named "humm"; did you mean "hum"?',
        ),
        (
            CSV + PUBLISH + "deadband = {tmp = 1}\n",
            '7: port "p": publish 1: deadband: there is no value named "tmp"; did you mean "temp"',
        ),
        (
            CSV + PUBLISH + 'fields = ["hum"]\ndeadband = {temp = 1}\n',
            '8: port "p": publish 1: deadband: there is no value named "temp"; there are: hum',
        ),
        (
            CSV + '[[port.publish]]\ntopic = "a.{fild}"\n',
            '6: port "p": publish 1: topic: there is no value named "fild"; did you mean "field"?',
        ),
        (
            PUBLISH + "min_interval = 5\nmax_interval = 2\n",
            '7: port "p": publish 1: max_interval: is less than min_interval = 5',
        ),
        (
            '[[port.procedure]]\nuri = "a b"\nwrite = "x"\n',
            '5: port "p": procedure 1: uri: expected a URI such as',
        ),
        (
            '[[port.procedure]]\nuri = "wamp.x"\nwrite = "x"\n',
            '5: port "p": procedure 1: uri: wamp.x is reserved',
        ),
        (
            '[[port.procedure]]\nuri = "a.b"\nwrite = "FAN {0.x}"\n',
            "6: port \"p\": procedure 1: write: write 'FAN {0.x}': a field is {0} or {name}",
        ),
        (
            '[[port.subscribe]]\ntopic = "a..b"\nwrite = "x"\n',
            "5: port \"p\": subscribe 1: topic: 'a..b' has an empty component",
        ),
        (
            '[[port.poll]]\nevery = 1\ntopic = "a.b"\n',
            '4: port "p": poll 1: a poll has "modbus", or "reply" and "write" or "write_hex"',
        ),
        (
            '[[port.poll]]\nevery = 1\ntopic = "a.b"\nwrite = "?"\n',
            '7: port "p": poll 1: write: needs "reply"',
        ),
        (
            '[[port.poll]]\nevery = 1\ntopic = "a.b"\nmodbus = {}\nreply = "x"\n',
            '8: port "p": poll 1: reply: excludes "modbus"',
        ),
        (
            '[[port.poll]]\nevery = 1\ntopic = "a.{volt}"\nmodbus = {name = "volts"}\n',
            '6: port "p": poll 1: topic: there is no value named "volt"; did you mean "volts"?',
        ),
        (
            '[[port.poll]]\nevery = 1\ntopic = "a"\nmodbus = {function = 1}\n',
            '7: port "p": poll 1: modbus: type: function 1 is for values of type bit',
        ),
        (
            '[[port.poll]]\nevery = 1\ntopic = "a"\nmodbus = {type = "int32", count = 2}\n',
            '7: port "p": poll 1: modbus: count: belongs to type = "string"',
        ),
        (
            '[[port.poll]]\nevery = 1\ntopic = "a"\nmodbus = {type = "string", scale = 2}\n',
            '7: port "p": poll 1: modbus: scale: belongs to type = "uint16" or "int16" or',
        ),
        (HEAD, "5: port \"p\": name: another one has the name 'p' already"),
        (
            HEAD.replace('"p"', '"q"'),
            "6: port \"q\": device: another one has the device '/dev/ttyX' already",
        ),
        ("[session]\nurl = 'http://x'\n", "5: session: url: "),
        (
            "[session]\nsecret = 'x'\n",
            '5: session: secret: unknown key; did you mean "secret_file"',
        ),
        ("[session]\nsecret_file = 'x'\n", '5: session: secret_file: needs "authid"'),
        (
            "[session]\nauthmethods = ['tickets']\n",
            "5: session: authmethods: unknown 'tickets'; did you mean \"ticket\"?",
        ),
        ("[sesion]\n", '4: sesion: unknown key; did you mean "session"?'),
        ("[buffer]\noverflow = 'drop'\n", "5: buffer: overflow: expected one of drop-oldest, drop"),
        ("[buffer]\nmax_age = -1\n", "5: buffer: max_age: expected a time in seconds"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    (line,) = complaints(tmp_path, HEAD + text)[:1]
    assert line.startswith(f"bridge.toml:{said}"), line


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    text = HEAD + "baud = 1\n" + '[[port]]\nname = "q"\n' + PUBLISH + "retian = true\n"
    assert [line.partition(" ")[0] for line in complaints(tmp_path, text)] == [
        "bridge.toml:4:",
        "bridge.toml:5:",
        "bridge.toml:9:",
    ]


def test_the_line_is_found_behind_texts_and_arrays_of_several_lines(tmp_path: Path) -> None:
    text = HEAD + (
        'decode = {kind = "regex", pattern = """\n[port]\nwrong = 1"""}\n'
        '[[port.publish]]\ntopic = "a"\nfields = [\n  "0",\n]\n# fields\nretain = 3\n'
    )
    assert complaints(tmp_path, text) == [
        'bridge.toml:13: port "p": publish 1: retain: expected true or false, not 3'
    ]
    inline = HEAD + 'publish = [\n  {topic = "a"},\n  {topic = "b", retian = 1},\n]\n'
    assert complaints(tmp_path, inline) == [
        'bridge.toml:6: port "p": publish 2: retian: unknown key; did you mean "retain"?'
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[port]\n", "bridge.toml: Expected ']]'"),
        ("", 'bridge.toml:1: "port" is missing'),
        ("port = []\n", "bridge.toml:1: there is no [[port]]"),
        ("port = 3\n", "bridge.toml:1: port: expected an array of tables"),
        ("port = [3]\n", "bridge.toml:1: port 1: expected a table, not 3"),
    ],
)
def test_what_is_no_configuration_is_refused(tmp_path: Path, text: str, said: str) -> None:
    assert complaints(tmp_path, text)[0].startswith(said)


def test_a_routers_file_is_told_from_a_bridges(tmp_path: Path) -> None:
    text = '[[listener]]\nurl = "tcp://127.0.0.1:0"\n[router]\nmax_connections = 5\n'
    said = "bridge.toml has [router] and [listener] alone: it is a router's file: wamplite router"
    assert complaints(tmp_path, text)[0].startswith(said)


def test_ports_of_included_files_are_added_in_the_order_of_their_names(tmp_path: Path) -> None:
    (tmp_path / "ports.d").mkdir()
    for name in ("2", "1"):
        port = HEAD.replace('"p"', f'"p{name}"').replace("ttyX", f"tty{name}")
        (tmp_path / "ports.d" / f"{name}.toml").write_text(port)
    (tmp_path / "buffer.toml").write_text("[buffer]\nmax_messages = 9\n")
    file = tmp_path / "bridge.toml"
    file.write_text('include = ["buffer.toml", "ports.d/*.toml"]\n[session]\nrealm = "home"\n')
    settings = from_file(file)
    assert [port.name for port in settings.ports] == ["p1", "p2"]
    assert (settings.buffer.max_messages, settings.session.realm) == (9, "home")


def test_what_is_wrong_in_an_included_file_is_said_with_its_name_and_line(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(HEAD + "buadrate = 1\n[session]\n")
    (tmp_path / "b.toml").write_text("[[port]\n")
    text = 'include = ["?.toml", "c.toml"]\n'
    assert [line.partition(" ")[0] for line in complaints(tmp_path, text)] == [
        "b.toml:",
        "bridge.toml:1:",
        "a.toml:4:",
    ]
    (tmp_path / "b.toml").unlink()
    (tmp_path / "a.toml").write_text(HEAD + "[session]\n")
    assert complaints(tmp_path, 'include = "a.toml"\n[session]\n' + HEAD) == [
        f"a.toml:4: session: it is said in {tmp_path}/bridge.toml:2 already"
    ]
    (tmp_path / "a.toml").write_text(HEAD)
    assert complaints(tmp_path, 'include = "a.toml"\n' + HEAD.replace("ttyX", "ttyY")) == [
        "a.toml:2: port \"p\": name: another one has the name 'p' already"
    ]


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"absent\.toml: No such file"):
        from_file(tmp_path / "absent.toml")
    (tmp_path / "latin.toml").write_bytes(b"# \xe9\n")
    with pytest.raises(UsageError, match="not UTF-8 at byte 2"):
        from_file(tmp_path / "latin.toml")


def test_a_dict_is_checked_alike_and_has_no_lines() -> None:
    port: dict[str, Any] = {"name": "p", "device": "/dev/x"}
    assert from_dict({"port": [port]}).ports == (PortSettings(**port),)
    with pytest.raises(UsageError, match=r'^port "p": bits: unknown key'):
        from_dict({"port": [port | {"bits": 8}]})
    with pytest.raises(UsageError, match="port 1: name: expected a name of letters"):
        from_dict({"port": [port | {"name": 3}]})


@pytest.mark.parametrize(
    "device",
    ["/dev/ttyS0", "usb:1a86:7523", "usb:0403:6001:A1:B", "socket://h:1", "rfc2217://h:1"],
)
def test_devices_have_several_shapes(device: str) -> None:
    assert from_dict({"port": [{"name": "p", "device": device}]}).ports[0].device == device


@pytest.mark.parametrize("device", ["ttyUSB0", "", "usb:1a86", "usb:xxxx:0001", "COM3", "http://h"])
def test_other_devices_are_refused(device: str) -> None:
    with pytest.raises(UsageError, match="device: expected a path that begins with /"):
        from_dict({"port": [{"name": "p", "device": device}]})


TABLES: list[Table] = [*FRAMINGS.values(), *DECODERS.values()]
TABLES += [place.table for place in reference.places()]
PORT = next(place.table for place in reference.places() if place.path == ("port",))
KEYS = {key for table in TABLES for key in table.keys}
KINDS = [*FRAMINGS, *DECODERS, "python:os:sep", "/dev/x", "a.{field}"]
LEAVES = st.none() | st.booleans() | st.integers(-2, 300) | st.floats() | st.sampled_from(KINDS)
LEAVES |= st.text(max_size=3) | st.binary(max_size=3)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(sorted(KEYS)) | st.text(max_size=2), inner, max_size=4)
    ),
    max_leaves=12,
)


@pytest.mark.long
@given(st.fixed_dictionaries({}, optional={key: VALUES for key in sorted(KEYS)}))
def test_whatever_is_given_is_taken_or_refused_in_words(data: dict[str, Any]) -> None:
    port = {"name": "p", "device": "/dev/x"} | data
    for key in ("publish", "procedure", "subscribe", "poll"):
        for table in port.get(key) or () if isinstance(port.get(key), list) else ():
            if isinstance(table, dict):
                table.update(topic="a.b", uri="a.b", write="x", every=1)
    known = {key: value for key, value in port.items() if key in PORT.keys}
    for shape in (data, {"port": [known]}, {"port": [port], "session": data}):
        try:
            from_dict(shape)
        except UsageError as exc:
            assert str(exc)


@given(
    st.lists(
        st.sampled_from([*HEAD.splitlines(), *PUBLISH.splitlines(), *CSV.splitlines()])
        | st.text("[]{}=\"'#.\n ab1", max_size=8),
        max_size=8,
    )
)
def test_whatever_stands_in_a_file_is_taken_or_refused_in_words(lines: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "bridge.toml"
        file.write_text("\n".join(lines))
        try:
            from_file(file)
        except UsageError as exc:
            assert str(exc).startswith(str(file))
