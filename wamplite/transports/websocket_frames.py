"""Frames of WebSocket (RFC 6455 section 5): masks, headers, close frames; pure.

first byte (FIN, opcode) . size . masking key, from the client alone . payload
"""

from __future__ import annotations

from struct import Struct

try:
    from wsaccel.xormask import XorMaskerSimple
except ImportError:  # the extra `fast` is not installed
    XorMaskerSimple = None

FIN, CONTROL = 0x80, 0x08  # bits of the first byte
OPCODES, BEGINNING = (0, 1, 2, 8, 9, 10), (1, 2)  # all of them; those that begin a message
TEXT, BINARY, CLOSE, PING, PONG = 0x81, 0x82, 0x88, 0x89, 0x8A  # with FIN
DEFLATED = 0x40  # the bit RSV1, in the first frame of a message
NORMAL, BREACH, WRONG_KIND, NO_CODE, NOT_UTF8, TOO_BIG = 1000, 1002, 1003, 1005, 1007, 1009
octets = Struct("BB").pack  # two of them, in two thirds of the time of bytes((one, other))
_TABLES = [bytes(byte ^ key for byte in range(256)) for key in range(256)]


def xor(key: bytes, data: bytes) -> bytes:
    """Mask or unmask a payload with its key of four bytes."""
    if XorMaskerSimple is not None:
        fast: bytes = XorMaskerSimple(key).process(data)
        return fast
    size = len(data)
    words = (size + 3) // 4
    if words < 256:  # as one large number; longer payloads are faster in four strides
        mixed = int.from_bytes(key * words, "little") ^ int.from_bytes(data, "little")
        return mixed.to_bytes(words * 4, "little")[:size]
    masked = bytearray(data)
    for stride in range(4):
        masked[stride::4] = masked[stride::4].translate(_TABLES[key[stride]])
    return bytes(masked)


def header(first: int, size: int, masked: int = 0) -> bytes:
    """Return a frame's first bytes up to its size; `masked` is 0x80 in a client's frames."""
    if size < 126:
        return octets(first, masked | size)
    if size < 65536:
        return octets(first, masked | 126) + size.to_bytes(2, "big")
    return octets(first, masked | 127) + size.to_bytes(8, "big")


def header_size(second: int) -> int:
    """Return how long a header is whose second byte this is, masking key included."""
    return 2 + {126: 2, 127: 8}.get(second & 0x7F, 0) + (second >> 7) * 4


def payload_size(head: bytes) -> int:
    """Return the size of the payload that a whole header announces."""
    short = head[1] & 0x7F
    return short if short < 126 else int.from_bytes(head[2 : 4 if short == 126 else 10], "big")


def flaw(head: bytes, keyed: int, within: bool, deflates: bool) -> str:
    """Say how a whole header breaks the rules (sections 5.1 to 5.5); "": not at all.

    keyed: 0x80 where frames must be masked. within: a message. deflates: messages may be deflated.
    """
    first, form, size = head[0], head[1] & 0x7F, payload_size(head)
    opcode, reserved = first & 0x0F, first & 0x70
    if deflates and opcode in BEGINNING:
        reserved &= ~DEFLATED
    if head[1] & 0x80 != keyed:
        return "an unmasked frame from a client" if keyed else "a masked frame from the server"
    if (form == 126 and size < 126) or (form == 127 and not 65536 <= size < 1 << 63):
        return f"a size of {size} in {2 if form == 126 else 8} bytes"
    if reserved or opcode not in OPCODES:
        return f"reserved bits or opcode in {first:#04x}"
    if opcode & CONTROL:
        is_whole = first & FIN and size < 126
        return "" if is_whole else "a control frame that is fragmented or over 125 bytes"
    if within:
        return "a new message within a message" if opcode else ""
    return "" if opcode else "a continuation without a message"


def close_payload(code: int, reason: str = "") -> bytes:
    """Return what stands in a close frame; NO_CODE stands for a close frame without a code."""
    if code == NO_CODE:
        return b""
    return code.to_bytes(2, "big") + reason.encode()[:123].decode(errors="ignore").encode()
