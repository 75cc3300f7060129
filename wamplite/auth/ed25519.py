"""Ed25519 in Python alone (RFC 8032), for a client where no library has a wheel: it only signs.

How long it takes depends on the key: who can time it to the microsecond, on the same machine, may
learn of it. Some 5 ms a signature on a desktop, 100 on a small board. `is_small` is for routers.
"""

from __future__ import annotations

import hashlib

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493  # of the base point
D = -121665 * pow(121666, -1, P) % P
Point = tuple[int, int, int, int]  # x, y and z of x/z and y/z, and x*y/z
ZERO: Point = (0, 1, 1, 0)
BASE_X = 15112221349535400772501151409588531511454012693041857206046113283949847762202
BASE_Y = 4 * pow(5, -1, P) % P
BASE: Point = (BASE_X, BASE_Y, 1, BASE_X * BASE_Y % P)
Y_OF_ORDER_8 = 2707385501144840649318225287225658788936804267575313519463743609750303402022
SMALL = {0, 1, P - 1, P, P + 1, Y_OF_ORDER_8, P - Y_OF_ORDER_8}


def is_small(pubkey: bytes) -> bool:
    """Tell whether a public key is of the eight points whose order divides 8, however written.

    Whoever has such a key can show a signature of any message.
    """
    return int.from_bytes(pubkey, "little") & ((1 << 255) - 1) in SMALL


class InPython:
    """What signs where neither cryptography nor PyNaCl is there."""

    def pubkey(self, seed: bytes) -> bytes:
        """Return the public key of a private one."""
        return _packed(times(_secret(seed)[0], BASE))

    def sign(self, seed: bytes, message: bytes) -> bytes:
        """Return the signature."""
        secret, prefix = _secret(seed)
        public = _packed(times(secret, BASE))
        drawn = _number(prefix + message) % ORDER
        point = _packed(times(drawn, BASE))
        factor = _number(point + public + message) % ORDER
        return point + ((drawn + factor * secret) % ORDER).to_bytes(32, "little")


def _secret(seed: bytes) -> tuple[int, bytes]:
    """Return the scalar that a private key stands for, and what nonces are made of."""
    digest = hashlib.sha512(seed).digest()
    scalar = int.from_bytes(digest[:32], "little")
    return scalar & ((1 << 254) - 8) | 1 << 254, digest[32:]


def _number(data: bytes) -> int:
    return int.from_bytes(hashlib.sha512(data).digest(), "little")


def _plus(one: Point, other: Point) -> Point:
    x1, y1, z1, t1 = one
    x2, y2, z2, t2 = other
    a, b = (y1 - x1) * (y2 - x2) % P, (y1 + x1) * (y2 + x2) % P
    c, d = 2 * t1 * t2 * D % P, 2 * z1 * z2 % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(factor: int, point: Point) -> Point:
    found = ZERO
    while factor:
        if factor & 1:
            found = _plus(found, point)
        point = _plus(point, point)
        factor >>= 1
    return found


def _packed(point: Point) -> bytes:
    x, y, z, _ = point
    inverse = pow(z, -1, P)
    x, y = x * inverse % P, y * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")
