"""Of a device that is well nothing is dropped: each byte that it sends belongs to a frame."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.bridge.framing.devices import bm, esp3
from tests.bridge.recipes.meters import mbus_telegram
from tests.bridge.recipes.test_meters import AIDON, KAIFA, KAMSTRUP, METER
from tests.bridge.recipes.test_recipes import (
    MPPT,
    PM,
    air,
    block,
    meter,
    place,
    port_of,
    teleinfo,
)

SENT = {
    "aidon": ("han", AIDON),
    "kamstrup": ("han", KAMSTRUP),
    "kaifa": ("han", KAIFA),
    "sml": ("sml", METER),
    "mbus": ("mbus", mbus_telegram("0406 01000000")),
    "sds011": ("sds011", air(134, 253)),
    "pms5003": ("pms5003", bm(PM)),
    "vedirect": ("vedirect", block(*MPPT)),
    "ubx": ("ubx", place(1, 2, 3)),
    "esp3": ("esp3", esp3(7)),
    "p1": ("p1", meter(b"00.244")),
    "teleinfo": ("teleinfo", b"\x02" + teleinfo(b"BASE", b"012345678") + b"\x03"),
}


@pytest.mark.parametrize("pauses", [False, True], ids=["one behind the other", "with pauses"])
@pytest.mark.parametrize(("name", "data"), SENT.values(), ids=SENT)
def test_nothing_is_dropped(name: str, data: bytes, pauses: bool) -> None:
    framing, dropped, frames = port_of(name).framing.make(), Counter[str](), list[bytes]()

    def count(reason: str, number: int) -> None:
        dropped[reason] += number

    framing.count = count
    for _ in range(3):
        frames += framing.feed(data)
        if pauses and framing.gap:
            frames += framing.idle()
    assert (len(frames), dropped) == (3, {})
