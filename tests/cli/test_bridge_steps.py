"""`wamplite bridge --watch` and `--replay`: what is shown of a port, and how it ends."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.bridge.framing.devices import sds011
from tests.bridge.pseudo import PseudoDevice, kinds
from tests.cli.terminals import on_terminal
from tests.processes import ROOT, Program
from tests.processes import wamplite as command
from tests.shared import files, parameters
from tests.waiting import until
from wamplite.cli.bridge_steps import in_words

CAPTURES = parameters([pytest.param(path, id=path.name) for path in files("captures/*.bin")])
PORT = '[[port]]\nname = "{name}"\ndevice = "{device}"\n{more}\n'
PUBLISH = '  [[port.publish]]\n  topic = "home.{name}"\n'
SDS011 = (ROOT / "examples" / "bridge" / "sds011.toml").read_text()


def port(name: str, more: str = "", device: str = "/dev/absent") -> str:
    return PORT.format(name=name, device=device, more=more) + PUBLISH.format(name=name)


def written(folder: Path, text: str) -> str:
    (folder / "bridge.toml").write_text(text)
    return str(folder / "bridge.toml")


def bridge(*words: str, data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        command("bridge", *words), cwd=ROOT, input=data, capture_output=True, timeout=50
    )


def replayed(folder: Path, text: str, data: bytes) -> tuple[int, list[dict[str, Any]], str]:
    """Return the exit code, the lines and the summary of a replay."""
    (folder / "capture").write_bytes(data)
    done = bridge("--replay", str(folder / "capture"), written(folder, text))
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return done.returncode, lines, done.stderr.decode().strip()


# ---- replay


POLLED = """
framing = {kind = "fixed", size = 2, gap = 0}
[[port.poll]]
every = 10
topic = "home.radiation"
write = "<GETCPM>>"
reply = {kind = "struct", format = ">H", fields = ["cpm"]}
min_interval = 5
"""


@pytest.mark.parametrize("own", [False, True], ids=["a poll alone", "a publish, too"])
def test_the_replies_to_the_only_poll_of_a_port_are_replayed(tmp_path: Path, own: bool) -> None:
    text = PORT.format(name="one", device="/dev/absent", more=POLLED)
    text += PUBLISH.format(name="one") if own else ""
    code, lines, _ = replayed(tmp_path, text, b"\0\x1c\0\x1d")
    events = [line["kwargs"] for line in lines if line["step"] == "event"]
    assert (code, events) == ((0, [{"cpm": 28}, {"cpm": 29}]) if not own else (0, [{}]))


@pytest.mark.parametrize("polled", [False, True], ids=["a publish", "a poll alone"])
@pytest.mark.parametrize("raw", [True, False], ids=["as it came", "as --watch shows it"])
def test_a_capture_is_stripped_of_parity_as_the_port_does_it(
    tmp_path: Path, raw: bool, polled: bool
) -> None:
    poll = '[[port.poll]]\nevery = 1\ntopic = "home.one"\nwrite = "T"\nreply = "(T=.*)"\n'
    keys = 'strip_parity = true\nframing = {kind = "delimiter", start = "<", delimiter = ">"}\n'
    text = PORT.format(name="one", device="/dev/absent", more=keys + poll) if polled else ""
    data = bytes(
        byte | (0x80 if raw and bin(byte).count("1") % 2 else 0) for byte in b"<T=21><T=22>"
    )
    code, lines, _ = replayed(tmp_path, text or port("one", keys), data)
    assert [line.get("args") for line in lines] == [["T=21"], ["T=22"]]
    assert code == 0


def test_a_line_tells_each_event_and_each_drop_with_its_reason(tmp_path: Path) -> None:
    text = port("one", 'framing = {kind = "lines", max_bytes = 9}\ndecode = {kind = "csv",'
                ' fields = ["t"], types = {t = "float"}}')  # fmt: skip
    data = b"alf\n21.5\nwarm\nmuch too long a line\n22\n2"
    code, lines, summary = replayed(tmp_path, text, data)
    assert [(line["at"], line.get("reason") or line["kwargs"]) for line in lines] == [
        (4, "first line"),
        (9, {"t": 21.5}),
        (14, "t: no float"),
        (25, "overlong"),
        (38, {"t": 22.0}),
        (39, "cut off"),
    ]
    assert (lines[1]["step"], lines[1]["topic"], lines[1]["args"]) == ("event", "home.one", [])
    assert (lines[2]["step"], lines[2]["hex"], lines[2]["text"]) == (
        "dropped",
        "77 61 72 6d",
        "warm",
    )
    assert code == 0
    assert summary == (
        "39 bytes: frames=6 events=2 dropped=4"
        " (cut off: 1, first line: 1, overlong: 1, t: no float: 1)"
    )


def test_a_run_of_bytes_without_a_frame_is_one_line_and_costs_no_frame(tmp_path: Path) -> None:
    whole, other = sds011(134 | 253 << 16), sds011(534 | 853 << 16)
    data = b"noise" + whole + whole[:7] + other + b"\xaa\xc0" + b"\0" * 8
    code, lines, _ = replayed(tmp_path, SDS011, data)
    assert [line.get("reason") or (line["topic"], line["args"]) for line in lines] == [
        "garbage",
        ("home.air.pm25", [13.4]),
        ("home.air.pm10", [25.3]),
        "wrong checksum",
        ("home.air.pm25", [53.4]),
        ("home.air.pm10", [85.3]),
        "garbage",
    ]
    dropped = [line for line in lines if line["step"] == "dropped"]
    assert [line["bytes"] for line in dropped] == [5, 7, 10]
    told = [[line.get(key) for key in ("checksum", "found", "computed")] for line in dropped]
    assert told == [
        [None] * 3,
        ["sum8", "C0", f"{sum(other[:1] + whole[2:7]) & 0xFF:02X}"],
        [None] * 3,
    ]
    assert code == 0


def test_a_wrong_checksum_is_told_in_words() -> None:
    run = {"step": "dropped", "at": 9, "reason": "wrong checksum", "frames": 1, "bytes": 4}
    told = {"checksum": "crc16-arc", "found": "12 34", "computed": "34 12"}
    assert in_words(9, {**run, **told}).split("  ")[-1] == (
        "wrong checksum, 4 bytes: crc16-arc: found 12 34, computed 34 12"
    )


@pytest.mark.sampled
@pytest.mark.parametrize("capture", CAPTURES)
def test_a_capture_of_a_real_device_gives_what_its_checksums_bear_out(
    tmp_path: Path, capture: Path
) -> None:
    data = capture.read_bytes()
    _, lines, summary = replayed(tmp_path, port("gps", 'decode = "nmea"'), data)
    expected = Counter(kind for kind, _ in kinds(data))
    right = [sentence.decode() for kind, sentence in kinds(data) if kind == "right"]
    assert [line["args"][0] for line in lines if line["step"] == "event"] == right
    reasons = Counter(line["reason"] for line in lines if line["step"] == "dropped")
    assert reasons["wrong checksum"] == expected["wrong"]
    assert f"events={expected['right']}" in summary


def test_a_capture_without_an_event_is_a_failure(tmp_path: Path) -> None:
    code, lines, summary = replayed(tmp_path, port("one", 'decode = "json"'), b"x\nno JSON\n")
    assert code == 1 and "events=0 dropped=2" in summary
    assert [line["reason"] for line in lines] == ["first line", "no JSON for WAMP"]


def test_what_is_read_and_not_published_is_told(tmp_path: Path) -> None:
    text = PORT.format(name="one", device="/dev/absent", more="")
    code, lines, _ = replayed(tmp_path, text, b"half\n21.5\n")
    assert code == 1
    assert lines[1] == {
        "step": "dropped", "reason": "not published", "frames": 1, "at": 10,
        "hex": "32 31 2e 35", "text": "21.5",
    }  # fmt: skip


def test_a_capture_has_no_pauses_but_the_one_at_its_end(tmp_path: Path) -> None:
    text = port("one", 'framing = {kind = "idle-gap", gap = 0.2}') + "  min_interval = 5\n"
    code, lines, summary = replayed(tmp_path, text, b"one\ntwo")
    assert (code, [line["reason"] for line in lines]) == (1, ["first line"])
    assert "a capture has no times: min_interval, gap not kept" in summary


def test_intervals_hold_nothing_back_in_a_capture(tmp_path: Path) -> None:
    code, lines, summary = replayed(
        tmp_path, port("one") + "  min_interval = 60\n", b"half\n1\n2\n3\n"
    )
    assert code == 0 and [line["args"] for line in lines[1:]] == [["1"], ["2"], ["3"]]
    assert summary.endswith("a capture has no times: min_interval not kept")


def test_an_event_that_is_dropped_is_told_with_the_frame_that_made_it(tmp_path: Path) -> None:
    text = port("one", 'decode = {kind = "csv", fields = ["t"], types = {t = "float"}}')
    text += "deadband = {t = 1}\n"
    _, lines, summary = replayed(tmp_path, text, b"alf\n21.5\n21.7\n25\n")
    assert [line.get("reason") or line["kwargs"] for line in lines] == [
        "first line", {"t": 21.5}, "deadband", {"t": 25.0},
    ]  # fmt: skip
    assert (lines[2]["text"], lines[2]["frames"]) == ("21.7", 1)
    assert "dropped=2 (deadband: 1, first line: 1)" in summary


def test_a_capture_may_come_by_stdin(tmp_path: Path) -> None:
    done = bridge("--replay", "-", written(tmp_path, port("one")), data=b"half\n21.5\n")
    assert done.returncode == 0
    assert json.loads(done.stdout.splitlines()[-1])["args"] == ["21.5"]


def test_on_a_terminal_it_is_for_a_person(tmp_path: Path) -> None:
    (tmp_path / "capture").write_bytes(b"half\n\x1b[2J\xb0\n21.5\n")
    file = written(tmp_path, port("one"))
    with on_terminal("bridge", "--replay", str(tmp_path / "capture"), file) as terminal:
        shown = terminal.read("21.5")
    assert shown.splitlines()[:2] == [
        "       5  dropped  first line: half",
        "      11  dropped  not UTF-8: \\x1b[2J\\xb0",
    ]
    assert shown.splitlines()[2].startswith('      16  event    home.one ["21.5')


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (
            ["--replay", "/no/where", "FILE", "one"],
            2,
            "cannot read the capture /no/where: No such file",
        ),
        (["--replay", "/", "FILE", "one"], 2, "Is a directory"),
        (["--replay", "/dev/null", "FILE"], 2, "which PORT? FILE has one, two"),
        (["--watch", "FILE", "tow"], 2, "FILE has no port 'tow'; did you mean \"two\"?"),
        (["FILE", "one"], 2, "'one': PORT is for --watch and --replay"),
        (["--check", "FILE", "one"], 2, "'one': PORT is for --watch and --replay"),
        (["--check", "--watch", "FILE"], 2, "argument --watch: not allowed with argument --check"),
        (["--replay", "/dev/null", "FILE", "two"], 2, "is polled by Modbus/TCP"),
        (["--watch", "/no/where"], 2, "/no/where"),
    ],
)
def test_what_cannot_be_meant_is_said(
    tmp_path: Path, words: list[str], code: int, text: str
) -> None:
    tcp = PORT.format(name="two", device="socket://127.0.0.1:9", more='modbus_framing = "tcp"')
    file = written(tmp_path, port("one") + tcp)
    done = bridge(*(file if word == "FILE" else word for word in words))
    said = done.stderr.decode()
    assert (done.returncode, done.stdout) == (code, b""), said
    assert text.replace("FILE", file) in said and "Traceback" not in said


def test_an_empty_capture_has_no_event(tmp_path: Path) -> None:
    assert replayed(tmp_path, port("one"), b"") == (1, [], "0 bytes: frames=0 events=0 dropped=0")


# ---- watch


@pytest.fixture
def device(tmp_path: Path) -> Iterator[PseudoDevice]:
    with PseudoDevice(tmp_path) as device:
        yield device.plug()


@pytest.fixture
def watching(tmp_path: Path, device: PseudoDevice) -> Iterator[Any]:
    """Give `start(more)`: a port on the device, watched; it is open."""
    started: list[Program] = []

    def start(more: str = "") -> Program:
        file = written(tmp_path, port("one", more, device.path))
        words = command("bridge", "--watch", file)[1:]
        program = Program(sys.executable, "-X", "dev", *words)
        started.append(program)
        assert step(program)["state"] == "open"
        return program

    yield start
    for program in started:
        program.stop()


def step(program: Program) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(program.line())
    return told


def test_each_step_is_shown_as_it_comes(watching: Any, device: PseudoDevice) -> None:
    program = watching('decode = {kind = "regex", pattern = "T=(.*)", types = {0 = "float"}}')
    device.write(b"half\nT=21.5\n")
    told = [step(program) for _ in range(5)]
    assert [line["step"] for line in told] == ["bytes", "frame", "dropped", "frame", "event"]
    assert told[0]["hex"] == b"half\nT=21.5\n".hex(" ") and told[0]["text"] == "half\\nT=21.5\\n"
    assert (told[1]["text"], told[2]["reason"]) == ("half", "first line")
    assert (told[3]["text"], told[3]["at"]) == ("T=21.5", 12)
    assert (told[4]["topic"], told[4]["args"]) == ("home.one", [21.5])
    device.write(b"H=40\n")
    told = [step(program) for _ in range(3)]
    assert (told[2]["reason"], told[2]["text"]) == ("no match", "H=40")


def test_what_begins_a_port_and_polls_it_is_shown(watching: Any, device: PseudoDevice) -> None:
    more = '[[port.init]]\nwrite = "GO\\r"\n[[port.poll]]\nevery = 60\nwrite = "T?\\n"\n'
    more += 'reply = "T=(.*)"\ntimeout = 20\ntopic = "home.asked"\n'
    program = watching(more)
    told = [step(program), step(program)]
    assert [(line["step"], line["text"]) for line in told] == [
        ("written", "GO\\r"),
        ("written", "T?\\n"),
    ]
    device.write(b"T=21.5\n")
    told = [step(program) for _ in range(4)]
    assert sorted(line["step"] for line in told) == ["bytes", "event", "frame", "reply"]
    assert next(line["args"] for line in told if line["step"] == "event") == ["21.5"]


def test_a_device_that_goes_and_comes_is_shown(watching: Any, device: PseudoDevice) -> None:
    program = watching()
    device.pull()
    gone = step(program)
    assert gone["state"] == "closed" and "gone" in gone["why"]
    device.plug()
    until(lambda: step(program).get("state") == "open", "open again")
    device.write(b"half\n")
    assert step(program)["step"] == "bytes"


def test_on_a_terminal_bytes_are_rows_of_hex_and_text(tmp_path: Path, device: PseudoDevice) -> None:
    file = written(tmp_path, port("one", device=device.path))
    with on_terminal("bridge", "--watch", file, "--log-level", "error") as terminal:
        terminal.read("open")
        device.write(b"half a line that is long\n")
        shown = terminal.read("(24 bytes)")
        rows = [line[12:] for line in shown.splitlines() if "bytes    " in line]
        assert rows == [
            "bytes    68 61 6c 66 20 61 20 6c 69 6e 65 20 74 68 61 74  |half a line that|",
            "bytes    20 69 73 20 6c 6f 6e 67 0a                       | is long.|",
        ]
        assert "frame    half a line that is long  (24 bytes)" in shown
        terminal.process.send_signal(signal.SIGINT)
        assert terminal.process.wait(20) == 130


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_a_signal_ends_it(watching: Any, number: signal.Signals, code: int) -> None:
    program = watching()
    program.interrupt(number)
    assert program.wait() == code
    assert "Traceback" not in program.stderr()


def test_it_ends_when_nobody_reads_what_it_shows(watching: Any, device: PseudoDevice) -> None:
    program = watching()
    program.process.stdout.close()
    device.write(b"half\n")
    assert program.wait() == 0


def test_a_device_that_is_not_there_is_waited_for(tmp_path: Path) -> None:
    program = Program(*command("bridge", "--watch", written(tmp_path, port("one"))))
    try:
        told = step(program)
        assert (told["state"], told["why"]) == ("closed", "/dev/absent: not there")
    finally:
        assert program.stop() == 0
