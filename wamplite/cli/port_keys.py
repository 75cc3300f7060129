"""`--set KEY=VALUE`: any key of a port's table, or of [buffer], as a bridge's file would have it.

What begins with `buffer.` is a key of [buffer]. How the router is reached is an option of its own.
KEY may name a table within: framing.gap, publish.retain; of an array of tables it is the last one,
as in TOML, or a first one. A word in place of a table becomes one when a key of it is set:
framing.checksum.byteorder=little behind --checksum crc16-modbus. VALUE is written as in TOML; what
is no TOML is a text as it stands: parity=E, silence=2 min, prompt=^> $.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..config import toml
from ..core.errors import UsageError
from ..schema import Kind
from ..tables import Tables

__all__ = ["set_keys"]

# Where a text may stand in place of a table, and which key of the table that is
WORDS = dict.fromkeys(("framing", "decode", "checksum"), "kind")
WORDS |= dict.fromkeys(("reply", "error"), "pattern")

SESSION = "how the router is reached is told by options: --url, --realm, --authid, --timeout ..."


def set_keys(
    port: dict[str, Any],
    buffer: dict[str, Any],
    kinds: Mapping[str, Kind],
    given: Iterable[str],
) -> None:
    """Put each KEY=VALUE into [buffer], or a port, whose keys are of these kinds; UsageError."""
    for text in given:
        key, equals, value = text.partition("=")
        if not equals:
            raise UsageError(f"--set {text}: expected KEY=VALUE, such as framing.gap=0.2")
        steps = _steps(key.strip())
        if not steps:
            raise UsageError(f"--set {text}: {key!r} is no key such as silence or framing.gap")
        first = steps[0] if steps[1:] else ""
        if first == "session":
            raise UsageError(f"--set {text}: {SESSION}; wamplite serial --help")
        if first == "port":
            raise UsageError(f"--set {text}: KEY begins within the port: {'.'.join(steps[1:])}")
        if first == "buffer":
            _put(buffer, steps[1:], _value(value.strip()), text)
        else:
            _put(port, steps, _value(value.strip()), text)
    for name, kind in kinds.items():
        if isinstance(kind, Tables) and isinstance(port.get(name), dict):
            port[name] = [port[name]]


def _steps(key: str) -> list[str]:
    """Return the names in a dotted key of TOML; [] where it is none."""
    loads, error = toml()
    try:
        table: Any = loads(f"{key} = 0")
    except error:
        return []
    steps = []
    while isinstance(table, dict):
        name, table = next(iter(table.items()))
        steps.append(name)
    return steps if table == 0 else []


def _value(text: str) -> Any:
    loads, error = toml()
    try:
        table = loads(f"value = {text}")
    except error:
        return text
    return table["value"] if len(table) == 1 else text


def _put(table: dict[str, Any], steps: list[str], value: Any, text: str) -> None:
    *outer, last = steps
    for number, step in enumerate(outer, 1):
        inner = table.setdefault(step, {})
        if isinstance(inner, list) and inner:
            inner = inner[-1]
        if isinstance(inner, str) and step in WORDS:
            inner = table[step] = {WORDS[step]: inner}
        if not isinstance(inner, dict):
            raise UsageError(f"--set {text}: {'.'.join(steps[:number])} is no table")
        table = inner
    table[last] = value
