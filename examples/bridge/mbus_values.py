"""The values in a telegram of M-Bus (EN 13757-3): what mbus.toml has each telegram decoded by.

A telegram of the variable data structure holds records: what kind of number follows and which
storage, tariff and device it is of (DIF, DIFE), what it says and in which unit (VIF), the number.
"""

import struct

from wamplite.bridge import Undecodable

# VIF: first code, last code, name, unit's power of ten for the first code
UNITS = [
    (0x00, 0x07, "energy", -3),  # Wh
    (0x08, 0x0F, "heat", 0),  # J
    (0x10, 0x17, "volume", -6),  # m3
    (0x18, 0x1F, "mass", -3),  # kg
    (0x28, 0x2F, "power", -3),  # W
    (0x30, 0x37, "heat_power", 0),  # J/h
    (0x38, 0x3F, "flow", -6),  # m3/h
    (0x50, 0x57, "mass_flow", -3),  # kg/h
    (0x58, 0x5B, "flow_temperature", -3),  # degrees Celsius
    (0x5C, 0x5F, "return_temperature", -3),
    (0x60, 0x63, "temperature_difference", -3),  # K
    (0x64, 0x67, "outside_temperature", -3),
    (0x68, 0x6B, "pressure", -3),  # bar
    (0x6E, 0x6E, "heat_cost", 0),  # units of a heat cost allocator
    (0x78, 0x78, "fabrication", 0),  # a number
    (0xFD40, 0xFD4F, "voltage", -9),  # V
    (0xFD50, 0xFD5F, "current", -12),  # A
]
WHOLE, BCD = {1: 1, 2: 2, 3: 3, 4: 4, 6: 6, 7: 8}, {9: 1, 10: 2, 11: 3, 12: 4, 14: 6}  # bytes
FUNCTIONS = ("", "_max", "_min", "_fault")
VARIABLE, HEADER, TRAILER = 0x72, 19, 2  # bytes up to the first record; sum and 16


def decode(frame):
    """Return the values of a whole telegram, its start and end included, by their names."""
    if frame[6:7] != bytes([VARIABLE]) or len(frame) < HEADER + TRAILER:
        raise Undecodable("no variable data structure")
    values = {"id": frame[10:6:-1].hex(), "status": frame[16]}
    try:
        for name, value in records(frame[HEADER:-TRAILER]):
            if name and value is not None:
                values.setdefault(name, value)
    except (IndexError, ValueError, struct.error) as error:
        raise Undecodable("no records of M-Bus") from error
    return values


def records(data):
    """Yield name and value of each record; "": one that is not told."""
    at = 0
    while at < len(data):
        kind = data[at]
        if kind & 0x0F == 0x0F:  # of the maker, up to the end; or nothing
            if kind != 0x2F:
                return
            at += 1
            continue
        storage, tariff, unit, at = (*which(data, at), chain(data, at))
        code, further, at = meaning(data, at)
        value, at = number(data, at, kind & 0x0F)
        name, power = named(code)
        if not name or further:
            yield "", None
            continue
        for letter, count in (("", storage), ("t", tariff), ("u", unit)):
            name += f"_{letter}{count}" if count else ""
        yield name + FUNCTIONS[kind >> 4 & 3], scaled(value, power)


def chain(data, at):
    """Return the place behind a byte and those that it says belong to it."""
    while data[at] & 0x80:
        at += 1
    return at + 1


def which(data, at):
    """Return the numbers of storage, tariff and device that a DIF and its DIFEs say."""
    storage, tariff, unit = data[at] >> 6 & 1, 0, 0
    for place, byte in enumerate(data[at + 1 : chain(data, at)]):
        storage |= (byte & 0x0F) << 1 + 4 * place
        tariff |= (byte >> 4 & 3) << 2 * place
        unit |= (byte >> 6 & 1) << place
    return storage, tariff, unit


def meaning(data, at):
    """Return the code of a VIF, whether more was said of it, and the place behind."""
    first, end = data[at], chain(data, at)
    if first & 0x7F == 0x7C:  # a unit in words, which stand behind the VIF
        return -1, False, end + 1 + data[end]
    if first in (0xFB, 0xFD):
        return first << 8 | data[at + 1] & 0x7F, end > at + 2, end
    return first & 0x7F, end > at + 1, end


def number(data, at, kind):
    """Return the number at a place, None where it is none, and the place behind."""
    if kind == 13:  # of variable length
        size = data[at] if data[at] < 0xC0 else data[at] & 0x0F  # of a text, of a number
        return None, at + 1 + size
    size = WHOLE.get(kind) or BCD.get(kind) or (4 if kind == 5 else 0)
    field = data[at : at + size]
    if len(field) < size:
        raise ValueError("cut off")
    if kind == 5:
        return struct.unpack("<f", field)[0], at + size
    if kind in BCD:
        digits = field[::-1].hex()
        is_negative = digits.startswith("f")
        digits = digits[1:] if is_negative else digits
        return (int(digits) * (-1 if is_negative else 1) if digits.isdecimal() else None), at + size
    return (int.from_bytes(field, "little", signed=True) if size else None), at + size


def named(code):
    """Return the name of a VIF, "" for one that is not told, and the power of ten of its unit."""
    for first, last, name, power in UNITS:
        if first <= code <= last:
            return name, power + code - first
    return "", 0


def scaled(value, power):
    """Return a number times a power of ten."""
    if value is None or not power:
        return value
    return value * 10**power if power > 0 else value / 10**-power
