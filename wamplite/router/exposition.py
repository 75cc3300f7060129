"""The figures of a router as Prometheus reads them: its text format, version 0.0.4 (pure).

    # HELP name what it is
    # TYPE name gauge or counter
    name{label="value"} number

Each family stands in a row of a table below; a counter's name ends with `_total`, sizes are bytes,
times seconds, and what is told of any process has the name that others give it, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
GAUGE, COUNTER = "gauge", "counter"
ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})  # in the value of a label

# Told from the beginning as 0, or the first one could not be seen as an increase.
INCIDENTS = (
    "accepts_failed",
    "bad_logins",
    "calls_refused",
    "connections_refused",
    "connections_refused_at_the_end",
    "connections_refused_by_address",
    "connections_refused_handshaking",
    "connections_refused_handshaking_by_address",
    "connections_without_thread",
    "deadlines_missed",
    "events_dropped",
    "events_not_authorized",
    "events_not_published",
    "handshakes_evicted",
    "history_not_stored",
    "http_requests_too_large",
    "joins_refused",
    "largest_holders",
    "logins_delayed",
    "logins_refused",
    "messages_above_the_peers_limit",
    "messages_too_large",
    "not_authorized",
    "options_unheeded",
    "pings_unanswered",
    "registrations_refused",
    "retained_forgotten",
    "retained_not_stored",
    "sessions_not_polled",
    "sessions_slowed",
    "slow_consumers",
    "subscriptions_refused",
    "unfit_messages",
)


class Family(NamedTuple):
    """One metric: of the whole router, or of each realm or listener."""

    name: str
    kind: str
    help: str
    find: Callable[[Mapping[str, Any]], Any]  # None: it is not known here


def _of(*path: str) -> Callable[[Mapping[str, Any]], Any]:
    def find(figures: Any) -> Any:
        for key in path:
            figures = figures.get(key)
        return figures

    return find


def _began(figures: Mapping[str, Any]) -> float:
    return datetime.fromisoformat(figures["started"].replace("Z", "+00:00")).timestamp()


ROUTER = (
    Family("wamplite_connections_joining", GAUGE, "without a session", _of("joining")),
    Family("wamplite_queued_bytes", GAUGE, "that wait to be sent", _of("queues", "bytes")),
    Family("wamplite_queued_messages", GAUGE, "that wait to be sent", _of("queues", "messages")),
    Family(
        "wamplite_queued_connections",
        GAUGE,
        "for which something waits to be sent",
        _of("queues", "connections"),
    ),
    Family(
        "wamplite_largest_queue_bytes",
        GAUGE,
        "that wait for the one connection that has most",
        _of("queues", "largest"),
    ),
    Family("wamplite_threads", GAUGE, "of the process", _of("process", "threads")),
    Family("process_cpu_seconds_total", COUNTER, "user and system", _of("process", "cpu")),
    Family("process_resident_memory_bytes", GAUGE, "of the process", _of("process", "resident")),
    Family("process_open_fds", GAUGE, "file descriptors", _of("process", "descriptors")),
    Family("process_start_time_seconds", GAUGE, "since 1970", _began),
)
REALM = (
    Family("wamplite_sessions", GAUGE, "that are here", _of("sessions")),
    Family("wamplite_subscriptions", GAUGE, "topics and patterns", _of("subscriptions")),
    Family("wamplite_subscribers", GAUGE, "of all subscriptions", _of("subscribers")),
    Family("wamplite_registrations", GAUGE, "procedures and patterns", _of("registrations")),
    Family("wamplite_calls", GAUGE, "in flight", _of("calls")),
    Family("wamplite_arrivals_waiting", GAUGE, "receives not routed yet", _of("waiting")),
    Family("wamplite_sessions_joined_total", COUNTER, "since the start", _of("joined")),
    Family("wamplite_messages_received_total", COUNTER, "from sessions", _of("messages_in")),
    Family("wamplite_messages_sent_total", COUNTER, "to sessions", _of("messages_out")),
)
LISTENER = (
    Family("wamplite_connections", GAUGE, "that are open", _of("connections")),
    Family("wamplite_connections_accepted_total", COUNTER, "since the start", _of("accepted")),
    Family("wamplite_received_bytes_total", COUNTER, "on the wire", _of("bytes_in")),
    Family("wamplite_sent_bytes_total", COUNTER, "on the wire", _of("bytes_out")),
)


def render(figures: Mapping[str, Any]) -> str:
    """Return the text for figures as statistics.stats tells them."""
    lines = _family("wamplite_info", GAUGE, "which router this is")
    lines.append(_sample("wamplite_info", {"version": figures["version"]}, 1))
    for family in ROUTER:
        lines += _told(family, [({}, figures)])
    for label, families in (("realm", REALM), ("listener", LISTENER)):
        rows = [({label: name}, row) for name, row in figures[f"{label}s"].items()]
        for family in families:
            lines += _told(family, rows)
    lines += _family("wamplite_incidents_total", COUNTER, "what was refused, dropped or missed")
    incidents = {**dict.fromkeys(INCIDENTS, 0), **figures["counters"]}
    for kind, number in sorted(incidents.items()):
        lines.append(_sample("wamplite_incidents_total", {"kind": kind}, number))
    return "\n".join([*lines, ""])


def _told(family: Family, rows: Iterable[tuple[Mapping[str, str], Mapping[str, Any]]]) -> list[str]:
    found = [(labels, family.find(row)) for labels, row in rows]
    samples = [
        _sample(family.name, labels, number) for labels, number in found if number is not None
    ]
    return [*_family(family.name, family.kind, family.help), *samples] if samples else []


def _family(name: str, kind: str, help: str) -> list[str]:
    return [f"# HELP {name} {help}", f"# TYPE {name} {kind}"]


def _sample(name: str, labels: Mapping[str, str], number: float) -> str:
    pairs = ",".join(f'{key}="{_escaped(value)}"' for key, value in labels.items())
    return f"{name}{{{pairs}}} {number!r}" if pairs else f"{name} {number!r}"


def _escaped(value: str) -> str:
    """Return the value of a label as it stands between quotes."""
    return value.translate(ESCAPES)
