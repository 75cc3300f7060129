"""The values in a frame of the HAN port (DLMS): what han.toml has each frame decoded by.

Aidon says of each value its OBIS number, power of ten and unit; Kamstrup the number alone; Kaifa
sends values in an order that is agreed upon. All are told in W, var, Wh, varh, V and A. What is
encrypted goes through dlms_cipher.py, which needs the key of the meter. A telegram in several
frames or blocks is refused.
"""

import os
import struct

from wamplite.bridge import Undecodable

NAMES = {
    "1.7.0": "power", "2.7.0": "returned_power", "3.7.0": "reactive_power",
    "4.7.0": "returned_reactive_power",
    "31.7.0": "current_l1", "51.7.0": "current_l2", "71.7.0": "current_l3",
    "32.7.0": "voltage_l1", "52.7.0": "voltage_l2", "72.7.0": "voltage_l3",
    "1.8.0": "energy", "2.8.0": "returned_energy", "3.8.0": "reactive_energy",
    "4.8.0": "returned_reactive_energy",
}  # fmt: skip
POWERS = ["power", "returned_power", "reactive_power", "returned_reactive_power"]
ENERGIES = ["energy", "returned_energy", "reactive_energy", "returned_reactive_energy"]
ONE = ["current_l1", "voltage_l1"]
THREE = [f"{of}_l{phase}" for of in ("current", "voltage") for phase in (1, 2, 3)]
KAIFA = {  # the names by the number of values; "": no number
    1: ["power"],
    9: ["", "", "", *POWERS, *ONE],
    13: ["", "", "", *POWERS, *THREE],
    14: ["", "", "", *POWERS, *ONE, "", *ENERGIES],
    18: ["", "", "", *POWERS, *THREE, "", *ENERGIES],
}
# The powers of ten that a frame does not tell, by a word in the name of the value
OF_KAMSTRUP, OF_KAIFA = {"current": -2, "energy": 1}, {"current": -3, "voltage": -1}
LLC = b"\xe6\xe7\x00"
NOTIFICATION, BLOCK, ENCRYPTED = 0x0F, 0xE0, 0xDB  # what a telegram begins with
ENCRYPTED_OTHERWISE = (*range(0xC8, 0xD0), 0xDC, 0xDD, 0xDF)
NUMBERS = {
    3: "?", 5: ">i", 6: ">I", 15: ">b", 16: ">h", 17: ">B", 18: ">H", 20: ">q", 21: ">Q", 22: ">B",
    23: ">f", 24: ">d",
}  # fmt: skip
DEEPEST = 8  # of lists within lists
MOST_POWER = 12  # of ten


def decode(frame):
    """Return the values of a whole frame, its 7E at both ends included, by name."""
    try:
        told = plain(content(frame))
    except LookupError as error:
        raise Undecodable("no list of the HAN port") from error
    try:
        if told[0] != NOTIFICATION:
            raise ValueError("no notification")
        at = 5 + (told[5] == 9)  # behind the number; some tell that the time is octets
        value, end = read(told, at + 1 + told[at], DEEPEST)
        values = dict(named(value))
    except (LookupError, TypeError, ValueError, struct.error) as error:
        raise Undecodable("no list of the HAN port") from error
    return values or None


def content(frame):
    """Return what a frame carries."""
    at = 3
    for _ in range(2):  # to whom, from whom
        while not frame[at] & 1:
            at += 1
        at += 1
    at += 3  # control, CRC of the header
    carried = frame[at : len(frame) - 3]  # a CRC, 7E
    if frame[1] & 0x08 or not carried.startswith(LLC):  # the last one has no such bit
        raise Undecodable("in several frames")
    return carried[len(LLC) :]


def plain(told):
    """Return a telegram, decrypted if it has to be."""
    if told[0] in ENCRYPTED_OTHERWISE:
        raise Undecodable("encrypted in another way")
    if told[0] == BLOCK:
        raise Undecodable("in several blocks")
    if told[0] != ENCRYPTED:
        return told
    if "HAN_KEYS" not in os.environ:
        raise Undecodable("encrypted: it needs a key")
    import dlms_cipher

    told = dlms_cipher.opened(told)
    if told[:1] != bytes([NOTIFICATION]):
        raise Undecodable("encrypted: the keys do not fit")
    return told


def named(told):
    """Yield names and values of a list."""
    if not isinstance(told, list):
        raise ValueError("no list")
    if all(isinstance(one, list) for one in told):  # Aidon
        for obis, value, *more in told:
            name = name_of(obis)
            if name and more:
                power, _ = more[0]
                yield name, scaled(value, power)
    elif any(map(name_of, told)):  # Kamstrup
        for obis, value in zip(told[1::2], told[2::2], strict=False):
            if name := name_of(obis):
                yield name, scaled(value, power_of(name, OF_KAMSTRUP))
    else:
        for name, value in zip(KAIFA[len(told)], told, strict=True):
            if name:
                yield name, scaled(value, power_of(name, OF_KAIFA))


def name_of(obis):
    """Return the name of what is an OBIS number, else ""."""
    if not isinstance(obis, bytes) or len(obis) != 6:
        return ""
    return NAMES.get("{}.{}.{}".format(*obis[2:5]), "")


def power_of(name, powers):
    """Return the power of ten of a value."""
    return next((power for word, power in powers.items() if word in name), 0)


def scaled(value, power):
    """Return a number times a power of ten."""
    if abs(power) > MOST_POWER:
        raise ValueError("a power of ten")
    return value * 10**power if power >= 0 else value / 10**-power


def read(data, at, depth):
    """Return the value at a place, and the place behind it."""
    kind, at = data[at], at + 1
    if kind in (1, 2):
        if not depth:
            raise ValueError("nested too deeply")
        values = []
        for _ in range(data[at]):
            value, at = read(data, at + 1 if not values else at, depth - 1)
            values.append(value)
        return values, at if values else at + 1
    if kind in (9, 10, 12):  # octets, texts
        end = at + 1 + data[at]
        if end > len(data):
            raise ValueError("cut off")
        return data[at + 1 : end], end
    if kind == 0:
        return None, at
    layout = struct.Struct(NUMBERS[kind])
    return layout.unpack_from(data, at)[0], at + layout.size
