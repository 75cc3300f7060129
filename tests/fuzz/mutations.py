"""Changes of what is kept, drawn by a seed: what a fuzzer does, without its eye for coverage."""

from __future__ import annotations

import random
from collections.abc import Iterator

ODD = [b"\0", b"\xff", b"\x7f", b"\x80", b"\n", b"\r\n", b'"', b"[", b"]", b"{", b"}", b".", b","]
ODD += [b"\xff" * 8, b"\xed\xa0\x80", b"1e999", b"-0.0", b"18446744073709551616", b"\\ud800"]


def mutations(seeds: list[bytes], number: int, seed: int) -> Iterator[bytes]:
    """Yield so many changed inputs, the same for the same seed."""
    chance = random.Random(seed)
    for _ in range(number):
        data = bytearray(chance.choice(seeds))
        for _ in range(chance.randint(1, 4)):
            change(data, seeds, chance)
        yield bytes(data[:8192])


def change(data: bytearray, seeds: list[bytes], chance: random.Random) -> None:
    """Change something."""
    at = chance.randrange(len(data) + 1)
    kind = chance.randrange(7)
    if kind == 0 and data:
        data[at % len(data)] ^= 1 << chance.randrange(8)
    elif kind == 1 and data:
        data[at % len(data)] = chance.randrange(256)
    elif kind == 2:
        del data[at : at + chance.randint(1, 8)]
    elif kind == 3:
        data[at:at] = chance.choice(ODD)
    elif kind == 4:
        data[at:at] = data[at : at + chance.randint(1, 64)] * chance.randint(1, 4)
    elif kind == 5:
        other = chance.choice(seeds)
        data[at:] = other[chance.randrange(len(other) + 1) :]
    else:
        data[at:at] = chance.randbytes(chance.randint(1, 4))
