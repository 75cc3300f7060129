"""The lines of `wamplite top`: figures of the router, a table of realms, one of sessions (pure)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from ..core.words import printable

UNITS = ("B", "KiB", "MiB", "GiB", "TiB")

Row = dict[str, Any]


class Column(NamedTuple):
    """A column: its head, at most how wide, and what stands in it; numbers stand to the right."""

    head: str
    width: int
    show: Callable[[Row], str]
    is_text: bool = False


def table(look: Row, width: int) -> list[str]:
    """Return the lines of a look, each at most `width` wide."""
    realms = [{"realm": name, **realm} for name, realm in look["realms"].items()]
    rows = sorted(look["rows"], key=_busiest_first)
    lines = [*summary(look), "", *columns(REALM, realms)]
    if rows:
        lines += ["", f"sessions of {printable(look['sessions_of'])}", *columns(SESSION, rows)]
    return [line[:width] for line in lines]


def summary(look: Row) -> list[str]:
    """Return what there is to tell of the whole router."""
    process, queues = look["process"], look["queues"]
    first = [f"wamplite {look['version']}", f"up {span(look['uptime'])}"]
    share = process["cpu_share"]
    first.append("cpu -" if share is None else f"cpu {share:.0%}")
    first.append(f"{process['threads']} threads")
    if "resident" in process:
        first += [f"memory {size(process['resident'])}", f"{process['descriptors']} files"]
    second = [f"{look['connections']} connections, {look['joining']} of them without a session"]
    second.append(
        f"queued {size(queues['bytes'])} in {queues['messages']} messages"
        f" for {queues['connections']} connections"
    )
    counted = [f"{name} {number}" for name, number in sorted(look["counters"].items())]
    return ["  ".join(first), "  ".join(second), *([", ".join(counted)] if counted else [])]


def columns(wanted: Sequence[Column], rows: Iterable[Row]) -> list[str]:
    """Return a head and a line for each row; a column is as wide as it needs to be."""
    cells = [[column.head for column in wanted]]
    cells += [[_cut(column.show(row), column.width) for column in wanted] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return ["  ".join(map(_padded, wanted, line, widths)).rstrip() for line in cells]


def span(seconds: float) -> str:
    """Return a time as days, hours, minutes and seconds."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return f"{f'{days} d ' if days else ''}{hours}:{minutes:02}:{rest:02}"


def size(number: float) -> str:
    """Return a number of bytes in three digits or so."""
    power = 0
    while number >= 1000 and power < len(UNITS) - 1:
        number, power = number / 1024, power + 1
    digits = 1 if power and number < 10 else 0
    return f"{number:.{digits}f} {UNITS[power]}"


def rate(number: float | None) -> str:
    """Return messages a second."""
    return "-" if number is None else f"{number:.1f}" if 0 < number < 10 else f"{number:.0f}"


def _busiest_first(row: Row) -> tuple[float, int]:
    rates = (row["in_per_second"] or 0) + (row["out_per_second"] or 0)
    return -rates - row["queued_bytes"] / 1024, row["session"]


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}~"


def _padded(column: Column, cell: str, width: int) -> str:
    return cell.ljust(width) if column.is_text else cell.rjust(width)


def _of(key: str) -> Callable[[Row], str]:
    return lambda row: printable(str(row[key]))


BUSY = (
    Column("in/s", 9, lambda row: rate(row["in_per_second"])),
    Column("out/s", 9, lambda row: rate(row["out_per_second"])),
)
REALM = (
    Column("realm", 40, _of("realm"), True),
    *BUSY,
    *(
        Column(key, 12, _of(key))
        for key in ("sessions", "subscriptions", "registrations", "calls", "waiting")
    ),
)
SESSION = (
    Column("session", 16, _of("session")),
    Column("authid", 20, _of("authid"), True),
    Column("role", 12, _of("authrole"), True),
    *BUSY,
    Column("queued", 9, lambda row: size(row["queued_bytes"])),
    Column("subs", 6, _of("subscriptions")),
    Column("regs", 6, _of("registrations")),
    Column("calls", 6, lambda row: str(row["calls"] + row["invocations"])),
    Column("here for", 14, lambda row: span(row["seconds"])),
    Column("from", 24, _of("peer"), True),
    Column("agent", 24, _of("agent"), True),
)
