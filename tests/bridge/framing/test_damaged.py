"""One frame in ten is damaged: no wrong one comes out, and no more are lost than were damaged."""

from __future__ import annotations

import os
import random

import pytest

from tests.bridge.framing.counted import told
from tests.bridge.framing.devices import DEVICES, damage

NUMBER = int(os.environ.get("WAMPLITE_DAMAGED_FRAMES", "1000"))


def pieces(stream: bytes, chance: random.Random) -> list[bytes]:
    cut, at = [], 0
    while at < len(stream):
        size = chance.choice([1, 2, 7, 64, 500])
        cut.append(stream[at : at + size])
        at += size
    return cut


@pytest.mark.parametrize("name", DEVICES)
def test_what_is_damaged_costs_itself_alone_and_nothing_wrong_comes_out(name: str) -> None:
    chance = random.Random(name)
    device = DEVICES[name]
    sent = [device.sent(number * 37) for number in range(1, NUMBER + 1)]
    hurt = set(chance.sample(range(NUMBER), NUMBER // 10))
    streams = [damage(one, chance) if n in hurt else one for n, one in enumerate(sent)]
    framing = device.make()
    counts = told(framing)
    frames = []
    for stream in streams if device.pauses else [b"".join(streams)]:
        frames += [frame for piece in pieces(stream, chance) for frame in framing.feed(piece)]
        frames += framing.idle()
    places = {device.proved(device.frame(one)): n for n, one in enumerate(sent)}
    came = [places.get(device.proved(frame), -1) for frame in frames]
    assert -1 not in came, frames[came.index(-1)]
    assert came == sorted(set(came))
    missing = set(range(NUMBER)) - set(came)
    assert missing <= hurt, sorted(missing - hurt)
    assert counts["wrong checksum"] + counts["garbage"] >= len(missing) // 2
