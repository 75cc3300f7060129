"""What a configuration of Modbus may not say, and how that is said."""

from __future__ import annotations

from typing import Any

import pytest

from wamplite.bridge.configuration.tables import from_dict
from wamplite.core.errors import UsageError

BIT = {"name": "v", "type": "bit"}
FAR = [{"name": "v"}, {"name": "w", "address": 125}]


def problem(table: str, entry: dict[str, Any]) -> str:
    """Return what is wrong with a port that has such an entry."""
    port = {"name": "p", "device": "/dev/x", table: [entry]}
    with pytest.raises(UsageError) as caught:
        from_dict({"port": [port]})
    return str(caught.value).partition(f"{table} 1: ")[2]


@pytest.mark.parametrize(
    ("modbus", "text"),
    [
        ({"function": 5, "type": "bit"}, "function: expected one that reads: 1, 2, 3, 4"),
        ({"function": 7}, "function: expected one of 1, 2, 3, 4, 5, 6, 15, 16, not 7"),
        ({"address": 65535, "type": "uint32"}, "address: uint32 ends behind register 65535"),
        ({"mask": 0x10000}, "mask: has more bits than a uint16"),
        ({"none": 0x10000}, "none: has more bits than a uint16"),
        ({"mask": 4, "scale": 2}, 'a single bit is no number: no "scale", "offset" or "round"'),
        ({"mask": 4, "round": 2}, "a single bit is no number"),
        ({"type": "string", "offset": 2}, 'offset: belongs to type = "uint16"'),
        ({"round": 1, "values": [{"name": "v"}]}, 'values: excludes "round"'),
        ({"scale": 0}, "scale: must not be 0"),
        ({"byteorder": "CDAB"}, 'byteorder: belongs to type = "uint32" or "int32" or'),
        ({"address": 1, "values": [{"name": "v"}]}, 'values: excludes "address"'),
        ({"values": [{"name": "v"}, {"name": "v"}]}, "values: a name stands there twice"),
        ({"values": FAR}, "126 registers; function 3 takes 125 at most"),
        ({"values": [BIT]}, 'values "v": type: function 3 is for values of another type'),
    ],
)
def test_what_cannot_be_polled_is_said(modbus: dict[str, Any], text: str) -> None:
    found = problem("poll", {"every": 1, "topic": "a", "modbus": modbus})
    assert found.startswith(f"modbus: {text}"), found


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        ({"modbus": {}}, "modbus: function: expected one that writes: 5, 6, 15, 16"),
        (
            {"modbus": {"function": 6, "mask": 1}},
            'modbus: "values", "mask", "none" and "round" are for reading',
        ),
        (
            {"modbus": {"function": 6, "none": 0}},
            'modbus: "values", "mask", "none" and "round" are for reading',
        ),
        (
            {"modbus": {"function": 6, "round": 0}},
            'modbus: "values", "mask", "none" and "round" are for reading',
        ),
        (
            {"modbus": {"function": 6, "type": "uint32"}},
            "modbus: 2 registers; function 6 takes 1 at most",
        ),
        ({"timeout": 1}, 'expected "write", "write_hex" or "modbus"'),
        ({"write": "x", "modbus": {"function": 6}}, 'write: excludes "modbus"'),
    ],
)
def test_what_cannot_be_written_is_said(entry: dict[str, Any], text: str) -> None:
    found = problem("procedure", {"uri": "a.b", **entry})
    assert found.startswith(text), found


POLL = {"every": 1, "topic": "a", "modbus": {"unit": 0}}
TCP = {"device": "socket://127.0.0.1:502", "modbus_framing": "tcp"}
ONLY = 'modbus_framing = "tcp" carries nothing but Modbus'


@pytest.mark.parametrize(
    ("port", "text"),
    [
        (
            {"device": "socket://127.0.0.1:502", "poll": [POLL]},
            "poll 1: modbus: unit: 0 is all slaves on a line, and none answers; expected 1 to 255",
        ),
        (
            {"modbus_framing": "tcp", "poll": [POLL]},
            "modbus_framing: Modbus/TCP needs a device socket://HOST:PORT",
        ),
        ({**TCP, "echo": True}, "echo: does nothing over Modbus/TCP"),
        ({**TCP, "strip_parity": True}, "strip_parity: does nothing over Modbus/TCP"),
        ({**TCP, "publish": [{"topic": "a"}]}, f"publish 1: {ONLY}"),
        ({**TCP, "init": [{"write": "a"}]}, f"init 1: {ONLY}"),
        ({**TCP, "procedure": [{"uri": "a.b", "write": "a"}]}, f"procedure 1: {ONLY}"),
        ({**TCP, "modbus_framing": "tpc"}, "modbus_framing: expected one of rtu, tcp, not 'tpc'"),
    ],
)
def test_what_modbus_tcp_cannot_do_is_said(port: dict[str, Any], text: str) -> None:
    with pytest.raises(UsageError) as caught:
        from_dict({"port": [{"name": "p", "device": "/dev/x", **port}]})
    assert text in str(caught.value)


def test_over_modbus_tcp_there_are_more_units() -> None:
    port = {"name": "p", **TCP, "poll": [POLL, {**POLL, "modbus": {"unit": 255}}]}
    settings = from_dict({"port": [port]})
    assert [poll.modbus.unit for poll in settings.ports[0].polls if poll.modbus] == [0, 255]
