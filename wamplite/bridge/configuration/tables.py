"""The configuration of a bridge, from a file in TOML or from a dict of the same shape.

The tables here say what each key may be; `checks` compares the values with each other, `settings`
holds the defaults, docs/bridge.md explains every key.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...config import ROUTER, Document, load
from ...schema import (
    Bytes,
    Either,
    Encoding,
    Flag,
    FunctionKind,
    Names,
    Number,
    Table,
    Tables,
    Text,
    Texts,
    Uri,
    Whole,
)
from ...units import Duration, Size
from ..decoding.readings import TYPES
from ..settings import (
    BridgeSettings,
    BufferSettings,
    DecodeSettings,
    FramingSettings,
    ModbusSettings,
    PollSettings,
    PortSettings,
    ProcedureSettings,
    PublishSettings,
    SessionSettings,
    SubscribeSettings,
)
from . import checks

__all__ = ["BRIDGE", "from_dict", "from_file"]

DAY = 86400.0
ANY = Text(pattern=".*", wanted="text")
SECONDS = Duration(0, 365 * DAY)
TIMEOUT = Duration(0.01, DAY)
FIELD_TYPES = Names(Text(*TYPES))

SESSION = Table(
    {
        "url": Text(),
        "realm": Uri(),
        "authid": Text(),
        "secret_file": Text(),
        "key_file": Text(),
        "authmethods": Texts(),
        "serializer": Text("json", "msgpack", "cbor"),
        "ca": Text(),
        "timeout": TIMEOUT,
        "connect_timeout": TIMEOUT,
        "max_retry_delay": Duration(0.1, DAY),
    },
    SessionSettings,
    checks=(checks.session,),
)

BUFFER = Table(
    {
        "max_messages": Whole(1, 10_000_000),
        "max_bytes": Size(1024, 1 << 40),
        "max_age": SECONDS,
        "overflow": Text("drop-oldest", "drop-newest"),
        "path": ANY,
    },
    BufferSettings,
)

_BOUND = {"max_bytes": Size(1, 65536)}
_START = {"start": Bytes()}
_GAP = {"gap": Duration(0, 60)}
_FRAMING_KEYS: dict[str, dict[str, Any]] = {
    "lines": _BOUND,
    "delimiter": {"delimiter": Bytes()} | _START | _BOUND,
    "fixed": {"size": Whole(1, 65536)} | _START | _GAP,
    "length": {
        "length_bytes": Whole(1, 4),
        "byteorder": Text("big", "little"),
        "includes_header": Flag(),
    }
    | _START
    | _GAP
    | _BOUND,
    "idle-gap": {"gap": Duration(0.001, 60)} | _BOUND,
    "cobs": _BOUND,
    "slip": _BOUND,
}
FRAMING = Either(
    {
        kind: Table(
            {"kind": Text(kind)} | keys,
            FramingSettings,
            required=("size",) if kind == "fixed" else (),
            checks=(checks.framing,),
        )
        for kind, keys in _FRAMING_KEYS.items()
    }
)

_ENCODING = {"encoding": Encoding()}
_DECODE_KEYS: dict[str, dict[str, Any]] = {
    "text": _ENCODING,
    "bytes": {},
    "json": {},
    "csv": {
        "fields": Texts(),
        "types": FIELD_TYPES,
        "separator": Text(pattern='[^"\r\n]', wanted="one character"),
    }
    | _ENCODING,
    "regex": {"pattern": Text(), "types": FIELD_TYPES} | _ENCODING,
    "struct": {"format": Text(), "fields": Texts()},
    "nmea": {"parse": Flag(), "types": FIELD_TYPES},
    "python:": {"function": FunctionKind()},
}
_DECODE_REQUIRED = {"csv": ("fields",), "regex": ("pattern",), "struct": ("format",)}
_DECODE_TABLES = {
    kind: Table(
        {"kind": Text()} | keys,
        DecodeSettings,
        required=_DECODE_REQUIRED.get(kind, ()),
        checks=(checks.decode,),
    )
    for kind, keys in _DECODE_KEYS.items()
}
DECODE = Either(_DECODE_TABLES)
REPLY = Either(_DECODE_TABLES, key="pattern", kind="regex")

_PUBLISH_KEYS: dict[str, Any] = {
    "topic": Text(),
    "fields": Texts(),
    "deadband": Names(Number(0, 1e300)),
    "min_interval": SECONDS,
    "max_interval": SECONDS,
    "retain": Flag(),
    "acknowledge": Flag(),
    "timestamp": Flag(),
}
PUBLISH = Table(_PUBLISH_KEYS, PublishSettings, required=("topic",), checks=(checks.publish,))

_ASK: dict[str, Any] = {
    "write": Text(),
    "reply": REPLY,
    "timeout": TIMEOUT,
    "retries": Whole(0, 100),
} | _ENCODING
PROCEDURE = Table(
    {"uri": Uri()} | _ASK,
    ProcedureSettings,
    required=("uri", "write"),
    checks=(checks.procedure,),
)

SUBSCRIBE = Table(
    {
        "topic": Uri(pattern=True),
        "write": Text(),
        "match": Text("exact", "prefix", "wildcard"),
    }
    | _ENCODING,
    SubscribeSettings,
    required=("topic", "write"),
    checks=(checks.subscribe,),
)

MODBUS = Table(
    {
        "unit": Whole(1, 247),
        "function": Whole(1, 4),
        "address": Whole(0, 65535),
        "type": Text(*checks.MODBUS_TYPES),
        "count": Whole(1, 125),
        "byteorder": Text("big", "little", "big-swap", "little-swap"),
        "scale": Number(-1e300, 1e300),
        "name": Text(pattern=r"[^\s.#{}]+", wanted="a name"),
    },
    ModbusSettings,
    checks=(checks.modbus,),
)


def _poll(**given: Any) -> PollSettings:
    publish = {key: given.pop(key) for key in _PUBLISH_KEYS if key in given}
    return PollSettings(publish=PublishSettings(**publish), **given)


POLL = Table(
    {"every": Duration(0.05, 365 * DAY), "modbus": MODBUS} | _ASK | _PUBLISH_KEYS,
    _poll,
    required=("every", "topic"),
    checks=(checks.poll,),
)


def _port(procedure: Any = (), subscribe: Any = (), poll: Any = (), **given: Any) -> PortSettings:
    return PortSettings(procedures=procedure, subscribes=subscribe, polls=poll, **given)


PORT = Table(
    {
        "name": Text(pattern="[A-Za-z0-9_-]{1,64}", wanted="a name of letters, digits, _ and -"),
        "device": Text(pattern=checks.DEVICE, wanted=checks.DEVICE_WANTED),
        "baudrate": Whole(50, 12_000_000),
        "bytesize": Whole(5, 8),
        "parity": Text("N", "E", "O", "M", "S"),
        "stopbits": Number(1, 2),
        "rtscts": Flag(),
        "xonxoff": Flag(),
        "exclusive": Flag(),
        "hupcl": Flag(),
        "settle": Duration(0, 60),
        "silence": SECONDS,
        "write_timeout": Duration(0.01, 60),
        "framing": FRAMING,
        "decode": DECODE,
        "publish": Tables(PUBLISH),
        "procedure": Tables(PROCEDURE),
        "subscribe": Tables(SUBSCRIBE),
        "poll": Tables(POLL),
    },
    _port,
    required=("name", "device"),
    checks=(checks.port,),
)


def _bridge(port: Any = (), **given: Any) -> BridgeSettings:
    return BridgeSettings(ports=port, **given)


BRIDGE = Table(
    {"session": SESSION, "buffer": BUFFER, "port": Tables(PORT)},
    _bridge,
    required=("port",),
    checks=(checks.bridge,),
    elsewhere=ROUTER,
)


def from_file(path: str | Path) -> BridgeSettings:
    """Read a configuration file; UsageError with a line for each problem."""
    return _read(load(path))


def from_dict(data: dict[str, Any]) -> BridgeSettings:
    """Read a dict of the same shape as the file; UsageError as for a file."""
    return _read(Document(data))


def _read(document: Document) -> BridgeSettings:
    settings: BridgeSettings = BRIDGE.read(document.data, document.root())
    document.finish()
    return settings
