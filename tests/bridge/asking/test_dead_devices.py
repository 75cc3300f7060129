"""Several devices on one line, of which one is off, or late, or damaged: what it costs the others.

WAMPLITE_LATE_REQUESTS=10000 asks so often in the first test: minutes (--timeout 3600).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.bridge.polled_port import PolledPort
from tests.bridge.responder import Lines
from tests.waiting import until
from wamplite.bridge.asking import owed, raw
from wamplite.bridge.asking.polls import PollSettings
from wamplite.bridge.decoding.decoder import DECODERS
from wamplite.bridge.framing.framing import FRAMINGS, FramingSettings
from wamplite.bridge.framing.proof import ChecksumSettings
from wamplite.bridge.shaping import PublishSettings

Polled = Callable[..., PolledPort]

REQUESTS = int(os.environ.get("WAMPLITE_LATE_REQUESTS", "45"))
ALIKE = {name: "^([A-C].*)" for name in "ABC"}
APART = {name: f"^({name}.*)" for name in "ABC"}
MIXED = {"A": "^([AB].*)", "B": "^([BC].*)", "C": "^([CA].*)"}


def poll(name: str, pattern: str, timeout: float = 0.06, every: float = 0.02) -> PollSettings:
    reply = DECODERS["regex"].made(pattern=pattern)
    return PollSettings(
        topic=name, write=f"{name}\n", reply=reply, timeout=timeout, every=every, retries=0
    )


def is_right(events: list[tuple[str, Any]]) -> bool:
    return all(value.startswith(topic) for topic, value in events)


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have late replies be waited for a fifth of a second, where none comes so late."""
    monkeypatch.setattr(raw, "LATE_AT_LEAST", 0.2)


@pytest.mark.parametrize("patterns", [ALIKE, APART, MIXED], ids=["alike", "apart", "mixed"])
def test_whoever_is_late_or_silent_no_value_has_another_ones_name(
    polled: Polled, tmp_path: Path, patterns: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of them is silent for a while, then late: its first replies after that come late."""
    monkeypatch.setattr(owed, "REST", 0.2)
    seen = dict.fromkeys("ABC", 0)

    def answer(line: bytes) -> bytes | None:
        name = line.decode()
        seen[name] += 1
        turn = (seen[name] + 3 * "ABC".index(name)) % 10
        if turn < 2:
            return None
        if turn < 4:
            time.sleep(0.09)
        return b"%s=%d\n" % (line, turn)

    device = Lines(tmp_path, answer)
    world = polled(device, *(poll(name, patterns[name]) for name in "ABC"))
    until(lambda: len(device.asked) >= REQUESTS, "asked", max(120.0, 2.0 * REQUESTS))
    until(lambda: {topic for topic, _ in world.events} == set("ABC"), "all are on")
    assert is_right(world.events)
    assert world.port.figures()["late_replies"]


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("patterns", [APART, ALIKE], ids=["apart", "alike"])
def test_a_device_that_is_off_costs_the_others_little(
    polled: Polled, tmp_path: Path, patterns: dict[str, str]
) -> None:
    device = Lines(tmp_path, lambda line: None if line == b"A" else line + b"=1\n")
    world = polled(device, *(poll(name, patterns[name]) for name in "ABC"))
    until(lambda: device.asked.count(b"A") == 2, "A is mute", 30)
    asked = len(device.asked)
    until(lambda: device.asked.count(b"A") == 4, "asked again", 60)
    others = [line for line in device.asked[asked:] if line != b"A"]
    assert len(others) >= 8, "not only once between two requests to A"
    assert {topic for topic, _ in world.events} == {"B", "C"}


@pytest.mark.usefixtures("hasty")
def test_a_device_that_is_on_again_is_asked_as_often_as_before(
    polled: Polled, tmp_path: Path
) -> None:
    is_on = False

    def answer(line: bytes) -> bytes | None:
        return line + b"=1\n" if is_on or line != b"A" else None

    device = Lines(tmp_path, answer)
    world = polled(device, *(poll(name, APART[name]) for name in "ABC"))
    until(lambda: device.asked.count(b"A") == 3, "A is mute", 30)
    is_on = True
    until(lambda: [topic for topic, _ in world.events].count("A") >= 20, "polled")


@pytest.mark.usefixtures("hasty")
def test_a_device_that_has_to_wake_up_is_asked_again_after_it_was_off(
    polled: Polled, tmp_path: Path
) -> None:
    is_on = True

    def answer(line: bytes) -> bytes | None:
        return line + b"=1\n" if is_on and device.asked[-2:] == [line, line] else None

    device = Lines(tmp_path, answer)
    world = polled(device, replace(poll("A", APART["A"]), retries=1), poll("B", "B"))
    until(lambda: len(world.events) >= 2, "polled")
    is_on = False
    asked = len(device.asked)
    until(lambda: device.asked[asked:].count(b"A") >= 6, "A is mute", 30)
    is_on = True
    known = len(world.events)
    until(lambda: len(world.events) > known, "polled")


# ---- damaged replies


def lines_with_sum() -> FramingSettings:
    return FRAMINGS["lines"].made(checksum=(ChecksumSettings(kind="sum8", format="hex"),))


def summed(text: bytes) -> bytes:
    return b"%s%02X\n" % (text, sum(text) & 0xFF)


TELEGRAM = FRAMINGS["delimiter"].made(start=b"\x02", delimiter=b"\x03")
PUBLISHING = {"publish": (PublishSettings(topic="t"),), "decode": DECODERS["text"].made()}


@pytest.mark.parametrize(
    ("port", "broken", "whole", "waits"),
    [
        ({"framing": lines_with_sum()}, b"A=1" + summed(b"A=1"), summed(b"B=2"), False),
        ({"framing": lines_with_sum()}, summed(b"?01"), summed(b"B=2"), False),
        ({"framing": TELEGRAM}, b"\x02?\x03", b"\x02B=2\x03", False),
        ({}, b"?\n", b"B=2\n", True),  # noise, or half of a line
        ({"framing": lines_with_sum(), **PUBLISHING}, b"A=12\n", summed(b"B=2"), True),
        ({"framing": TELEGRAM, **PUBLISHING}, b"\x02?\x03", b"\x02B=2\x03", True),
    ],
)
def test_the_reply_has_come_where_the_framing_is_sure_of_it(
    polled: Polled, tmp_path: Path, port: dict[str, Any], broken: bytes, whole: bytes, waits: bool
) -> None:
    times: list[float] = []

    def answer(line: bytes) -> bytes:
        times.append(time.monotonic())
        return broken if line == b"A" else whole

    any_of_them = "^([AB].*)"
    polls = (poll("A", any_of_them, 0.7, 3600), poll("B", any_of_them, 5.0, 3600))
    world = polled(Lines(tmp_path, answer), *polls, **port)
    until(lambda: len(times) == 2, "both asked")
    assert (times[1] - times[0] > 2 * 0.7) == waits, "three times the timeout, or once"
    until(lambda: [event for event in world.events if event[0] == "B"], "the other value")


def test_of_two_replies_nobody_knows_which_one_was_damaged(polled: Polled, tmp_path: Path) -> None:
    """It is asked again; only one of the two replies has come, and the other one comes late."""
    times: list[float] = []

    def answer(line: bytes) -> bytes | None:
        times.append(time.monotonic())
        return {2: b"A=12\n", 3: summed(b"B=2")}.get(len(times))

    any_of_them = "^([AB].*)"
    first = PollSettings(
        topic="A", write="A\n", reply=DECODERS["regex"].made(pattern=any_of_them), every=3600,
        timeout=0.4, retries=1,
    )  # fmt: skip
    polled(Lines(tmp_path, answer), first, poll("B", any_of_them, 5.0, 3600), **{
        "framing": lines_with_sum()
    })  # fmt: skip
    until(lambda: len(times) == 3, "all asked")
    assert times[2] - times[1] > 2 * 0.4, "three times the timeout, not once"
