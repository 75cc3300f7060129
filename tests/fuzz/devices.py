"""What a serial device sends to a bridge: frames however they come, readings or a reason."""

from __future__ import annotations

from collections.abc import Callable

from tests.bridge.framing.counted import told
from wamplite.bridge.decoding.bytes import BytesSettings
from wamplite.bridge.decoding.csv import CsvSettings
from wamplite.bridge.decoding.decoder import DecodeSettings
from wamplite.bridge.decoding.json import JsonSettings
from wamplite.bridge.decoding.nmea import NmeaSettings
from wamplite.bridge.decoding.readings import Undecodable
from wamplite.bridge.decoding.regex import RegexSettings
from wamplite.bridge.decoding.struct import StructSettings
from wamplite.bridge.decoding.text import PlainTextSettings
from wamplite.bridge.framing.checksums import Checksum
from wamplite.bridge.framing.cobs import Cobs
from wamplite.bridge.framing.delimiter import Delimited
from wamplite.bridge.framing.fixed import Fixed
from wamplite.bridge.framing.framing import Framing
from wamplite.bridge.framing.hdlc import Hdlc
from wamplite.bridge.framing.idle_gap import IdleGap
from wamplite.bridge.framing.length import LengthPrefixed
from wamplite.bridge.framing.lines import Lines
from wamplite.bridge.framing.mixed import Mixed
from wamplite.bridge.framing.proof import Proof
from wamplite.bridge.framing.slip import Slip
from wamplite.serializers import check_payload

from .frames import pieces

MOST = 64  # bytes of a frame
XOR = Proof((Checksum("xor", (0, -3), -3),))
FRAMINGS: dict[str, Callable[[], Framing]] = {
    "lines": lambda: Lines(MOST),
    "cobs": lambda: Cobs(MOST),
    "slip": lambda: Slip(MOST),
    "delimiter": lambda: Delimited(b"\x03", max_bytes=MOST),
    "start and delimiter": lambda: Delimited(b"\x03", b"\x02", MOST),
    "flags": lambda: Delimited(b"~", b"~", MOST),
    "asides": lambda: Delimited(b"\r\x03", b"\r\x02", MOST, trailer=1, aside=(b"::", b"\n")),
    "hdlc": lambda: Hdlc(MOST),
    "long start and delimiter": lambda: Delimited(b">>", b"<<", MOST),
    "fixed": lambda: Fixed(4),
    "start and fixed": lambda: Fixed(4, b"\xaa\x55"),
    "length": lambda: LengthPrefixed(max_bytes=MOST),
    "start and length": lambda: LengthPrefixed(2, "little", True, start=b"\x7e", max_bytes=MOST),
    "long length": lambda: LengthPrefixed(4, max_bytes=MOST),
    "mixed": lambda: Mixed(
        [
            Delimited(b"\r\n", b"$", MOST, proof=XOR),
            LengthPrefixed(2, start=b"\xb5b", max_bytes=MOST, gap=0.1, proof=XOR),
            LengthPrefixed(1, start=b"\xb5", max_bytes=MOST),
            Delimited(b"~", b"~", MOST, aside=(b":", b"\n")),
        ]
    ),
    "idle gap": lambda: IdleGap(0.1, MOST),
}
TYPES = {"a": "int", "b": "float", "c": "bool", "d": "hex"}
DECODINGS: list[DecodeSettings] = [
    BytesSettings(),
    JsonSettings(),
    PlainTextSettings(),
    PlainTextSettings(encoding="latin-1"),
    PlainTextSettings(encoding="utf-16"),
    CsvSettings(fields=("a", "b", "", "c", "d"), types=TYPES),
    CsvSettings(fields=("a", "b"), separator=";"),
    RegexSettings(pattern=r"(?P<a>\S*)=(?P<b>\S*)", types=TYPES),
    StructSettings(format="<hfd3s?", fields=("a", "b", "", "c", "d")),
    NmeaSettings(),
    NmeaSettings(parse=True),
]
ALL = [settings.make() for settings in DECODINGS]


def framings(data: bytes) -> None:
    """Frames of a device: the same, and the same counts, in whatever pieces; none too long."""
    data, cut = pieces(data)
    for name, make in FRAMINGS.items():
        one, other = make(), make()
        counts = told(one), told(other)
        whole = one.feed(data, 0.0)
        parts = [frame for piece in cut for frame in other.feed(piece, 0.0)]
        whole, parts = whole + one.idle(), parts + other.idle()
        assert whole == parts, (name, whole, parts)
        assert counts[0] == counts[1], (name, counts)
        assert one.pending == other.pending, name
        assert all(len(frame) <= MOST for frame in whole), name


def decodings(data: bytes) -> None:
    """A frame: counted as none for a reason in few words, or a reading that WAMP carries."""
    for decode in ALL:
        try:
            reading = decode(data)
        except Undecodable as error:
            assert 0 < len(error.reason) < 100, error.reason
        else:
            check_payload(reading.args, reading.kwargs)
