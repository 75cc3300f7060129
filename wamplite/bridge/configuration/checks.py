"""Checks of the values of a configuration against each other; each problem has its location.

A check is given settings of which each single value is valid, and notes what does not fit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib.util import find_spec
from typing import Any

from ...config import Location
from ...core.errors import UsageError
from ...schema import nearest
from ..asking.templates import make_template
from ..decoding.basic import make_decoder
from ..decoding.fields import names_of
from ..settings import (
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
from ..shaping import TopicTemplate

DEVICE = r"/.+|usb:[0-9a-fA-F]{4}:[0-9a-fA-F]{4}(:.+)?|(socket|rfc2217|loop)://.*"
DEVICE_WANTED = "a path that begins with /, usb:VID:PID[:SERIAL], socket:// or rfc2217://HOST:PORT"
MODBUS_TYPES = ("bit", "uint16", "int16", "uint32", "int32", "float32", "float64", "string")
AUTHMETHODS = {"scram", "wampcra", "ticket"}


def _try(at: Location, make: Callable[..., Any], *args: Any) -> bool:
    """Call `make` and note its UsageError."""
    try:
        make(*args)
    except UsageError as exc:
        at.wrong(str(exc))
        return False
    return True


def session(settings: SessionSettings, at: Location) -> None:
    """Check that the URL can be dialled, and that a secret belongs to an authid."""
    from ...transports import dial

    _try(at / "url", dial.parse, settings.url)
    if settings.secret_file and not settings.authid:
        at.wrong('"secret_file" needs an "authid"')
    if not settings.authmethods or not set(settings.authmethods) <= AUTHMETHODS:
        there = ", ".join(sorted(AUTHMETHODS))
        (at / "authmethods").wrong(f"expected some of {there}, not {list(settings.authmethods)}")


def framing(settings: FramingSettings, at: Location) -> None:
    """Check the size of a length prefix."""
    if settings.length_bytes == 3:
        (at / "length_bytes").wrong("expected 1, 2 or 4, not 3")


def decode(settings: DecodeSettings, at: Location) -> None:
    """Check that the decoder can be settings, and that all types belong to a field."""
    if settings.kind == "csv" and not any(settings.fields):
        (at / "fields").wrong("names no field")
    doubled = [name for name in settings.fields if name and settings.fields.count(name) > 1]
    if doubled:
        (at / "fields").wrong(f'"{doubled[0]}" stands there twice')
    if not _try(at, make_decoder, settings):
        return
    known = names_of(settings)
    if known is not None:
        _known(settings.types, known, at / "types")
        if "options" in known:
            at.wrong('"options" cannot be the name of a value')


def _known(names: Iterable[str], known: set[str] | None, at: Location) -> None:
    for name in names:
        if known is not None and name not in known:
            at.wrong(f'there is no value named "{name}"; {nearest(name, known)}')


def publish(settings: PublishSettings, at: Location) -> None:
    """Check the topic and the intervals."""
    _try(at / "topic", TopicTemplate, settings.topic)
    if 0 < settings.max_interval < settings.min_interval:
        (at / "max_interval").wrong(f"is less than min_interval = {settings.min_interval:g}")


def _values(settings: PublishSettings, known: set[str] | None, at: Location) -> None:
    """Check that each published value is in the reading."""
    names = TopicTemplate(settings.topic).names
    _known(settings.fields, known, at / "fields")
    _known(settings.deadband, known, at / "deadband")
    if known is not None:
        _known(names, known | {"port", "field"}, at / "topic")
    if settings.fields:
        outside = [name for name in settings.deadband if name not in settings.fields]
        _known(outside, set(settings.fields), at / "deadband")


def _asks(settings: ProcedureSettings | SubscribeSettings | PollSettings, at: Location) -> None:
    _try(at / "write", make_template, settings.write, settings.encoding)


def procedure(settings: ProcedureSettings, at: Location) -> None:
    """Check the template, and that the URI is not reserved."""
    _asks(settings, at)
    if settings.uri.startswith(("wamp.", "wamplite.")):
        (at / "uri").wrong(f"{settings.uri} is reserved")


def subscribe(settings: SubscribeSettings, at: Location) -> None:
    """Check the template, and that only wildcard patterns have empty components."""
    _asks(settings, at)
    if settings.match != "wildcard" and "" in settings.topic.removesuffix(".").split("."):
        (at / "topic").wrong(
            f"{settings.topic!r} has an empty component: that needs match = wildcard"
        )


def modbus(settings: ModbusSettings, at: Location) -> None:
    """Check that the function can read the type, and that the library is installed."""
    if find_spec("minimalmodbus") is None:
        at.wrong("Modbus needs minimalmodbus: pip install minimalmodbus")
    if (settings.type == "bit") != (settings.function in (1, 2)):
        kinds = "of type bit" if settings.function in (1, 2) else "of another type than bit"
        (at / "type").wrong(f"function {settings.function} reads values {kinds}")
    if settings.count > 1 and settings.type != "string":
        (at / "count").wrong('belongs to type = "string"')
    if settings.scale != 1 and settings.type in ("bit", "string"):
        (at / "scale").wrong(f"a {settings.type} cannot be scaled")


def poll(settings: PollSettings, at: Location) -> None:
    """Check that it asks in one way, and publishes what its reply holds."""
    publish(settings.publish, at)
    if (settings.modbus is None) == (not settings.write):
        at.wrong('a poll has either "modbus" or "write"')
    elif settings.modbus is not None:
        known = {settings.modbus.name or "0"}
        if settings.reply is not None:
            (at / "reply").wrong('belongs to "write"; modbus knows its replies')
        _published(settings.publish, known, at)
    else:
        _asks(settings, at)
        if "{" in settings.write.replace("{{", ""):
            (at / "write").wrong("a poll has no arguments to fill in")
        if settings.reply is None:
            at.wrong('a poll with "write" needs a "reply"')
        else:
            _published(settings.publish, names_of(settings.reply), at)


def _published(settings: PublishSettings, known: set[str] | None, at: Location) -> None:
    if not any(path[: len(at.path)] == at.path for path, _ in at.document.problems):
        _values(settings, known, at)


def port(settings: PortSettings, at: Location) -> None:
    """Check the stop bits, and that what is published is decoded."""
    if settings.stopbits not in (1, 1.5, 2):
        (at / "stopbits").wrong(f"expected 1, 1.5 or 2, not {settings.stopbits:g}")
    for number, publish in enumerate(settings.publish):
        _published(publish, names_of(settings.decode), at / "publish" / number)


def bridge(settings: BridgeSettings, at: Location) -> None:
    """Check that no two ports, or procedures, have one name."""
    if not settings.ports:
        at.wrong("there is no [[port]]")
    _unlike("name", [(p.name, at / "port" / n / "name") for n, p in enumerate(settings.ports)])
    _unlike(
        "device", [(p.device, at / "port" / n / "device") for n, p in enumerate(settings.ports)]
    )
    procedures = [
        (procedure.uri, at / "port" / n / "procedure" / m / "uri")
        for n, port in enumerate(settings.ports)
        for m, procedure in enumerate(port.procedures)
    ]
    _unlike("uri", procedures)


def _unlike(what: str, pairs: list[tuple[str, Location]]) -> None:
    seen: set[str] = set()
    for value, at in pairs:
        if value in seen:
            at.wrong(f"another one has the {what} {value!r} already")
        seen.add(value)
