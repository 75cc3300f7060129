"""The settings of a bridge: its session, its buffer, its ports, and what each port does.

Plain values with their defaults: `bridge.configuration` makes them from a file and checks every
key, `bridge.builder` from a script. The names are the keys of the file; times are seconds; 0 means
no limit where a limit may be absent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = [
    "BridgeSettings",
    "BufferSettings",
    "DecodeSettings",
    "FramingSettings",
    "ModbusSettings",
    "PollSettings",
    "PortSettings",
    "ProcedureSettings",
    "PublishSettings",
    "SessionSettings",
    "SubscribeSettings",
]


@dataclass(frozen=True, kw_only=True)
class SessionSettings:
    """The router, the realm, and the identity to join with."""

    url: str = "ws://127.0.0.1:8080/ws"
    realm: str = "realm1"
    authid: str = ""
    secret_file: str = ""  # see wamplite.config.read_secret
    key_file: str = ""  # of a private key, for cryptosign
    authmethods: tuple[str, ...] = ("ticket",)  # what the secret proves it by, the best first
    serializer: str = "json"
    ca: str = ""  # file of the certificates to trust for wss and rss
    timeout: float = 30.0
    connect_timeout: float = 10.0
    max_retry_delay: float = 2.0


@dataclass(frozen=True, kw_only=True)
class BufferSettings:
    """The bounds of what waits while the router is away."""

    max_messages: int = 1000
    max_bytes: int = 1 << 20
    max_age: float = 600.0
    overflow: str = "drop-oldest"  # or "drop-newest"
    path: str = ""  # "": in memory


@dataclass(frozen=True, kw_only=True)
class FramingSettings:
    """Where a frame ends and the next begins; which keys are used depends on the kind."""

    kind: str = "lines"  # lines delimiter fixed length idle-gap cobs slip
    max_bytes: int = 4096
    delimiter: bytes = b"\n"  # delimiter: what ends a frame
    start: bytes = b""  # delimiter, fixed, length: what begins one
    size: int = 0  # fixed: bytes of a frame, after `start`
    length_bytes: int = 1  # length: 1, 2 or 4
    byteorder: str = "big"  # length: big or little
    includes_header: bool = False  # length: it counts `start` and itself too
    gap: float = 0.1  # silence that ends a frame (idle-gap), or drops a begun one (fixed, length)


@dataclass(frozen=True, kw_only=True)
class DecodeSettings:
    """What a frame holds; which keys are used depends on the kind."""

    kind: str = "text"  # text bytes json csv regex struct nmea python:MODULE:FUNCTION
    encoding: str = "utf-8"  # text, csv, regex
    fields: tuple[str, ...] = ()  # csv, struct: the names, "" for what is skipped
    types: Mapping[str, str] = field(default_factory=dict)  # csv, regex: int float str bool hex
    separator: str = ","  # csv
    pattern: str = ""  # regex
    format: str = ""  # struct
    function: Callable[[bytes], Any] | None = None  # python: (from a script) in place of the name
    parse: bool = False  # nmea: name the fields of a sentence, through pynmea2


@dataclass(frozen=True, kw_only=True)
class PublishSettings:
    """The topic of events, and which values of a reading they carry."""

    topic: str  # may hold {field} {port} and the names of kwargs
    fields: tuple[str, ...] = ()  # (): all
    deadband: Mapping[str, float] = field(default_factory=dict)
    min_interval: float = 0.0
    max_interval: float = 0.0
    retain: bool = False  # needs event_retention in the router
    acknowledge: bool = True
    timestamp: bool = False  # kwarg ts


@dataclass(frozen=True, kw_only=True)
class ProcedureSettings:
    """A procedure: what a call writes to the device, and the frame that is its reply."""

    uri: str
    write: str  # {0} {1} {name}
    reply: DecodeSettings | None = None  # None: the call does not wait for a reply
    timeout: float = 1.5
    retries: int = 0
    encoding: str = "utf-8"


@dataclass(frozen=True, kw_only=True)
class SubscribeSettings:
    """A topic whose events are written to the device."""

    topic: str
    write: str
    match: str = "exact"  # or prefix, wildcard
    encoding: str = "utf-8"


@dataclass(frozen=True, kw_only=True)
class ModbusSettings:
    """What to read from a Modbus RTU slave."""

    unit: int = 1
    function: int = 3  # 1 coils, 2 discrete inputs, 3 holding registers, 4 input registers
    address: int = 0
    type: str = "uint16"  # bit uint16 int16 uint32 int32 float32 float64 string
    count: int = 1  # string: registers
    byteorder: str = "big"  # big little big-swap little-swap, for 32 bits and more
    scale: float = 1.0
    name: str = ""  # the field's name; "": the value is the one argument


@dataclass(frozen=True, kw_only=True)
class PollSettings:
    """A request that is repeated each `every` seconds, and its reply published."""

    every: float
    publish: PublishSettings
    modbus: ModbusSettings | None = None  # else `write` and `reply`
    write: str = ""
    reply: DecodeSettings | None = None
    timeout: float = 1.5
    retries: int = 0
    encoding: str = "utf-8"


@dataclass(frozen=True, kw_only=True)
class PortSettings:
    """One device, and what the bridge does with it."""

    name: str
    device: str  # a path, usb:VID:PID[:SERIAL], socket://HOST:PORT, rfc2217://HOST:PORT
    baudrate: int = 9600
    bytesize: int = 8
    parity: str = "N"  # N E O M S
    stopbits: float = 1  # 1 1.5 2
    rtscts: bool = False
    xonxoff: bool = False
    exclusive: bool = True
    hupcl: bool = True  # False: keep DTR up at close, so that the next opening resets no board
    settle: float = 0.0  # after an opening: drop what comes for so long
    silence: float = 0.0  # open the device again after so long without a frame
    write_timeout: float = 1.0
    framing: FramingSettings = FramingSettings()
    decode: DecodeSettings = DecodeSettings()
    publish: tuple[PublishSettings, ...] = ()
    procedures: tuple[ProcedureSettings, ...] = ()
    subscribes: tuple[SubscribeSettings, ...] = ()
    polls: tuple[PollSettings, ...] = ()


@dataclass(frozen=True, kw_only=True)
class BridgeSettings:
    """A whole bridge."""

    session: SessionSettings = SessionSettings()
    buffer: BufferSettings = BufferSettings()
    ports: tuple[PortSettings, ...] = ()
