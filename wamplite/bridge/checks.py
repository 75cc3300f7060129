"""What the values of a configuration must be together; each complaint at its place.

A check gets settings whose single values are right, and notes what does not fit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib.util import find_spec
from typing import Any

from ..config import Location
from ..core.errors import UsageError
from ..schema import nearest
from .decoding import make_decoder
from .field_decoders import names_of
from .settings import (
    BridgeSettings,
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
from .shaping import TopicTemplate
from .templates import make_template

DEVICE = r"/.+|usb:[0-9a-fA-F]{4}:[0-9a-fA-F]{4}(:.+)?|(socket|rfc2217|loop)://.*"
DEVICE_WANTED = "a path that begins with /, usb:VID:PID[:SERIAL], socket:// or rfc2217://HOST:PORT"
MODBUS_TYPES = ("bit", "uint16", "int16", "uint32", "int32", "float32", "float64", "string")


def _try(at: Location, make: Callable[..., Any], *args: Any) -> bool:
    """Note what `make` complains about."""
    try:
        make(*args)
    except UsageError as exc:
        at.wrong(str(exc))
        return False
    return True


def session(made: SessionSettings, at: Location) -> None:
    """Check that the URL is one that can be dialled."""
    from ..transports import dial

    _try(at / "url", dial.parse, made.url)
    if made.secret_file and not made.authid:
        at.wrong('"secret_file" needs an "authid"')


def framing(made: FramingSettings, at: Location) -> None:
    """Check what a length prefix can be."""
    if made.length_bytes == 3:
        (at / "length_bytes").wrong("expected 1, 2 or 4, not 3")


def decode(made: DecodeSettings, at: Location) -> None:
    """Check that the decoder can be made, and that all types belong to a field."""
    if made.kind == "csv" and not any(made.fields):
        (at / "fields").wrong("names no field")
    doubled = [name for name in made.fields if name and made.fields.count(name) > 1]
    if doubled:
        (at / "fields").wrong(f'"{doubled[0]}" stands there twice')
    if not _try(at, make_decoder, made):
        return
    known = names_of(made)
    if known is not None:
        _known(made.types, known, at / "types")
        if "options" in known:
            at.wrong('"options" cannot be the name of a value')


def _known(names: Iterable[str], known: set[str] | None, at: Location) -> None:
    for name in names:
        if known is not None and name not in known:
            at.wrong(f'there is no value named "{name}"; {nearest(name, known)}')


def publish(made: PublishSettings, at: Location) -> None:
    """Check the topic and the intervals."""
    _try(at / "topic", TopicTemplate, made.topic)
    if 0 < made.max_interval < made.min_interval:
        (at / "max_interval").wrong(f"is less than min_interval = {made.min_interval:g}")


def _values(made: PublishSettings, known: set[str] | None, at: Location) -> None:
    """Check that what is published of a reading is in it."""
    names = TopicTemplate(made.topic).names
    _known(made.fields, known, at / "fields")
    _known(made.deadband, known, at / "deadband")
    if known is not None:
        _known(names, known | {"port", "field"}, at / "topic")
    if made.fields:
        outside = [name for name in made.deadband if name not in made.fields]
        _known(outside, set(made.fields), at / "deadband")


def _asks(made: ProcedureSettings | SubscribeSettings | PollSettings, at: Location) -> None:
    _try(at / "write", make_template, made.write, made.encoding)


def procedure(made: ProcedureSettings, at: Location) -> None:
    """Check what is written."""
    _asks(made, at)
    if made.uri.startswith(("wamp.", "wamplite.")):
        (at / "uri").wrong(f"{made.uri} is reserved")


def subscribe(made: SubscribeSettings, at: Location) -> None:
    """Check what is written, and that only patterns have empty components."""
    _asks(made, at)
    if made.match != "wildcard" and "" in made.topic.removesuffix(".").split("."):
        (at / "topic").wrong(f"{made.topic!r} has an empty component: that needs match = wildcard")


def modbus(made: ModbusSettings, at: Location) -> None:
    """Check that the type can be read by that function, and that the library is there."""
    if find_spec("minimalmodbus") is None:
        at.wrong("Modbus needs minimalmodbus: pip install minimalmodbus")
    if (made.type == "bit") != (made.function in (1, 2)):
        kinds = "of type bit" if made.function in (1, 2) else "of another type than bit"
        (at / "type").wrong(f"function {made.function} reads values {kinds}")
    if made.count > 1 and made.type != "string":
        (at / "count").wrong('belongs to type = "string"')
    if made.scale != 1 and made.type in ("bit", "string"):
        (at / "scale").wrong(f"a {made.type} cannot be scaled")


def poll(made: PollSettings, at: Location) -> None:
    """Check that it asks in one way, and publishes what comes back."""
    publish(made.publish, at)
    if (made.modbus is None) == (not made.write):
        at.wrong('a poll has either "modbus" or "write"')
    elif made.modbus is not None:
        known = {made.modbus.name or "0"}
        if made.reply is not None:
            (at / "reply").wrong('belongs to "write"; modbus knows its replies')
        _published(made.publish, known, at)
    else:
        _asks(made, at)
        if "{" in made.write.replace("{{", ""):
            (at / "write").wrong("a poll has no arguments to fill in")
        if made.reply is None:
            at.wrong('a poll with "write" needs a "reply"')
        else:
            _published(made.publish, names_of(made.reply), at)


def _published(made: PublishSettings, known: set[str] | None, at: Location) -> None:
    if not any(path[: len(at.path)] == at.path for path, _ in at.document.problems):
        _values(made, known, at)


def port(made: PortSettings, at: Location) -> None:
    """Check that what is published is decoded."""
    if made.stopbits not in (1, 1.5, 2):
        (at / "stopbits").wrong(f"expected 1, 1.5 or 2, not {made.stopbits:g}")
    for number, one in enumerate(made.publish):
        _published(one, names_of(made.decode), at / "publish" / number)


def bridge(made: BridgeSettings, at: Location) -> None:
    """Check that no two ports, or procedures, have one name."""
    if not made.ports:
        at.wrong("there is no [[port]]")
    _unlike("name", [(one.name, at / "port" / n / "name") for n, one in enumerate(made.ports)])
    _unlike("device", [(p.device, at / "port" / n / "device") for n, p in enumerate(made.ports)])
    procedures = [
        (one.uri, at / "port" / n / "procedure" / m / "uri")
        for n, port in enumerate(made.ports)
        for m, one in enumerate(port.procedures)
    ]
    _unlike("uri", procedures)


def _unlike(what: str, pairs: list[tuple[str, Location]]) -> None:
    seen: set[str] = set()
    for value, at in pairs:
        if value in seen:
            at.wrong(f"another one has the {what} {value!r} already")
        seen.add(value)
