"""The values in a telegram of SML: what sml.toml has each telegram decoded by.

A telegram holds messages, which are lists of lists. The values stand in the GetList response, each
a list of name (an OBIS number), status, time, unit, power of ten, value and signature.
"""

from wamplite.bridge import Undecodable

NAMES = {  # of the values that are told, in Wh, W, V, A, Hz
    "1-0:1.8.0": "energy", "1-0:1.8.1": "energy_1", "1-0:1.8.2": "energy_2",
    "1-0:2.8.0": "returned_energy", "1-0:2.8.1": "returned_energy_1",
    "1-0:2.8.2": "returned_energy_2",
    "1-0:16.7.0": "power", "1-0:1.7.0": "drawn_power", "1-0:2.7.0": "returned_power",
    "1-0:36.7.0": "power_l1", "1-0:56.7.0": "power_l2", "1-0:76.7.0": "power_l3",
    "1-0:31.7.0": "current_l1", "1-0:51.7.0": "current_l2", "1-0:71.7.0": "current_l3",
    "1-0:32.7.0": "voltage_l1", "1-0:52.7.0": "voltage_l2", "1-0:72.7.0": "voltage_l3",
    "1-0:14.7.0": "frequency", "1-0:96.1.0": "meter", "1-0:0.0.9": "meter",
}  # fmt: skip
BEGIN, END, ESCAPE = 8, 8, b"\x1b\x1b\x1b\x1b"  # bytes of start and end; what is doubled within
GET_LIST = 0x0701
DEEPEST = 16  # of lists within lists
POWERS = range(-12, 13)  # of ten


def decode(frame):
    """Return the values of a whole telegram, start and end included, by their names."""
    fill = frame[-3]  # bytes in front of the end
    content = frame[BEGIN : len(frame) - END - fill].replace(ESCAPE * 2, ESCAPE)
    try:
        bodies = [message[3] for message in read_all(content)]
        lists = [body[1][4] for body in bodies if body[0] == GET_LIST]
        told = [named(entry) for one in lists for entry in one]
    except (IndexError, TypeError, ValueError) as error:
        raise Undecodable("no SML") from error
    values = {name: value for name, value in told if name and value is not None}
    return values or None  # None: there is nothing to tell


def named(entry):
    """Return the name of a value, "" for one that nobody asks for, and the value itself."""
    name, _, _, _, scaler, value, _ = entry
    if not isinstance(name, bytes) or len(name) != 6:
        return "", None
    obis = "{}-{}:{}.{}.{}".format(*name)
    if isinstance(value, bytes):
        return NAMES.get(obis, ""), value.hex()
    if scaler and value is not None:
        if scaler not in POWERS:
            raise ValueError("a power of ten")
        value = value * 10**scaler if scaler > 0 else value / 10**-scaler
    return NAMES.get(obis, ""), value


def read_all(data):
    """Return the elements that stand one behind the other."""
    elements, at = [], 0
    while at < len(data):
        element, at = read(data, at, DEEPEST)
        elements.append(element)
    return elements


def read(data, at, depth):
    """Return the element at a place, and the place behind it; None: one that is left out."""
    kind, size, begin = data[at] & 0x70, data[at] & 0x0F, at + 1
    while data[begin - 1] & 0x80:  # the size goes on in the next byte
        size, begin = size << 4 | data[begin] & 0x0F, begin + 1
    if kind == 0x70:
        if not depth:
            raise ValueError("nested too deeply")
        elements = []
        for _ in range(size):
            element, begin = read(data, begin, depth - 1)
            elements.append(element)
        return elements, begin
    end = max(at + size, begin)  # the size of what is no list counts its own bytes
    content = data[begin:end]
    if end > len(data):
        raise ValueError("cut off")
    if kind in (0x50, 0x60):
        return int.from_bytes(content, "big", signed=kind == 0x50), end
    if kind == 0x40:
        return any(content), end
    if kind:
        raise ValueError("of no kind")
    return content or None, end
