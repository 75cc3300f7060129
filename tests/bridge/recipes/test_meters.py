"""The recipes for meters whose telegrams a Python function decodes: SML, HAN (DLMS), M-Bus."""

from __future__ import annotations

import importlib
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.bridge.polled_port import PolledPort
from tests.bridge.recipes.meters import (
    Unsigned,
    hdlc,
    hdlc_frame,
    mbus_telegram,
    obis,
    sml_entry,
    sml_telegram,
)
from tests.bridge.recipes.test_recipes import FOLDER, port_of, read
from tests.bridge.responder import Responder
from tests.processes import wamplite as command
from tests.waiting import until
from wamplite.bridge.decoding.readings import Undecodable

ENERGY = sml_entry("0100010800ff", Unsigned(51_775_3), -1, 30)
METER = sml_telegram(
    sml_entry("8181c78203ff", b"EMH"),
    sml_entry("0100600100ff", b"\x0a\x01EMH\0\0\x1b\x1b\x1b\x1b"),  # an escape within
    ENERGY,
    sml_entry("0100020800ff", 0, 3, 30),
    sml_entry("0100100700ff", -1234, -2, 27),
    sml_entry("0100200700ff", Unsigned(2301), -1, 35),
    sml_entry("01000e0700ff", 50, 0, 44),
    sml_entry("0100010800ff", None),  # is left out
)
METER_VALUES = {
    "meter": "0a01454d4800001b1b1b1b", "energy": 51775.3, "returned_energy": 0, "power": -12.34,
    "voltage_l1": 230.1, "frequency": 50,
}  # fmt: skip

TIMED = b"\x0c\x07\xea\x0b\x1b\x05\x0c\x00\x0a\xff\x80\x00\x00"
AIDON = hdlc_frame(
    [
        (obis("1.1.0.2.129.255"), "AIDON_V0001"),
        (obis("1.0.1.7.0.255"), ("I", 4485), (("b", 0), ("B", 27))),
        (obis("1.0.3.7.0.255"), ("I", 12), (("b", 0), ("B", 29))),
        (obis("1.0.31.7.0.255"), ("h", 193), (("b", -1), ("B", 33))),
        (obis("1.0.32.7.0.255"), ("H", 2387), (("b", -1), ("B", 35))),
        (obis("1.0.1.8.0.255"), ("I", 1234), (("b", 1), ("B", 30))),
    ]
)
AIDON_VALUES = {
    "power": 4485, "reactive_power": 12, "current_l1": 19.3, "voltage_l1": 238.7, "energy": 12340,
}  # fmt: skip
KAMSTRUP = hdlc_frame(
    (
        "Kamstrup_V0001",
        obis("1.1.0.0.5.255"), "5706567000000000",
        obis("1.1.1.7.0.255"), ("I", 1500),
        obis("1.1.31.7.0.255"), ("I", 652),
        obis("1.1.32.7.0.255"), ("H", 229),
        obis("1.1.1.8.0.255"), ("I", 123456),
        obis("1.1.4.8.0.255"), ("I", 7),
    ),
    TIMED,
)  # fmt: skip
KAMSTRUP_VALUES = {
    "power": 1500, "current_l1": 6.52, "voltage_l1": 229, "energy": 1234560,
    "returned_reactive_energy": 70,
}  # fmt: skip
POWERS = (("I", 3000), ("I", 0), ("I", 0), ("I", 110))
KAIFA = hdlc_frame(
    (b"KFM_001", b"6970631400000000", b"MA304H3E", *POWERS, *[("I", n) for n in (5000, 6, 7, 2310)],
     ("I", 2320), ("I", 2330), TIMED[1:], ("I", 99000), ("I", 0), ("I", 1), ("I", 2)),
    b"\x09" + TIMED,
)  # fmt: skip
KAIFA_VALUES = {
    "power": 3000, "returned_power": 0, "reactive_power": 0, "returned_reactive_power": 110,
    "current_l1": 5.0, "current_l2": 0.006, "current_l3": 0.007,
    "voltage_l1": 231.0, "voltage_l2": 232.0, "voltage_l3": 233.0,
    "energy": 99000, "returned_energy": 0, "reactive_energy": 1, "returned_reactive_energy": 2,
}  # fmt: skip

HEAT = mbus_telegram(
    "0406 39300000",  # 12345 kWh
    "0C14 78563412",  # 12345678 of 0.01 m3
    "022D 7B00",  # 123 of 100 W
    "0A5A 2306",  # 623 of 0.1 degree
    "0A5E 05F1",  # -105 of 0.1 degree
    "053E 0000C03F",  # 1.5 m3/h as a float
    "4406 E8030000",  # of the last reckoning day
    "84011E 01000000",  # storage 2
    "8410 06 05000000",  # tariff 1
    "12 2D C800",  # the most
    "04FD48 FC080000",  # 2300 of 0.1 V
    "046D 0A0CFB2B",  # a time
    "426C 1F35",  # a date
    "026C FFFF",  # no date
    "0C79 11111111",  # an ident number, which has no name
    "840B06 01000000",  # storage 22
    "0406 01000000",  # once more: the first counts
    "048F3B 01000000",  # of a further meaning
    "0B5A FFFFEE",  # no number
    "0D7C 03 646F6F 04 61626364",  # a unit in words, and a text
    "2F2F",
    "0F 0102FF",  # the maker's own
)
HEAT_VALUES = {
    "id": "12345678", "status": 16, "energy": 12_345_000, "volume": 123456.78, "power": 12_300,
    "flow_temperature": 62.3, "return_temperature": -10.5, "flow": 1.5, "energy_1": 1_000_000,
    "mass_2": 1000, "energy_t1": 5000, "power_max": 20_000, "voltage": 230.0, "energy_22": 1000,
    "time": "2023-11-27T12:10:00", "date_1": "2024-05-31", "vif_79": 11111111, "vif_8f3b": 1,
    "vif_7c_ood": "dcba",
}  # fmt: skip

# records, and their values
EXTENSIONS = [
    ("04FB00 07000000", {"energy": 700_000}),
    ("04FB01 07000000", {"energy": 7_000_000}),
    ("04FB08 07000000", {"heat": 700_000_000}),
    ("02FB10 0700", {"volume": 700}),
    ("02FB11 0700", {"volume": 7000}),
    ("02FB18 0700", {"mass": 700_000}),
    ("02FB28 FFFF", {"power": -100_000}),
    ("02FB31 0700", {"heat_power": 7_000_000_000}),
    ("02FB74 0700", {"temperature_limit": 0.007}),
    ("02FD49 E700", {"voltage": 231}),
    ("02FD46 0700", {"voltage": 0.007}),
    ("0BFD58 341200", {"current": 0.1234}),
    ("01FD17 FF", {"error_flags": 255}),
    ("02FD17 0080", {"error_flags": 0x8000}),
    ("02FD18 0080", {"error_mask": 0x8000}),
    ("01FD1A 81", {"digital_output": 0x81}),
    ("02FD0E 0180", {"firmware": 0x8001}),
    ("0DFD0E 05 352E322E31", {"firmware": "1.2.5"}),
    ("0BFD0D 030201", {"hardware": 10203}),
    ("0DFD0C C2 3412", {"model": 1234}),
    ("0DFD08 E2 FFFF", {"access_number": 65535}),
    ("017A FE", {"address": 254}),
    ("0DFD3A D2 3412", {"vif_fd3a": -1234}),
    ("0DFD3A E2 FFFF", {"vif_fd3a": 65535}),
    ("0DFD3A 00", {}),
    ("0D06 02 3332", {}),  # of energy no text is told
    ("0420 0A000000", {"on_time": 10}),
    ("0426 0A000000", {"operating_time": 36000}),
    ("0273 0200", {"averaged_over": 172_800}),
    ("06FD70 1E0A0CFB2B00", {"battery_since": "2023-11-27T12:10:30"}),
    ("04FD30 0A0C6163", {"tariff_since": "2051-03-01T12:10:00"}),
    ("046D 0A2C1B21", {"time": "2016-01-27T12:10:00"}),
    ("046D 8A0CFB2B", {}),  # marked as wrong
    ("046D 0A0C0020", {}),  # there is no day 0
    ("02FB02 0700", {"vif_fb02": 7}),
    ("42FB02 0700", {"vif_fb02_1": 7}),
    ("02FD71 0700", {"vif_fd71": 7}),
    ("02FDC93C 0700", {"vif_fdc93c": 7}),
    ("02863C 0700", {"vif_863c": 7}),
    ("02FF01 0700", {"vif_ff01": 7}),
    ("026F 0700", {"vif_6f": 7}),
]


@pytest.mark.parametrize(("record", "values"), EXTENSIONS)
def test_a_record_of_m_bus_is_told_by_its_name_or_as_it_stands(
    record: str, values: dict[str, Any]
) -> None:
    told = decoder("mbus")(mbus_telegram(record, "0106 05"))  # which shows where it has ended
    assert told == {"id": "12345678", "status": 16, "energy": 5000} | values


@pytest.mark.parametrize(
    ("name", "whole", "values"),
    [
        ("sml", METER, METER_VALUES),
        ("han", AIDON, AIDON_VALUES),
        ("han", KAMSTRUP, KAMSTRUP_VALUES),
        ("han", KAIFA, KAIFA_VALUES),
        ("han", hdlc_frame((("I", 3966),), b"\x09" + TIMED), {"power": 3966}),
        ("han", hdlc_frame([(obis("1.0.2.7.0.255"), ("I", 7), (("b", 0), ("B", 27)))]),
         {"returned_power": 7}),
    ],
    ids=["sml", "aidon", "kamstrup", "kaifa", "kaifa 1", "aidon 1"],
)  # fmt: skip
def test_a_telegram_becomes_named_values(name: str, whole: bytes, values: dict[str, Any]) -> None:
    assert read(name, whole * 2) == [values, values]


@pytest.mark.parametrize(
    ("name", "whole"),
    [("sml", METER), ("han", AIDON), ("han", KAIFA)],
    ids=["sml", "aidon", "kaifa"],
)
def test_a_flipped_bit_costs_the_telegram_alone(name: str, whole: bytes) -> None:
    (values,) = read(name, whole)
    for at in range(0, len(whole), max(1, len(whole) // 40)):
        wrong = whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :]
        assert read(name, wrong + whole) in ([values], [values] * 2), at


class HeatMeter(Responder):
    """Answers REQ_UD2 with its telegram."""

    def heard(self, data: bytes) -> None:
        self.asked.append(data)
        self.write(HEAT)


def test_a_meter_on_m_bus_is_asked_and_its_telegram_becomes_named_values(tmp_path: Path) -> None:
    port = port_of("mbus")
    with HeatMeter(tmp_path) as meter:
        line = {"baudrate": port.baudrate, "parity": port.parity}
        framing = {"framing": port.framing, "decode": port.decode}
        world = PolledPort(meter.path, port.polls, **line, **framing)
        world.port.start()
        try:
            until(lambda: world.events, "asked")
        finally:
            assert world.port.stop(5)
    assert meter.asked[0] == bytes.fromhex("10 5B 01 5C 16")
    assert world.events[0] == ("home.heat", HEAT_VALUES)


@pytest.mark.parametrize("name", ["sml", "han", "mbus"])
def test_the_function_is_found_beside_its_recipe(tmp_path: Path, name: str) -> None:
    words = command("bridge", "--check", str(FOLDER / f"{name}.toml"))
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=50)
    assert (done.returncode, done.stderr) == (0, "")


def decoder(name: str) -> Callable[[bytes], Any]:
    found: Callable[[bytes], Any] = importlib.import_module(f"{name}_values").decode
    return found


@pytest.mark.parametrize(
    ("name", "frame", "why"),
    [
        ("sml", sml_telegram(sml_entry("0100010800ff", 5, 99)), "no SML"),
        ("sml", sml_telegram([b"\1\0\1\x08\0\xff", None]), "no SML"),
        ("sml", METER[:-60] + METER[-8:], "no SML"),
        ("han", hdlc_frame((("I", 1), ("I", 2))), "no list of the HAN port"),
        ("han", hdlc_frame(("I", 1)), "no list of the HAN port"),
        ("han", hdlc_frame([(obis("1.0.1.7.0.255"), ("I", 5), (("b", 99), ("B", 27)))]),
         "no list of the HAN port"),
        ("han", hdlc_frame((("I", 3966),), kind=0xA800), "in several frames"),
        ("han", hdlc(b"\x06\0\0\x0f\x7e", before=b""), "in several frames"),
        ("han", hdlc(b"\xe0\x80\0\x01\0\0\x02\x0f\x40"), "in several blocks"),
        ("han", hdlc(b"\xdb\x08KAM"), "encrypted: it needs a key"),
        ("han", hdlc(b"\xdc\x08KAM"), "encrypted in another way"),
        ("han", hdlc(b"\xc2\0"), "no list of the HAN port"),
        ("han", hdlc(b""), "no list of the HAN port"),
        ("mbus", mbus_telegram("0406 01000000", ci=0x76), "no variable data structure"),
        ("mbus", mbus_telegram("0406 0100"), "no records of M-Bus"),
        ("mbus", mbus_telegram("04"), "no records of M-Bus"),
        ("mbus", mbus_telegram("0D06 F0 01"), "no records of M-Bus"),
        ("mbus", mbus_telegram("0406 01000000", signature="0005"), "encrypted: it needs a key"),
    ],
)  # fmt: skip
def test_what_is_none_is_refused_by_a_reason(name: str, frame: bytes, why: str) -> None:
    with pytest.raises(Undecodable) as told:
        decoder(name)(frame)
    assert told.value.reason == why


def test_a_telegram_without_known_values_is_no_reading() -> None:
    assert decoder("sml")(sml_telegram(sml_entry("8181c78203ff", b"EMH"))) is None
    assert decoder("han")(hdlc_frame([(obis("1.1.0.2.129.255"), "AIDON_V0001")])) is None


@pytest.mark.parametrize(
    ("name", "whole"), [("sml", METER), ("han", KAIFA), ("han", AIDON), ("mbus", HEAT)]
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.tuples(st.integers(0, 400), st.binary(max_size=4)), max_size=6))
def test_any_bytes_are_values_or_refused(
    name: str, whole: bytes, cuts: list[tuple[int, bytes]]
) -> None:
    frame = whole
    for at, new in cuts:
        frame = frame[:at] + new + frame[at + len(new) :]
    try:
        values = decoder(name)(frame)
    except Undecodable as refused:
        assert refused.reason.startswith(("no ", "encrypted", "in several"))
    else:
        assert values is None or set(map(type, values)) == {str}
