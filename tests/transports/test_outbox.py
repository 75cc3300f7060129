"""The pure outbox against the plainest model of it: a list of frames, and how much has gone."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from wamplite.transports.outbox import ByteOutbox

PUT = st.tuples(st.just("put"), st.lists(st.integers(0, 6), min_size=1, max_size=4), st.booleans())
WRITE = st.tuples(st.just("write"), st.integers(1, 12), st.integers(0, 12))
DROP = st.tuples(st.just("drop"), st.integers(0, 20), st.integers(0, 5))
CLEAR = st.tuples(st.just("clear"))


class Model:
    """Frames as lists of bytes, each with what has gone of it."""

    def __init__(self) -> None:
        self.frames: list[tuple[bytes, bool]] = []
        self.gone = 0

    @property
    def left(self) -> bytes:
        return b"".join(frame for frame, _ in self.frames)[self.gone :]

    def took(self, number: int) -> None:
        self.gone += number
        while self.frames and self.gone >= len(self.frames[0][0]):
            self.gone -= len(self.frames.pop(0)[0])

    def drop(self, size: int, waiting: int) -> int:
        dropped, at = 0, 1 if self.gone else 0
        while at < len(self.frames) and (len(self.left) > size or len(self.frames) > waiting):
            if self.frames[at][1]:
                del self.frames[at]
                dropped += 1
            else:
                at += 1
        return dropped


@given(st.lists(st.one_of(PUT, WRITE, DROP, CLEAR), max_size=60))
def test_it_gives_what_was_put_in_order_and_drops_what_it_may(steps: list[Any]) -> None:
    outbox, model, number = ByteOutbox(), Model(), 0
    for kind, *rest in steps:
        if kind == "put":
            sizes, droppable = rest
            frames = []
            for size in sizes:
                number += 1
                frames.append(bytes([number % 251]) * (size + 1))
            outbox.put(frames, bool(droppable))
            model.frames += [(frame, bool(droppable)) for frame in frames]
        elif kind == "write" and outbox.left:
            most, taken = rest
            data = bytes(outbox.next(int(most)))
            assert data and model.left.startswith(data)
            sent = min(int(taken), len(data))
            outbox.took(sent)
            model.took(sent)
        elif kind == "drop":
            size, waiting = (int(bound) for bound in rest)
            assert outbox.drop_oldest(size, waiting) == model.drop(size, waiting)
        elif kind == "clear":
            outbox.clear()
            model.frames, model.gone = [], 0
        assert (outbox.left, outbox.waiting) == (len(model.left), len(model.frames))
    rest_of_it = b""
    while outbox.left:
        data = bytes(outbox.next(8))
        rest_of_it += data
        outbox.took(len(data))
    assert rest_of_it == model.left


def test_small_entries_are_joined_and_a_large_one_goes_by_itself() -> None:
    outbox = ByteOutbox()
    outbox.put([b"aa", b"bb", b"c" * 10])
    assert outbox.next(5) == b"aabb"
    outbox.took(4)
    assert bytes(outbox.next(5)) == b"c" * 10


def test_the_entry_that_is_half_gone_is_not_dropped() -> None:
    outbox = ByteOutbox()
    outbox.put([b"aaaa", b"bbbb", b"cccc"], droppable=True)
    outbox.took(1)
    assert outbox.drop_oldest(0) == 2
    assert (bytes(outbox.next(9)), outbox.left, outbox.waiting) == (b"aaa", 3, 1)
