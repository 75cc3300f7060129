"""Whom a reply hinders that may still come, and for how long."""

from __future__ import annotations

from typing import Any

from wamplite.bridge.asking.owed import MOST_KNOWN, REST, OwedReplies
from wamplite.bridge.asking.replies import Gathering, Reply
from wamplite.bridge.decoding.decoder import DECODERS, DecodeSettings


def regex(pattern: str) -> DecodeSettings:
    return DECODERS["regex"].made(pattern=pattern)


A, B, C = (Reply(regex(f"^{name}=(.*)")) for name in "ABC")
ANY, OTHER = Reply(regex("(.*)")), Reply(regex("(.+)"))


def gathering(reply: Reply, asked: bytes, *frames: bytes) -> Gathering:
    made = Gathering(reply, asked=asked)
    for frame in frames:
        made.take(frame)
    return made


def mute(reply: Reply = A, asked: bytes = b"a") -> OwedReplies:
    """Return what is owed where a reply has not come, up to 30.0, and then not again."""
    owed = OwedReplies()
    owed.owe(gathering(reply, asked), 30.0, 30.0)
    owed.forget(30.0, True)
    return owed


def owing(owed: OwedReplies, reply: Reply = A, asked: bytes = b"a") -> Gathering:
    late = gathering(reply, asked)
    owed.owe(late, 60.0, 30.0)
    return late


def test_a_reply_that_is_owed_hinders_all_until_it_comes_or_its_time_is_over() -> None:
    owed = OwedReplies()
    owed.answered(gathering(B, b"b", b"B=1"))
    owed.owe(gathering(A, b"a"), 30.0, 30.0)
    assert [owed.hindering_until(b"b", B), owed.hindering_until(b"", None)] == [30.0, 30.0]
    assert not owed.take(b"B=2") and not owed.finished()
    owed.forget(29.9, True)
    assert owed and owed.take(b"A=1") and owed.finished() == 1
    assert not owed and not owed.hindering_until(b"b", B) and not owed.is_mute(b"a")


def test_who_is_mute_hinders_only_itself_and_whom_it_could_be_taken_for() -> None:
    owed = mute()
    assert owed.is_mute(b"a") and not owed
    owed.answered(gathering(B, b"b", b"B=1"))
    owed.answered(gathering(ANY, b"any", b"A=9"))
    owing(owed)
    assert owed.hindering_until(b"b", B) == owed.not_before(b"b", B) == 0.0
    assert owed.hindering_until(b"a", A) == 60.0
    assert owed.hindering_until(b"any", ANY) == 60.0, "its last reply could be A's"
    assert owed.hindering_until(b"c", C) == 60.0, "nobody knows what it looks like"
    assert owed.hindering_until(b"b", None) == 60.0


def test_whose_own_last_reply_could_be_another_ones_hinders_that_one() -> None:
    """A damaged reply of A may be none of A's, and be taken for one that takes all but those."""
    owed = mute()
    owed.answered(gathering(ANY, b"any", b"x"))
    owing(owed)
    assert owed.hindering_until(b"any", ANY) == 0.0, "nobody knows A's replies"
    owed = OwedReplies()
    owed.answered(gathering(A, b"a", b"A=1"))
    owed.owe(gathering(A, b"a"), 30.0, 30.0)
    owed.forget(30.0, True)
    owed.answered(gathering(ANY, b"any", b"x"))
    owed.answered(gathering(B, b"b", b"B=1"))
    owing(owed)
    assert owed.hindering_until(b"any", ANY) == 60.0
    assert owed.hindering_until(b"b", B) == 0.0
    assert owed.not_before(b"a", A) == 60.0 + REST * 30.0


def test_a_frame_that_may_be_late_as_well_as_the_reply_is_doubtful_from_then_on() -> None:
    owed = mute()
    owed.answered(gathering(ANY, b"any", b"x"))
    owing(owed)
    running = Gathering(ANY, asked=b"any")
    assert owed.hindering_until(b"any", ANY) == 0.0
    assert owed.may_be(b"A=5", running) and not owed.may_be(b"x", running)
    assert not owed.may_be(b"A=5", Gathering(A, asked=b"a")), "asked once more"
    owed.doubt(b"A=5", running)
    assert owed.hindering_until(b"any", ANY) == 60.0


def test_what_several_frames_are_could_be_anything() -> None:
    long = Reply(regex("(.*)"), until="^OK$")
    owed = mute(long)
    owed.answered(gathering(B, b"b", b"B=1"))
    owing(owed, long)
    assert owed.hindering_until(b"b", B) == 60.0
    owed = mute()
    owed.answered(gathering(long, b"long", b"x", b"OK"))
    owing(owed)
    assert owed.hindering_until(b"long", long) == 60.0


def test_a_function_of_the_users_is_not_asked_whose_a_frame_is() -> None:
    asked: list[bytes] = []

    def decode(frame: bytes) -> Any:
        asked.append(frame)

    made = DECODERS["python:"].made
    for more, until in (({}, 60.0), ({"match": "^A"}, 0.0)):
        reply = Reply(made(function=decode, **more))
        owed = mute(reply)
        owed.answered(gathering(B, b"b", b"B=1"))
        owing(owed, reply)
        assert owed.hindering_until(b"b", B) == until
    assert not asked


def test_a_refusal_looks_like_another_one() -> None:
    no = regex("^ERR")
    owed = mute(Reply(regex("^A"), no))
    late = Reply(regex("^B"), no)
    owed.answered(gathering(late, b"b", b"ERR 5"))
    owing(owed, Reply(regex("^A"), no))
    assert owed.hindering_until(b"b", late) == 60.0
    owed.answered(gathering(late, b"b", b"B=5"))
    assert owed.hindering_until(b"b", late) == 0.0


def test_what_came_damaged_is_owed_until_the_line_is_quiet() -> None:
    owed = OwedReplies()
    late = owing(owed)
    assert owed.waiting() == [late]
    late.is_refuted = True
    owed.forget(1.0, False)
    assert owed and not owed.waiting()
    owed.forget(1.0, True)
    assert not owed and not owed.is_mute(b"a")


def test_what_came_damaged_tells_nothing_of_who_has_been_late_before() -> None:
    owed = OwedReplies()
    owing(owed)
    assert owed.take(b"A=1") and owed.finished() == 1
    late = gathering(A, b"a")
    late.is_refuted = True
    owed.owe(late, 90.0, 30.0)
    owed.forget(61.0, True)
    assert owed.hindering_until(b"b", B) == 90.0


def test_who_answers_when_asked_again_is_not_mute() -> None:
    owed = OwedReplies()
    owing(owed)
    owed.answered(gathering(A, b"a", b"A=1"))
    owed.forget(60.0, True)
    assert not owed and not owed.is_mute(b"a") and not owed.is_asked_once(b"a")


def test_who_is_mute_is_asked_once_unless_it_had_to_be_asked_again_before() -> None:
    owed = mute()
    assert owed.is_asked_once(b"a")
    owing(owed)
    owed.answered(gathering(A, b"a", b"A=1"))
    assert not owed.is_asked_once(b"a")
    owed.forget(60.0, True)
    owed.owe(gathering(A, b"a"), 90.0, 30.0)
    owed.forget(90.0, True)
    assert owed.is_mute(b"a") and not owed.is_asked_once(b"a")
    owed.answered(gathering(A, b"a", b"A=1"))
    owed.owe(gathering(A, b"a"), 120.0, 30.0)
    owed.forget(120.0, True)
    assert owed.is_asked_once(b"a")


def test_who_makes_others_wait_is_asked_less_often_until_it_answers() -> None:
    owed = mute(ANY)
    owing(owed, ANY)
    assert owed.not_before(b"a", ANY) == 60.0, "nobody else is there"
    owed.forget(60.0, True)
    owed.answered(gathering(OTHER, b"b", b"1"))
    owed.owe(gathering(ANY, b"a"), 90.0, 30.0)
    assert owed.not_before(b"b", OTHER) == 90.0
    owed.forget(90.0, True)
    assert owed.not_before(b"b", OTHER) == 0.0
    assert owed.not_before(b"a", ANY) == 90.0 + REST * 30.0
    owed.answered(gathering(ANY, b"a", b"2"))
    assert owed.not_before(b"a", ANY) == 0.0 and not owed.is_mute(b"a")
    owed.owe(gathering(ANY, b"a"), 300.0, 30.0)
    assert owed.not_before(b"b", OTHER) == 0.0, "it is only late, and waited for"
    owed.forget(300.0, True)
    assert owed.not_before(b"a", ANY) == 0.0, "it was answered last time"


def test_who_comes_back_late_is_not_mute() -> None:
    owed = mute(ANY)
    owed.answered(gathering(OTHER, b"b", b"1"))
    owing(owed, ANY)
    assert owed.is_mute(b"a") and owed.not_before(b"a", ANY) > 60.0
    assert owed.take(b"2") and owed.finished() == 1
    assert not owed.is_mute(b"a") and owed.not_before(b"a", ANY) == 0.0


def test_who_is_alone_is_asked_as_soon_as_it_owes_nothing() -> None:
    owed = OwedReplies()
    owed.answered(gathering(ANY, b"a", b"1"))
    owing(owed, ANY)
    owed.forget(60.0, True)
    owed.owe(gathering(ANY, b"a"), 90.0, 30.0)
    owed.forget(90.0, True)
    assert owed.is_mute(b"a") and owed.not_before(b"a", ANY) == 0.0


def test_who_is_asked_the_same_for_another_reply_waits() -> None:
    owed = mute()
    owed.answered(gathering(B, b"a", b"B=1"))
    owed.owe(gathering(A, b"a"), 60.0, 30.0)
    owed.forget(60.0, True)
    owed.owe(gathering(A, b"a"), 90.0, 30.0)
    assert owed.hindering_until(b"a", B) == 90.0 and owed.hindering_until(b"b", B) == 0.0


def test_who_can_be_told_apart_is_asked_as_soon_as_it_owes_nothing() -> None:
    owed = mute()
    owed.answered(gathering(B, b"b", b"B=1"))
    owing(owed)
    owed.forget(60.0, True)
    assert owed.not_before(b"a", A) == 0.0


def test_what_is_remembered_is_bounded() -> None:
    owed = mute()
    for number in range(MOST_KNOWN):
        owed.answered(gathering(B, b"%d" % number, b"B=1"))
    assert not owed.is_mute(b"a")


def test_who_has_not_been_asked_for_longest_is_forgotten_first() -> None:
    owed = mute()
    for number in range(MOST_KNOWN - 1):
        owed.answered(gathering(B, b"%d" % number, b"B=1"))
    owed.owe(gathering(A, b"a"), 90.0, 30.0)
    owed.answered(gathering(B, b"one more", b"B=1"))
    assert owed.is_mute(b"a")


def test_a_device_that_is_lost_owes_nothing() -> None:
    owed = mute()
    owing(owed)
    owed.answered(gathering(B, b"b", b"B=1"))
    owed.clear()
    assert not owed and not owed.is_mute(b"a")
    owing(owed)
    owed.forget(60.0, True)
    owed.owe(gathering(A, b"a"), 90.0, 30.0)
    assert owed.is_mute(b"a") and owed.hindering_until(b"b", B) == 90.0
