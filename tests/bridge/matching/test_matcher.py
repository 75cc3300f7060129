"""Patterns are searched for within a bound, and no port waits for another one's."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.bridge.pseudo import PseudoDevice
from tests.waiting import until
from wamplite.bridge.bridge_port import BridgePort
from wamplite.bridge.clock import BootClock
from wamplite.bridge.configuration.tables import from_dict
from wamplite.bridge.matching.matcher import Matcher, TookTooLong, compiled
from wamplite.bridge.matching.worker import end_all
from wamplite.bridge.shaping import ShapedEvent
from wamplite.core.errors import UsageError

SLOW = r"(.*);(?P<middle>.*);(.*);(x)?$"  # how often it goes back grows by the fourth power
LONG = "a;" * 30 + "b;c;d;"
EVIL = ";" * 800 + "y"  # half a minute, were it waited for


@pytest.fixture(autouse=True)
def ended() -> Iterator[None]:
    before = children()
    yield
    end_all()
    assert children() <= before


def children() -> set[str]:
    """Return the processes of this one, those that have ended and were not waited for, too."""
    tasks = Path(f"/proc/{os.getpid()}/task").iterdir()
    return {pid for task in tasks for pid in (task / "children").read_text().split()}


@pytest.mark.parametrize("text", ["a;b;c;x", "a;b;c;", "none", LONG, "ä" * 60 + ";€;;x", ""])
def test_it_finds_what_re_finds_here_or_in_its_process(text: str) -> None:
    matcher = Matcher(re.compile(SLOW))
    match = re.search(SLOW, text)
    assert matcher.groups(text) == (match and [match[0], *match.groups()])


def test_a_text_that_takes_too_long_is_given_up_and_the_next_one_is_matched() -> None:
    matcher = Matcher(re.compile(SLOW))
    for _ in range(2):
        with pytest.raises(TookTooLong):
            matcher.groups(EVIL)
        assert matcher.finds(LONG)
    assert not matcher.finds(EVIL)


def test_a_process_that_was_ended_is_started_again() -> None:
    matcher = Matcher(re.compile(SLOW))
    for _ in range(3):
        assert matcher.finds(LONG)
        end_all()


def test_flags_are_those_of_the_pattern() -> None:
    matcher = Matcher(re.compile(".*;.*;.*;\u00e9", re.I))
    assert matcher.finds("a" * 100 + ";;;\u00c9")
    assert not Matcher(re.compile(r".*;.*;.*;\w", re.ASCII)).finds("a" * 100 + ";;;\u00e9")


def test_a_pattern_that_can_take_for_ever_is_told_before() -> None:
    with pytest.raises(UsageError, match=r"can take for ever.*as \(a\+\)\+ does"):
        compiled(r"^(\w+\s?)+:")
    for table in (
        {"decode": {"kind": "regex", "pattern": r"^(\w+\s?)+:(?P<v>\d+)$"}},
        {"decode": {"kind": "json", "match": r"^(\w+\s?)+:"}},
        {"framing": {"kind": "block", "begin": "(a|a)*b"}},
        {"procedure": [{"uri": "a.b", "write": "x", "reply": "(a+)+b"}]},
        {"procedure": [{"uri": "a.b", "write": "x", "reply": "y", "until": "(a+)+b"}]},
    ):
        with pytest.raises(UsageError, match="can take for ever"):
            from_dict({"port": [{"name": "p", "device": "/dev/x", **table}]})


def test_a_text_that_takes_too_long_stops_no_other_port(tmp_path: Path) -> None:
    """A search in this process would hold all threads for half a minute."""
    events: list[Any] = []

    def put(port: str, new: list[ShapedEvent]) -> None:
        events.extend((port, event.args[0]) for event in new)

    with PseudoDevice(tmp_path, "one").plug() as one, PseudoDevice(tmp_path, "two").plug() as two:
        tables = [
            {"name": "one", "device": one.path, "decode": {"kind": "regex", "pattern": SLOW}},
            {"name": "two", "device": two.path},
        ]
        publish = [{"topic": "a.{field}", "fields": ["0"]}]
        settings = from_dict({"port": [{**table, "publish": publish} for table in tables]})
        ports = [
            BridgePort(port, put, lambda topic, status: None, lambda port: 0, BootClock())
            for port in settings.ports
        ]
        for port in ports:
            port.start()
        try:
            until(lambda: all(port.device.is_ready for port in ports), "open")
            one.write(b"half\n" + (EVIL.encode() + b"\n") * 3 + LONG.encode() + b"\n")
            two.write(b"half\n" + b"".join(b"%d\n" % number for number in range(100)))
            until(lambda: ("two", "99") in events, "the other port goes on")
            until(lambda: "one" in dict(events), "and this one, with the next line")
            dropped = ports[0].counts.snapshot()["dropped"]
            assert dropped == {"first line": 1, "took too long": 3}
        finally:
            assert all([port.stop(5) for port in ports])
