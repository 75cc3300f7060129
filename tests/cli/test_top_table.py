"""The lines of `wamplite top`: whatever is in the figures, they fit."""

from __future__ import annotations

from typing import Any

import pytest

from wamplite.cli.top_table import rate, size, span, table

Row = dict[str, Any]


def realm(**more: Any) -> Row:
    keys = ("sessions", "subscriptions", "registrations", "calls", "waiting")
    return {**dict.fromkeys(keys, 1), "in_per_second": 2.5, "out_per_second": None, **more}


def row(session: int, busy: float | None, **more: Any) -> Row:
    return {
        **{"session": session, "authid": "joe", "authrole": "user", "agent": "", "peer": "a:1"},
        **{"queued_bytes": 0, "subscriptions": 0, "registrations": 0, "calls": 1},
        **{"invocations": 2, "seconds": 61, "in_per_second": busy, "out_per_second": 0.0},
        **more,
    }


def look(rows: list[Row], **more: Any) -> Row:
    process = {"cpu_share": 0.123, "threads": 7, "resident": 2**20 * 20, "descriptors": 9}
    return {
        **{"version": "1.2", "uptime": 3723, "process": process, "connections": 3, "joining": 1},
        "queues": {"bytes": 2048, "messages": 4, "connections": 1, "largest": 2048},
        **{"counters": {}, "realms": {"realm1": realm()}, "sessions_of": "realm1", "rows": rows},
        **more,
    }


def test_figures_realms_and_sessions_stand_in_columns() -> None:
    lines = table(look([row(7, 12.0)], counters={"slow_consumers": 2, "events_dropped": 1}), 200)
    assert lines == [
        "wamplite 1.2  up 1:02:03  cpu 12%  7 threads  memory 20 MiB  9 files",
        "3 connections, 1 of them without a session  queued 2.0 KiB in 4 messages"
        " for 1 connections",
        "events_dropped 1, slow_consumers 2",
        "",
        "realm   in/s  out/s  sessions  subscriptions  registrations  calls  waiting",
        "realm1   2.5      -         1              1              1      1        1",
        "",
        "sessions of realm1",
        "session  authid  role  in/s  out/s  queued  subs  regs  calls  here for  from  agent",
        "      7  joe     user    12      0     0 B     0     0      3   0:01:01  a:1",
    ]


def test_who_is_busiest_stands_first() -> None:
    rows = [row(1, 0.0), row(2, 5.0), row(3, None), row(4, 0.0, queued_bytes=10**6)]
    lines = table(look(rows), 200)
    assert [line.split()[0] for line in lines[-4:]] == ["4", "2", "1", "3"]


def test_what_a_peer_calls_itself_moves_no_cursor_and_no_column() -> None:
    evil = row(1, 0.0, authid="\x1b[2J" * 30, agent="x\r\n" * 50, peer="\x9b")
    lines = table(look([evil, row(2, 0.0)], sessions_of="a\x1bb"), 200)
    assert all(line.isprintable() and len(line) <= 200 for line in lines)
    assert lines[-1].index("user") == lines[-2].index("user")
    assert all(len(line) <= 40 for line in table(look([evil]), 40))


def test_without_rows_or_proc_there_is_less() -> None:
    process = {"cpu_share": None, "threads": 7}
    lines = table(look([], process=process), 200)
    assert lines[0] == "wamplite 1.2  up 1:02:03  cpu -  7 threads"
    assert not any("sessions of" in line for line in lines)


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 KiB"), (2048, "2.0 KiB"), (20_000, "20 KiB")]
    + [(2**20 * 1.5, "1.5 MiB"), (2**40 * 5000, "5000 TiB")],
)
def test_sizes_have_three_digits_or_so(number: float, text: str) -> None:
    assert size(number) == text


def test_times_and_rates_are_short() -> None:
    spans = [span(seconds) for seconds in (0, 59.9, 3600, 90_061)]
    assert spans == ["0:00:00", "0:00:59", "1:00:00", "1 d 1:01:01"]
    rates = [rate(number) for number in (None, 0, 0.04, 9.94, 10, 12345.6)]
    assert rates == ["-", "0", "0.0", "9.9", "10", "12346"]
