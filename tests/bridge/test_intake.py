"""Bytes become readings, and every frame is accounted for."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from tests.bridge.pseudo import kinds, sentence
from tests.shared import files
from tests.waiting import until
from wamplite.bridge.clock import Moment
from wamplite.bridge.counts import GARBAGE_BYTES, Counts
from wamplite.bridge.decoding.decoder import DECODERS
from wamplite.bridge.decoding.readings import Reading
from wamplite.bridge.framing.checksums import Checksum
from wamplite.bridge.framing.fixed import Fixed
from wamplite.bridge.framing.framing import Framing
from wamplite.bridge.framing.idle_gap import IdleGap
from wamplite.bridge.framing.lines import Lines
from wamplite.bridge.framing.proof import Proof
from wamplite.bridge.intake import Intake


class Taking:
    """An intake, what it delivered and what it counted."""

    def __init__(self, decoder: str, max_bytes: int = 4096, framing: Framing | None = None) -> None:
        self.counts = Counts()
        self.readings: list[Reading] = []
        made = DECODERS[decoder].made().decoder()
        cut = framing or Lines(max_bytes)
        self.intake = Intake(cut, made, self.counts, self.readings.extend)
        self.intake.opened()

    def args(self) -> list[object]:
        return [reading.args[0] for reading in self.readings]

    def balanced(self) -> bool:
        return self.counts.frames == len(self.readings) + sum(self.counts.dropped.values())


@pytest.fixture
def text() -> Iterator[Taking]:
    line = Taking("text")
    yield line
    assert line.balanced()


def test_the_first_half_line_is_dropped_after_every_opening(text: Taking) -> None:
    text.intake.received(b"lf\nwhole\n")
    text.intake.lost()
    text.intake.opened()
    text.intake.received(b"alf again\nwhole again\n")
    assert text.args() == ["whole", "whole again"]
    assert text.counts.dropped == {"first line": 2}


def test_what_was_cut_off_never_joins_what_comes_after(text: Taking) -> None:
    text.intake.received(b"first\n12")
    text.intake.lost()
    text.intake.opened()
    text.intake.received(b"1.5\n22.5\n")
    assert text.args() == ["22.5"]
    assert text.counts.dropped == {"first line": 2, "cut off": 1}


def test_nmea_drops_no_first_line_for_the_checksum_decides() -> None:
    line = Taking("nmea")
    line.intake.received(sentence(1) + sentence(2)[:9])
    line.intake.lost()
    line.intake.opened()
    line.intake.received(sentence(2)[9:] + sentence(3))
    assert line.args() == [sentence(n).decode().strip() for n in (1, 3)]
    assert line.counts.dropped == {"cut off": 1, "no sentence": 1}
    assert line.balanced()


def test_an_overlong_line_is_counted_as_a_frame_that_was_dropped() -> None:
    line = Taking("nmea", max_bytes=100)
    line.intake.received(sentence(1) + b"\xff" * 5000 + b"\n" + sentence(2))
    assert len(line.readings) == 2
    assert line.counts.dropped == {"overlong": 1}
    assert line.balanced()


def test_a_reply_is_claimed_even_where_the_first_line_is_dropped(text: Taking) -> None:
    text.intake.claim = lambda frame: None if frame.startswith(b"OK") else ""
    text.intake.received(b"OK 1\nreading\nOK 2\n")
    assert text.args() == ["reading"]
    told = text.counts.snapshot()
    assert (told["frames"], told["replies"], told["read"], told["dropped"]) == (3, 2, 0, {})
    text.counts.frames -= 2  # replies are no readings


def test_bytes_that_somebody_wants_as_they_come_are_no_frames(text: Taking) -> None:
    raw: list[bytes] = []

    def take(data: bytes) -> bool:
        raw.append(data)
        return len(raw) == 1

    text.intake.take_raw = take
    text.intake.received(b"first\nsecond\n")
    text.intake.received(b"dropped\nthird\n")
    assert raw == [b"first\nsecond\n", b"dropped\nthird\n"]
    assert text.args() == ["third"], "what was not wanted is a frame, as ever"


def test_silence_ends_a_frame_where_the_framing_says_so() -> None:
    line = Taking("text")
    line.intake = Intake(
        IdleGap(0.05), DECODERS["text"].made().decoder(), line.counts, line.readings.extend
    )
    line.intake.received(b"one")
    patience = line.intake.patience()
    assert patience is not None and 0 < patience <= 0.05
    began = time.monotonic()

    def is_over() -> bool:
        line.intake.idle()
        return bool(line.readings)

    until(is_over, "silent for long enough")
    assert time.monotonic() - began > 0.04
    assert line.args() == ["one"] and line.intake.patience() is None


def test_readings_bear_the_time_of_their_bytes(text: Taking) -> None:
    text.intake.received(b"dropped\nsecond\n", Moment(7, 1234.5))
    assert text.readings[0].heard == Moment(7, 1234.5)


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize("size", [1, 7, 64, 4096])
def test_a_capture_gives_all_its_right_sentences_in_order(size: int) -> None:
    for capture in files("captures/*.bin"):
        data = capture.read_bytes()
        line = Taking("nmea")
        for start in range(0, len(data), size):
            line.intake.received(data[start : start + size])
        found = list(kinds(data))
        assert line.args() == [text.decode("latin-1") for kind, text in found if kind == "right"]
        dropped = {"wrong checksum": 0, "no sentence": 0} | line.counts.dropped
        assert dropped == {
            "wrong checksum": sum(kind == "wrong" for kind, _ in found),
            "no sentence": sum(kind == "other" for kind, _ in found),
        }
        assert line.balanced()


@pytest.mark.parametrize("make", [lambda: Fixed(3, gap=0.02), lambda: IdleGap(0.02)])
def test_a_pause_proves_that_the_next_frame_is_the_first_one_whole(
    make: Callable[[], Framing],
) -> None:
    line = Taking("bytes", framing=make())
    line.intake.received(b"lf")  # the rest of a frame that began before the opening
    until(lambda: line.intake.patience() == 0)
    line.intake.idle()
    line.intake.received(b"abc")
    until(lambda: line.intake.patience() in (0, None))
    line.intake.idle()
    assert line.args() == [b"abc"]
    assert sum(line.counts.dropped.values()) == 1


def test_silence_behind_an_opening_proves_the_first_frame_whole() -> None:
    line = Taking("bytes", framing=Fixed(3, gap=0.02))
    until(lambda: line.intake.patience() == 0)
    line.intake.idle()
    line.intake.received(b"abc")
    assert line.args() == [b"abc"]
    line.intake.opened()
    line.intake.received(b"lf.")
    assert line.args() == [b"abc"]
    assert line.counts.dropped == {"first line": 1}


def test_a_checksum_proves_the_first_frame_and_what_it_refutes_is_counted() -> None:
    framing = Fixed(2, b"<", proof=Proof((Checksum("sum8"),)))
    line = Taking("bytes", framing=framing)
    line.intake.received(b"aa<aa<ab..<bb")
    assert line.args() == [b"aa", b"bb"]
    assert line.counts.dropped == {"wrong checksum": 1, "garbage": 1}
    assert line.counts.snapshot()["garbage_bytes"] == 7
    assert line.balanced()


def test_the_first_wrong_checksum_is_logged_with_what_was_found_and_computed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    for _ in range(2):
        line = Taking("bytes", framing=Lines(proof=Proof((Checksum("xor", in_hex=True),))))
        line.intake.received(b"ab03\r\nab04\r\nab05\r\n")
        assert line.counts.dropped == {"wrong checksum": 2}
        assert type(next(iter(line.counts.dropped))) is str  # for every serializer
    text = "dropped (wrong checksum; xor: found 04, computed 03), from now on only counted"
    assert caplog.messages == [text] * 2


def test_another_framing_is_for_replies_only_and_all_of_it_is_counted(text: Taking) -> None:
    text.intake.received(b"half\none\ntw")
    text.intake.reframe(Fixed(3, b"\x02"))
    text.intake.received(b"noise\x02abc\x02de")
    text.intake.reframe()
    text.intake.received(b"o\nthree\n")
    assert text.args() == ["one", "three"], "the rest of a line that was cut is none"
    counts = text.counts
    assert counts.dropped == {"first line": 2, "cut off": 2, "garbage": 1, "not asked for": 1}
    assert counts.apart[GARBAGE_BYTES] == 5


def test_a_framing_that_comes_back_counts_on(text: Taking) -> None:
    text.intake.received(b"half\n" + b"x" * 5000 + b"\n")
    for _ in range(2):
        text.intake.reframe(Lines(2))
        text.intake.received(b"too long\n")
        text.intake.reframe()
        text.intake.received(b"y" * 5000 + b"\nhalf\n")
    assert text.counts.dropped == {"first line": 3, "overlong": 5}
