"""The recipes for devices: bytes as the device sends them become the values that are published."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from tests.bridge.framing.devices import (
    block,
    bm,
    esp3,
    mhz19,
    nav_pvt,
    of,
    sds011,
    telegram,
    ubx,
)
from tests.bridge.recipes.meters import mbus_telegram
from tests.processes import ROOT
from wamplite.bridge.configuration.tables import from_file
from wamplite.bridge.counts import Counts
from wamplite.bridge.decoding.decoder import DecodeSettings
from wamplite.bridge.decoding.readings import Reading
from wamplite.bridge.intake import Intake
from wamplite.bridge.settings import PortSettings

FOLDER = ROOT / "examples" / "bridge"
FILES = sorted(path.name for path in FOLDER.glob("*.toml"))


def port_of(name: str) -> PortSettings:
    return from_file(FOLDER / f"{name}.toml").ports[0]


def read(name: str, data: bytes, decode: DecodeSettings | None = None) -> list[Any]:
    """Return what the recipe makes of bytes: the named values of each reading, or its arguments."""
    port, readings = port_of(name), list[Reading]()
    decoder = (decode or port.decode).decoder()
    intake = Intake(port.framing.make(), decoder, Counts(), readings.extend)
    intake.opened()
    intake.received(data)
    return [reading.kwargs or reading.args for reading in readings]


def air(pm25: int, pm10: int) -> bytes:
    return sds011(pm25 | pm10 << 16)


def meter(power: bytes) -> bytes:
    return telegram(
        b"/XMX5LGBBFG1009394887", b"", b"1-3:0.2.8(42)", b"0-0:1.0.0(160905202134S)",
        b"1-0:1.8.1(000051.775*kWh)", b"1-0:1.8.2(000000.000*kWh)", b"1-0:1.7.0(%s*kW)" % power,
        b"1-0:2.7.0(00.000*kW)", b"0-1:24.2.1(160905200000S)(00000.107*m3)",
    )  # fmt: skip


def teleinfo(label: bytes, value: bytes) -> bytes:
    line = label + b" " + value
    return b"\n" + line + b" " + bytes([of("sum6", line)]) + b"\r"


def place(longitude: int, latitude: int, altitude: int) -> bytes:
    payload = struct.pack("<IHBBBBBBIiBBBB", 0, 2026, 3, 4, 5, 6, 7, 0, 0, 0, 3, 1, 0, 11)
    return nav_pvt(payload + struct.pack("<iiii", longitude, latitude, 0, altitude) + bytes(52))


def heading(degrees: bytes) -> bytes:
    text = b"GPHDT,%s,T" % degrees
    return b"$%s*%02X\r\n" % (text, of("xor", text))


def torn(sent: bytes, *behind: bytes) -> bytes:
    """Return what a device sends with a HEX message behind each of these words."""
    for word in behind:
        sent = sent.replace(word, word + HEX, 1)
    return sent


HEX = b":A4F10000C3\n"
PM = struct.pack(">13H", 9, 9, 9, 5, 12, 15, 900, 260, 40, 6, 2, 1, 0x9100)
MPPT = (b"PID\t0xA389", b"FW\t119", b"SER#\tHQ1", b"V\t12830", b"I\t-15", b"CS\t3", b"PPV\t4")
SUN = {"battery_volt": 12.83, "battery_ampere": -0.015, "panel_watt": 4, "state": 3}
METER = {
    "power": 0.244, "returned_power": 0.0, "energy_low": 51.775, "energy_high": 0.0, "gas": 0.107,
}  # fmt: skip
PLACE = {
    "class": 1, "id": 7, "year": 2026, "month": 3, "day": 4, "hour": 5, "minute": 6, "second": 7,
    "fix": 3, "satellites": 11, "longitude": -6.5056, "latitude": 53.3613, "altitude": 61.7,
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "data", "values"),
    [
        ("sds011", air(134, 253) + air(135, 0), [
            {"pm25": 13.4, "pm10": 25.3}, {"pm25": 13.5, "pm10": 0.0},
        ]),
        ("pms5003", bm(PM), [{
            "pm1": 5, "pm25": 12, "pm10": 15, "n03": 900, "n05": 260, "n1": 40, "n25": 6, "n5": 2,
            "n10": 1,
        }]),
        ("vedirect", block(*MPPT) * 2, [SUN, SUN]),
        ("ubx", ubx(1) + place(-65056000, 533613000, 61700), [PLACE]),
        ("ublox", heading(b"21.5") + ubx(1) + place(-65056000, 533613000, 61700) + heading(b"22"), [
            {"heading": 21.5},
            {key: PLACE[key] for key in ("satellites", "longitude", "latitude", "altitude")},
            {"heading": 22.0},
        ]),
        ("ublox", heading(b"21.5")[:9] + place(-65056000, 533613000, 61700), [
            {key: PLACE[key] for key in ("satellites", "longitude", "latitude", "altitude")},
        ]),
        ("vedirect", block(*MPPT) * 2 + b":A0002000148\n" + block(*MPPT), [SUN, SUN, SUN]),
        ("vedirect", torn(block(*MPPT), b"-15", b"\r\nCheck"), [SUN]),
        ("vedirect", torn(block(*MPPT), b"\r\nPI", b"Check", b"\t4") + HEX, [SUN]),
        ("esp3", esp3(7), [[esp3(7)]]),
        ("p1", meter(b"00.244"), [METER]),
        ("arduino", b"half=1\nReady\nT=21.5 H=40\r\n", [{"temperature": 21.5, "humidity": 40}]),
        ("teleinfo", b"\x02" + teleinfo(b"BASE", b"012345678") + teleinfo(b"PAPP", b"00750"), [
            {"label": "BASE", "value": "012345678"}, {"label": "PAPP", "value": "00750"},
        ]),
        ("rflink", b"20;00;\r\n20;06;Oregon TempHygro;ID=0042;TEMP=80be;HUM=45;BAT=OK;\r\n", [
            {"id": "0042", "temperature": -19.0, "humidity": 45, "battery": "OK"},
        ]),
        ("weather", b"\r\n0R0,Dm=045D,Sm=3.2M,Ta=-1.5C,Ua=40.1P\r\n" * 2, [
            {"wind_direction": 45, "wind_speed": 3.2, "temperature": -1.5, "humidity": 40.1},
        ]),
    ],
)  # fmt: skip
def test_a_recipe_makes_values_of_what_its_device_sends(
    name: str, data: bytes, values: list[Any]
) -> None:
    assert read(name, data) == values


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("sds011", air(134, 253)),
        ("pms5003", bm(PM)),
        ("vedirect", block(*MPPT)),
        ("ubx", place(1, 2, 3)),
        ("ublox", place(1, 2, 3)),
        ("ublox", heading(b"21.5")),
        ("esp3", esp3(7)),
        ("p1", meter(b"00.244")),
        ("teleinfo", teleinfo(b"BASE", b"012345678")),
    ],
)
def test_a_flipped_bit_costs_the_frame_alone(name: str, right: bytes) -> None:
    expected = read(name, right)  # twice, where the bit stands for nothing
    for at in range(0, len(right), max(1, len(right) // 40)):
        wrong = right[:at] + bytes([right[at] ^ 4]) + right[at + 1 :]
        assert read(name, wrong + right) in (expected, expected * 2), at


def test_what_a_weather_station_knows_to_be_no_value_is_none() -> None:
    assert read("weather", b"\n0R0,Dm=045#,Sm=3.2M\n" * 2) == []


def test_a_poll_of_mh_z19_asks_and_understands() -> None:
    poll = port_of("mhz19").polls[0]
    assert poll.reply is not None
    frame = b"\x86\x02\x60\x47\0\0\0"
    answer = b"\xff" + frame + bytes([of("sum8-negated", frame)])
    assert read("mhz19", answer + mhz19(1), poll.reply)[0] == {"co2": 608, "temperature": 31}


def test_a_dust_sensor_proves_what_its_frames_hold_once_they_are_unescaped() -> None:
    port = port_of("sps30")
    poll, begin = port.polls[0], port.init[0]
    assert poll.template()((), {}) == bytes.fromhex("7e000300fc7e")
    assert begin.template()((), {}) == bytes.fromhex("7e0000020103f97e")
    values = struct.pack(">10f", 1.25, 4.5, 5.0, 63.5, *[0.0] * 5, 0.75)
    answer = b"\0\x03\0\x28" + values
    answer += bytes([of("sum8-inverted", answer)])
    sent = b"~" + answer.replace(b"}", b"}]").replace(b"~", b"}^") + b"~"
    assert b"~" in answer and poll.reply is not None
    expected = {"pm1": 1.2, "pm25": 4.5, "pm4": 5.0, "pm10": 63.5, "size": 0.75}
    assert read("sps30", sent, poll.reply) == [expected]
    assert read("sps30", sent.replace(b"}^", b"~"), poll.reply) == []
    done, refused = b"~\0\0\0\0\xff~", b"~\0\0\x43\0\xbc~"
    assert read("sps30", done + refused + sent, begin.reply) == [[b"\0\0\0\0\xff"]]
    assert read("sps30", done + refused + sent, begin.error) == [[b"\0\0\x43\0\xbc"]]
    assert read("sps30", sent + b"~\0\x03\x43\0\xb9~", poll.error) == [[b"\0\x03\x43\0\xb9"]]


def jbd(values: bytes, status: int = 0) -> bytes:
    told = bytes([status, len(values)]) + values
    return b"\xdd\x03" + told + of("sum16-negated", told).to_bytes(2, "big") + b"w"


def test_the_management_of_a_battery_is_asked_and_proves_what_it_answers() -> None:
    poll = port_of("jbd").polls[0]
    asked = poll.template()((), {})
    assert asked[4:6] == of("sum16-negated", asked[2:4]).to_bytes(2, "big")
    values = struct.pack(
        ">HhHHHHHHHBBBBBHH",
        1331, -250, 7200, 10000, 42, 0x2D3A, 0, 0, 8, 0x21, 72, 3, 4, 2, 2961, 2951,
    )  # fmt: skip
    assert poll.reply is not None and poll.error is not None
    expected = {
        "volt": 13.31, "ampere": -2.5, "left": 72.0, "capacity": 100.0, "cycles": 42,
        "protection": 8, "percent": 72, "switches": 3, "temperature_1": 23.0, "temperature_2": 22.0,
    }  # fmt: skip
    assert read("jbd", jbd(values), poll.reply) == [expected]
    assert read("jbd", jbd(values)[:-3] + b"\0\0w" + jbd(values), poll.reply) == [expected]
    assert read("jbd", jbd(values[:-2]), poll.reply) == []  # of one sensor
    assert len(read("jbd", jbd(b"\0", 0x80), poll.error)) == 1
    assert read("jbd", jbd(values), poll.error) == []


def test_a_meter_on_m_bus_is_asked_and_proves_what_it_answers() -> None:
    poll = port_of("mbus").polls[0]
    assert poll.template()((), {}) == bytes.fromhex("105b015c16")
    assert poll.reply is not None
    one, two = (mbus_telegram(f"0406 0{number}000000") for number in (1, 2))
    values = [{"id": "12345678", "status": 16, "energy": number * 1000} for number in (1, 2)]
    assert read("mbus", one + two, poll.reply) == values
    assert read("mbus", one[:9] + b"\x55" + one[10:] + two, poll.reply) == values[1:]


def test_a_davis_console_tells_its_values_in_metric_units() -> None:
    poll = port_of("davis").polls[0]
    assert poll.reply is not None
    values = struct.pack("<BBHHhBhBBH15xB61x", 60, 0, 0, 29921, 700, 40, 320, 10, 9, 270, 55)
    packet = b"LOO" + values + b"\n\r"
    packet += of("crc16-xmodem", packet).to_bytes(2, "big")
    assert read("davis", b"\x06" + packet, poll.reply) == [{
        "pressure": 1013.2, "indoors": 21.1, "outdoors": 0.0, "wind": 4.5, "direction": 270,
        "humidity": 55,
    }]  # fmt: skip


def test_what_a_davis_console_has_no_value_for_is_left_out() -> None:
    poll = port_of("davis").polls[0]
    assert poll.reply is not None
    values = struct.pack("<BBHHhBhBBH15xB61x", 60, 0, 0, 29921, 32767, 40, 32767, 255, 9, 0, 255)
    packet = b"LOO" + values + b"\n\r"
    packet += of("crc16-xmodem", packet).to_bytes(2, "big")
    assert read("davis", b"\x06" + packet, poll.reply) == [{"pressure": 1013.2}]


def test_an_instrument_answers_what_it_is_asked() -> None:
    port = port_of("scpi")
    assert port.polls[0].reply is not None and port.procedures[1].error is not None
    assert read("scpi", b"..\n+1.23450000E+00\r\n", port.polls[0].reply) == [{"volt": 1.2345}]
    assert read("scpi", b'..\n-222,"Data out of range"\n', port.procedures[0].reply) == [
        ["-222", "Data out of range"]
    ]
    assert read("scpi", b"..\nSyntax Error\n", port.procedures[1].error) == [["Syntax Error"]]


@pytest.mark.parametrize("name", FILES)
def test_a_recipe_has_nothing_to_complain_of(name: str) -> None:
    from_file(FOLDER / name)
