"""`wamplite serial` between a device, a router and a subscriber, each in a process of its own."""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

import wamplite
from tests.bridge.pseudo import PseudoDevice, kinds, sentence
from tests.processes import Program, RouterProcess, running_router
from tests.processes import wamplite as command
from tests.shared import files, parameters
from tests.waiting import until

TOPIC = "com.example.line"
ENDING = 2.0  # seconds that the verb has to end


class TopicEvents:
    """A subscriber in this process, which is neither the router's nor the bridge's."""

    def __init__(self, url: str) -> None:
        self.events: list[wamplite.Event] = []
        self.session = wamplite.connect(url)
        self.session.subscribe(TOPIC, self._on_event)

    def _on_event(self, event: wamplite.Event) -> None:
        self.events.append(event)

    def args(self) -> list[Any]:
        return [event.args[0] for event in self.events]

    def numbers(self) -> list[int]:
        return [int(event.kwargs["fields"][3]) for event in self.events]


Start = Callable[..., Program]


@pytest.fixture
def device(tmp_path: Path, stack: ExitStack) -> PseudoDevice:
    return stack.enter_context(PseudoDevice(tmp_path))


@pytest.fixture
def start(device: PseudoDevice, stack: ExitStack) -> Start:
    """Give `start(url, *options)`: the verb on the device; it must end well and without a trace."""

    def start(url: str, *options: str) -> Program:
        words = ("serial", device.path, "--publish", TOPIC, "--url", url, *options)
        program = Program(sys.executable, "-X", "dev", *command(*words)[1:])
        stack.callback(program.stop)
        return program

    return start


@pytest.fixture
def arrivals(router_process: RouterProcess, stack: ExitStack) -> TopicEvents:
    found = TopicEvents(router_process.rs)
    stack.callback(found.session.leave)
    return found


def await_open(bridge: Program, times: int = 1) -> None:
    def opened() -> bool:
        return bridge.stderr().count(": open at") == times

    until(opened, lambda: f"open, {times} times: {bridge.stderr()}")


def end(bridge: Program, number: int = signal.SIGTERM) -> str:
    """End a bridge as a user does, and return its last words: the figures."""
    started = time.monotonic()
    bridge.interrupt(number)
    assert bridge.wait() == 0, bridge.stderr()
    assert time.monotonic() - started < ENDING
    told = bridge.stderr()
    assert "Traceback" not in told and "Warning" not in told, told
    return told.splitlines()[-1]


def figure(word: str, text: str) -> int:
    match = re.search(rf"{word}[=:] ?(\d+)", text)
    return int(match[1]) if match else 0


def balanced(figures: str) -> bool:
    parts = ("published", "dropped", "waiting")
    return figure("frames", figures) == sum(figure(part, figures) for part in parts)


CAPTURES = [pytest.param(path, id=path.name) for path in files("captures/*.bin")]


@pytest.mark.sampled
@pytest.mark.parametrize("capture", parameters(CAPTURES))
def test_a_capture_in_a_burst_arrives_sentence_for_sentence_and_in_order(
    capture: Path,
    device: PseudoDevice,
    start: Start,
    router_process: RouterProcess,
    arrivals: TopicEvents,
) -> None:
    data = capture.read_bytes()
    found = list(kinds(data))
    right = [line.decode("latin-1") for kind, line in found if kind == "right"]
    device.plug()
    bridge = start(router_process.rs, "--decode", "nmea", "--baud", "4800")
    await_open(bridge)
    device.write(data)
    until(lambda: len(arrivals.events) >= len(right), "all right sentences")
    figures = end(bridge)
    assert arrivals.args() == right
    assert figure("wrong checksum", figures) == sum(kind == "wrong" for kind, _ in found)
    assert figure("no sentence", figures) == sum(kind == "other" for kind, _ in found)
    assert figure("published", figures) == len(right)
    assert balanced(figures), figures


def test_pulled_in_mid_sentence_and_plugged_in_elsewhere_it_loses_that_sentence_alone(
    device: PseudoDevice, start: Start, router_process: RouterProcess, arrivals: TopicEvents
) -> None:
    device.plug()
    bridge = start(router_process.rs, "--decode", "nmea")
    await_open(bridge)
    expected: list[int] = []

    def all_arrived() -> bool:
        return arrivals.numbers() == expected and not device.unread()

    for turn in range(1, 5):
        first = turn * 100
        device.write(b"".join(map(sentence, range(first, first + 10))) + sentence(first + 10)[:11])
        expected += range(first, first + 10)
        until(all_arrived, "all but the half sentence")
        device.pull()
        device.plug()
        await_open(bridge, turn + 1)
        device.write(sentence(first + 10)[11:] + sentence(first + 11))
        expected.append(first + 11)
    until(all_arrived, "all whole sentences")
    figures = end(bridge)
    assert figure("cut off", figures) == figure("no sentence", figures) == 4
    assert balanced(figures), figures


def test_a_device_that_is_not_there_yet_is_waited_for(
    device: PseudoDevice, start: Start, router_process: RouterProcess, arrivals: TopicEvents
) -> None:
    bridge = start(router_process.rs, "--decode", "nmea")
    bridge.await_stderr("not there")
    device.plug()
    await_open(bridge)
    device.write(sentence(1))
    until(lambda: arrivals.numbers() == [1], "the first sentence")
    end(bridge)


def test_the_first_half_line_and_garbage_are_counted_and_dropped(
    device: PseudoDevice, start: Start, router_process: RouterProcess, arrivals: TopicEvents
) -> None:
    device.plug()
    bridge = start(router_process.rs, "--decode", "json")
    await_open(bridge)
    device.write(b'ture": 21.5}\r\n{"temperature": 21.5}\r\n')
    device.write(b"\x00\xff\xfe" * 9 + b"\n" + b"x" * 9000 + b"\n{'no': 1}\n" + b"[" * 3000 + b"\n")
    device.write(b"[1, 2]\n" + b'{"topic": 1, "args": 3, "self": 4}\n')
    until(lambda: len(arrivals.events) == 3, "the readings")
    figures = end(bridge)
    assert [(event.args, event.kwargs) for event in arrivals.events] == [
        ([], {"temperature": 21.5}),
        ([[1, 2]], {}),
        ([], {"topic": 1, "args": 3, "self": 4}),
    ]
    assert figure("first line", figures) == figure("overlong", figures) == 1
    assert figure("no JSON for WAMP", figures) == 3
    assert balanced(figures), figures


def test_a_device_of_other_frames_is_described_by_options(
    device: PseudoDevice, start: Start, router_process: RouterProcess, arrivals: TopicEvents
) -> None:
    device.plug()
    line = ("--bytesize", "7", "--parity", "E", "--stopbits", "2", "--encoding", "latin-1")
    bridge = start(router_process.rs, *line, "--delimiter", r";\r", "--csv", "temp,,unit")
    await_open(bridge)
    device.write(b"half;\r21.5,x,\xb0C;\r")
    until(lambda: arrivals.events, "the reading")
    end(bridge)
    assert arrivals.events[0].kwargs == {"temp": "21.5", "unit": "°C"}


def test_what_a_checksum_proves_is_published_and_nothing_else(
    device: PseudoDevice, start: Start, router_process: RouterProcess, arrivals: TopicEvents
) -> None:
    device.plug()
    wanted = ("--framing", "slip", "--checksum", "sum8", "--regex", r"(?P<letters>[a-z]+)")
    bridge = start(router_process.rs, *wanted)
    await_open(bridge)
    device.write(b"\xc0abc\x26\xc0\xc0abd\x26\xc0\xc0abd\x27\xc0")  # 61 + 62 + 63 = 126
    until(lambda: len(arrivals.events) == 2, "the readings")
    figures = end(bridge)
    assert [event.kwargs for event in arrivals.events] == [{"letters": "abc"}, {"letters": "abd"}]
    assert figure("wrong checksum", figures) == 1


@pytest.mark.parametrize("fields", [["v"], []], ids=["fields", "all"])
def test_a_member_named_as_the_options_of_publish_is_one_like_others(
    device: PseudoDevice,
    start: Start,
    router_process: RouterProcess,
    arrivals: TopicEvents,
    fields: list[str],
) -> None:
    device.plug()
    bridge = start(router_process.rs, "--decode", "json", "--set", f"publish.fields={fields}")
    await_open(bridge)
    device.write(b'half\n{"options": {"exclude_me": false}, "v": 5}\n{"v": 6}\n')
    until(lambda: len(arrivals.events) == 2, "the readings")
    end(bridge)
    others = {} if fields else {"options": {"exclude_me": False}}
    assert [event.kwargs for event in arrivals.events] == [{"v": 5, **others}, {"v": 6}]


def test_any_key_of_a_port_is_set(
    device: PseudoDevice, start: Start, router_process: RouterProcess, arrivals: TopicEvents
) -> None:
    device.plug()
    keys = (
        "strip_parity=true", "silence=2 min", "framing.kind=block", "framing.end=^end",
        "framing.max_bytes=64", "decode.kind=pairs", "decode.scale={volt = 0.1}",
        "publish.min_interval=0", "publish.timestamp=true", 'init.write="GO\\n"',
    )  # fmt: skip
    bridge = start(router_process.rs, *(word for key in keys for word in ("--set", key)))
    await_open(bridge)
    assert device.read() == b"GO\n"
    whole = b"volt=21\nend\n"
    device.write(b"half\nend\n" + b"x" * 80 + b"\nend\n" + bytes(byte | 0x80 for byte in whole))
    until(lambda: arrivals.events, "the reading")
    figures = end(bridge)
    assert arrivals.events[0].kwargs["volt"] == 2.1
    assert arrivals.events[0].kwargs["ts"] > 0
    assert figure("first line", figures) == figure("overlong", figures) == 1


def test_readings_wait_for_a_router_that_is_away_and_then_go_out_in_order(
    device: PseudoDevice, start: Start, tmp_path: Path
) -> None:
    device.plug()
    bridge = start(f"unix://{tmp_path}/link", "--decode", "nmea")
    await_open(bridge)
    device.write(b"".join(map(sentence, range(500))))
    until(lambda: not device.unread(), "all is read")
    with running_router(listen=[f"unix://{tmp_path}/a"]) as router:
        arrivals = TopicEvents(router.urls[0])
        os.symlink(tmp_path / "a", tmp_path / "link")
        until(lambda: len(arrivals.events) == 500, "all sentences")
        figures = end(bridge)
        arrivals.session.leave()
    assert arrivals.numbers() == list(range(500))
    assert (figure("published", figures), figure("waiting", figures)) == (500, 0)


def test_a_router_that_stalls_is_killed_and_started_again_costs_no_reading(
    device: PseudoDevice, start: Start, tmp_path: Path
) -> None:
    device.plug()
    link = tmp_path / "link"
    os.symlink(tmp_path / "a", link)

    def send(*numbers: int) -> None:
        device.write(b"".join(map(sentence, numbers)))
        until(lambda: not device.unread(), "all is read")

    with ExitStack() as stack:
        first = RouterProcess(listen=[f"unix://{tmp_path}/a"], realms=["realm1"])
        stack.callback(first.stop)
        first.await_ready()
        before = TopicEvents(first.urls[0])
        bridge = start(f"unix://{link}", "--decode", "nmea")
        await_open(bridge)
        send(*range(100))
        until(lambda: len(before.events) == 100, "readings through the first router")
        first.interrupt(signal.SIGSTOP)
        send(*range(100, 150))  # published, and nobody will ever confirm them
        first.process.kill()
        first.wait()
        send(*range(150, 200))
        link.unlink()
        second = stack.enter_context(running_router(listen=[f"unix://{tmp_path}/b"]))
        after = TopicEvents(second.urls[0])
        stack.callback(after.session.leave)
        os.symlink(tmp_path / "b", link)
        until(lambda: after.events and after.numbers()[-1] == 199, "the last sentence")
        figures = end(bridge)
    late = after.numbers()
    assert before.numbers() == list(range(100))
    assert late == list(range(late[0], 200)), "lost or out of order"
    assert late[0] <= 100, "what was not confirmed is lost"
    assert (figure("published", figures), figure("waiting", figures)) == (200, 0), figures


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_quietly_while_device_and_router_are_away(
    number: int, start: Start, tmp_path: Path
) -> None:
    bridge = start(f"unix://{tmp_path}/absent")
    bridge.await_stderr("not there")
    figures = end(bridge, number)
    assert figure("frames", figures) == 0


def test_what_was_read_before_the_signal_is_published(
    device: PseudoDevice, start: Start, router_process: RouterProcess, arrivals: TopicEvents
) -> None:
    device.plug()
    bridge = start(router_process.ws, "--decode", "nmea")
    await_open(bridge)
    device.write(b"".join(map(sentence, range(200))))
    until(lambda: not device.unread() and arrivals.events, "all is read")
    figures = end(bridge, signal.SIGINT)
    until(lambda: len(arrivals.events) == 200, "all sentences")
    assert figure("published", figures) == 200


def test_a_realm_that_does_not_exist_ends_it_with_the_uri(
    device: PseudoDevice, start: Start, router_process: RouterProcess
) -> None:
    bridge = start(router_process.rs, "--realm", "nowhere")
    assert bridge.wait() == 1
    assert "wamp.error.no_such_realm" in bridge.stderr()


@pytest.mark.sampled
@pytest.mark.parametrize(
    "words",
    [
        ("serial",),
        ("serial", "/dev/x"),
        ("serial", "/dev/x", "--publish", "a.b", "--baud", "0"),
        ("serial", "/dev/x", "--publish", "a.b", "--decode", "morse"),
        ("serial", "/dev/x", "--publish", "a.b", "--decode", "csv"),
        ("serial", "/dev/x", "--publish", "a.b", "--parity", "even"),
        ("serial", "/dev/x", "--publish", "a.b", "--regex", "("),
        ("serial", "/dev/x", "--publish", "a.b", "--regex", "x", "--csv", "a,b"),
        ("serial", "/dev/x", "--publish", "a.b", "--delimiter", "\\x"),
        ("serial", "/dev/x", "--publish", "a.b", "--checksum", "crc"),
        ("serial", "/dev/x", "--publish", "a.b", "--set", "framing.kind=morse"),
        ("serial", "/dev/x", "--publish", "not a uri"),
        ("serial", "/dev/x", "--publish", "wamp.forbidden"),
        ("serial", "/tmp", "--publish", "a.b"),
        ("serial", __file__, "--publish", "a.b"),
    ],
)
def test_wrong_usage_ends_with_2(words: tuple[str, ...], stack: ExitStack) -> None:
    program = Program(*command(*words))
    stack.callback(program.stop)
    assert program.wait() == 2
    assert "Traceback" not in program.stderr()


def test_a_process_that_was_stopped_for_a_while_goes_on(
    device: PseudoDevice, start: Start, router_process: RouterProcess, arrivals: TopicEvents
) -> None:
    device.plug()
    bridge = start(router_process.rs, "--decode", "nmea")
    await_open(bridge)
    bridge.interrupt(signal.SIGSTOP)
    device.write(sentence(1))
    time.sleep(1.1)  # longer than it ever waits for a signal
    bridge.interrupt(signal.SIGCONT)
    until(lambda: arrivals.numbers() == [1], "what came meanwhile")
    device.write(sentence(2))
    until(lambda: arrivals.numbers() == [1, 2], "what comes now")
    end(bridge)
