"""The counts of a port add up at every moment, whichever threads write them."""

from __future__ import annotations

import threading

import pytest

from tests.waiting import Hesitant, HesitantNumber
from wamplite.bridge.counts import APART, GARBAGE_BYTES, Counts

EACH = 200
THREADS = 4


@pytest.mark.usefixtures("hurried")
def test_counts_that_several_threads_write_add_up_whenever_they_are_read() -> None:
    numbers, apart = [HesitantNumber()] * 6, Hesitant(dict.fromkeys(APART, 0))
    counts, wrong = Counts(*numbers, apart, Hesitant()), []

    def write(name: str) -> None:
        for _ in range(EACH):
            counts.count(name)
            counts.count(GARBAGE_BYTES, 3)
            counts.ignore(1)
            counts.took(1)
            counts.drop("late")
            counts.decoded()
            counts.replied()
            counts.resend(1)
            counts.confirm(1)

    writers = [threading.Thread(target=write, args=("ab"[n % 2],)) for n in range(THREADS)]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        snapshot = counts.snapshot()
        if snapshot["bad_frames"] != sum(snapshot["dropped"].get(reason, 0) for reason in "ab"):
            wrong.append(snapshot)
    for writer in writers:
        writer.join()
    assert wrong == []
    most = THREADS * EACH
    assert counts.snapshot() == {
        "frames": 3 * most, "bad_frames": most, "garbage_bytes": 3 * most, "replies": most,
        "late_replies": 0, "failed_requests": 0, "read": 3 * most,
        "published": most, "resent": most,
        "dropped": {"a": most // 2, "b": most // 2, "late": most, "not published": most},
    }  # fmt: skip


def test_nothing_is_no_entry() -> None:
    counts = Counts()
    counts.ignore(0)
    counts.count("garbage", 0)
    assert counts.snapshot()["dropped"] == {}
