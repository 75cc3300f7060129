"""What belongs to a reply, frame by frame."""

from __future__ import annotations

from typing import Any

import pytest

from wamplite.bridge.asking.replies import Gathering, Reply
from wamplite.bridge.decoding.decoder import DECODERS
from wamplite.bridge.line_pattern import line_search


def regex(pattern: str) -> Any:
    return DECODERS["regex"].made(pattern=pattern)


TEXT = DECODERS["text"].made()
FRAMES = [b"a=1\r", b"b=2\r", b"OK\r", b"c=3\r"]


@pytest.mark.parametrize(
    ("reply", "taken", "args"),
    [
        (Reply(regex("b=(.)")), [False, True], ["2"]),
        (Reply(TEXT, until="^OK$"), [True, True, True], ["a=1\nb=2\nOK"]),
        (Reply(TEXT, begin="^b", until="^OK$"), [False, True, True], ["b=2\nOK"]),
        (Reply(TEXT, lines=2), [True, True], ["a=1\nb=2"]),
        (Reply(regex("(?s)b=(.)"), begin="^b", lines=2), [False, True, True], ["2"]),
    ],
)
def test_a_reply_takes_what_belongs_to_it(reply: Reply, taken: list[bool], args: list[str]) -> None:
    gathering = Gathering(reply)
    assert [gathering.take(frame) for frame in FRAMES[: len(taken)]] == taken
    assert gathering.is_over and gathering.answer and gathering.answer.args == args


BINARY = [b"\xa5\x00\r", b"\n\x00\xa5", b"\x00\r\n"]


@pytest.mark.parametrize(
    ("reply", "number"),
    [
        (Reply(DECODERS["bytes"].made(), lines=3), 3),
        (Reply(DECODERS["bytes"].made(), begin=r"^\xa5\x00\r\Z", until=r"^\n\x00\xa5"), 2),
    ],
)
def test_frames_that_are_no_lines_are_joined_as_they_are(reply: Reply, number: int) -> None:
    gathering = Gathering(reply, has_lines=False)
    assert [gathering.take(frame) for frame in BINARY[:number]] == [True] * number
    assert gathering.answer and gathering.answer.args == [b"".join(BINARY[:number])]


def test_frames_that_are_no_reply_together_are_a_flaw() -> None:
    gathering = Gathering(Reply(regex("x"), until="^OK$"))
    assert [gathering.take(frame) for frame in FRAMES[:3]] == [True, True, True]
    assert gathering.is_over and gathering.answer is None and gathering.flaw == "no match"


def test_a_refusal_ends_a_reply_that_has_begun() -> None:
    gathering = Gathering(Reply(TEXT, regex("^(b.*)"), until="^OK$"))
    assert gathering.take(FRAMES[0]) and not gathering.is_over
    assert gathering.take(FRAMES[1]) and gathering.is_over
    assert gathering.refusal and gathering.refusal.args == ("b=2",)


def test_what_is_not_decoded_is_over_with_the_prompt() -> None:
    gathering = Gathering(Reply(None, prompt=line_search("^> $")))
    assert gathering.take(b"whatever") and not gathering.is_over
    gathering.finish()
    assert gathering.is_over and gathering.answer and gathering.answer.args == []
