"""The values in a telegram of M-Bus (EN 13757-3): what mbus.toml has each telegram decoded by.

A telegram of the variable data structure holds records: what kind of number follows and which
storage, tariff and device it is of (DIF, DIFE), what it says and in which unit (VIF, VIFE), the
number. What has no name here is told as it stands, by the bytes that say what it is: `vif_fd3a`.
"""

import struct
from datetime import date, datetime

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
    (0xFB00, 0xFB01, "energy", 5),  # 0.1 MWh
    (0xFB08, 0xFB09, "heat", 8),  # 0.1 GJ
    (0xFB10, 0xFB11, "volume", 2),
    (0xFB18, 0xFB19, "mass", 5),  # 100 t
    (0xFB28, 0xFB29, "power", 5),  # 0.1 MW
    (0xFB30, 0xFB31, "heat_power", 8),  # 0.1 GJ/h
    (0xFB74, 0xFB77, "temperature_limit", -3),
    (0xFD40, 0xFD4F, "voltage", -9),  # V
    (0xFD50, 0xFD5F, "current", -12),  # A
    (0xFD60, 0xFD60, "resets", 0),
]
DURATIONS = {0x20: "on_time", 0x24: "operating_time", 0x70: "averaged_over", 0x74: "age"}  # seconds
SECONDS = (1, 60, 3600, 86400)
MOMENTS = {0x6C: "date", 0x6D: "time", 0xFD30: "tariff_since", 0xFD70: "battery_since"}
DAY_AT = {2: 0, 4: 2, 6: 3}  # where its two bytes are, by the size of a moment
CODES = {  # numbers without a sign, or texts
    0x7A: "address", 0xFD08: "access_number", 0xFD09: "medium", 0xFD0B: "parameter_set",
    0xFD0C: "model", 0xFD0D: "hardware", 0xFD0E: "firmware", 0xFD0F: "software",
    0xFD10: "location", 0xFD11: "customer", 0xFD17: "error_flags", 0xFD18: "error_mask",
    0xFD1A: "digital_output", 0xFD1B: "digital_input",
}  # fmt: skip
WHOLE, BCD = {1: 1, 2: 2, 3: 3, 4: 4, 6: 6, 7: 8}, {9: 1, 10: 2, 11: 3, 12: 4, 14: 6}  # bytes
REAL, VARIABLE_LENGTH, IN_WORDS = 5, 13, 0x7C
FUNCTIONS = ("", "_max", "_min", "_fault")
VARIABLE, HEADER, TRAILER = 0x72, 19, 2  # bytes up to the first record; sum and 16


def decode(frame):
    """Return the values of a whole telegram, its start and end included, by their names."""
    if frame[6:7] != bytes([VARIABLE]) or len(frame) < HEADER + TRAILER:
        raise Undecodable("no variable data structure")
    if frame[18] & 0x1F:  # the way of it; 5: AES-128
        raise Undecodable("encrypted: it needs a key")
    values = {"id": frame[10:6:-1].hex(), "status": frame[16]}
    try:
        for name, value in records(frame[HEADER:-TRAILER]):
            if value is not None:
                values.setdefault(name, value)
    except (IndexError, ValueError, struct.error) as error:
        raise Undecodable("no records of M-Bus") from error
    return values


def records(data):
    """Yield name and value of each record; None: there is none."""
    at = 0
    while at < len(data):
        kind = data[at]
        if kind & 0x0F == 0x0F:  # of the maker, up to the end; or nothing
            if kind != 0x2F:
                return
            at += 1
            continue
        storage, tariff, unit, at = (*which(data, at), chain(data, at))
        code, raw_name, at = meaning(data, at)
        name, read = reader(code)
        is_code = code in CODES or not name
        value, at = number(data, at, kind & 0x0F, read, is_code)
        name = name or raw_name
        for letter, count in (("", storage), ("t", tariff), ("u", unit)):
            name += f"_{letter}{count}" if count else ""
        yield name + FUNCTIONS[kind >> 4 & 3], value


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
    """Return the code of a VIF, -1 where more was said of it, its bytes as a name, the place."""
    first, end = data[at], chain(data, at)
    name = f"vif_{data[at:end].hex()}"
    if first & 0x7F == IN_WORDS:  # the unit stands behind the VIF, the last letter first
        unit = data[end + 1 : end + 1 + data[end]][::-1].decode("latin-1")
        name += "_" + "".join(one if one.isalnum() else "_" for one in unit)
        return -1, name, end + 1 + data[end]
    size = 2 if first in (0xFB, 0xFD) else 1  # an extension: the code is the second byte
    code = (first << 8 | data[at + 1] & 0x7F) if size == 2 else first & 0x7F
    return code if end == at + size else -1, name, end


def reader(code):
    """Return the name of a VIF, "" for one that has none here, and what its number becomes."""
    found = [row for row in UNITS if row[0] <= code <= row[1]]
    if found:
        first, _, name, power = found[0]
        return name, lambda value, field: scaled(value, power + code - first)
    if code & ~3 in DURATIONS:
        return DURATIONS[code & ~3], lambda value, field: scaled(value, 0, SECONDS[code & 3])
    if code in MOMENTS:
        return MOMENTS[code], lambda value, field: moment(field)
    return CODES.get(code, ""), lambda value, field: value


def number(data, at, kind, read, is_code):
    """Return what the number at a place becomes, None where it is none, and the place behind.

    is_code: it may be a text; and what is binary has no sign.
    """
    size = WHOLE.get(kind) or BCD.get(kind) or (4 if kind == REAL else 0)
    said = 0
    if kind == VARIABLE_LENGTH:
        said, at = data[at], at + 1
        size = said if said < 0xC0 else said & 0x0F
        if said >= 0xF0:
            raise ValueError("of unknown length")
    field, end = data[at : at + size], at + size
    if len(field) < size:
        raise ValueError("cut off")
    if not size:
        return None, end
    if kind == VARIABLE_LENGTH and said < 0xC0:
        return (field[::-1].decode("latin-1").strip("\0 ") if is_code else None), end
    if kind == REAL:
        value = struct.unpack("<f", field)[0]
    elif kind in BCD or 0xC0 <= said < 0xE0:
        value = digits(field)
        value = -value if said >= 0xD0 and value is not None else value
    else:
        value = int.from_bytes(field, "little", signed=not is_code)
    return read(value, field), end


def digits(field):
    """Return the number that digits make, two a byte; None where there are others."""
    text = field[::-1].hex()
    sign, text = (-1, text[1:]) if text.startswith("f") else (1, text)
    return sign * int(text) if text.isdecimal() else None


def scaled(value, power, factor=1):
    """Return a number times a factor and a power of ten."""
    if value is None:
        return None
    return value * factor * 10**power if power >= 0 else value * factor / 10**-power


def moment(field):
    """Return a date (G) or a time (F, I) in ISO 8601, None where it is marked as wrong."""
    size = len(field)
    if size not in DAY_AT or (size > 2 and field[size == 6] & 0x80):
        return None
    low, high = field[DAY_AT[size] :][:2]
    day, month, year = low & 0x1F, high & 0x0F, low >> 5 | high >> 4 << 3
    hundreds = field[1] >> 5 & 3 if size == 4 else 1  # since 1900
    if not hundreds and year <= 80:  # of an old meter
        hundreds = 1
    year += 1900 + 100 * hundreds
    try:
        if size == 2:
            return date(year, month, day).isoformat()
        seconds = field[0] & 0x3F if size == 6 else 0
        minutes, hours = field[size == 6] & 0x3F, field[1 + (size == 6)] & 0x1F
        return datetime(year, month, day, hours, minutes, seconds).isoformat()
    except ValueError:  # no such day
        return None
