"""Argon2id, which costs whoever guesses passwords memory as well: needs the package argon2-cffi."""

from __future__ import annotations

import threading

from ..core.errors import UsageError

AT_ONCE = threading.Semaphore(1)  # many at a time would take the memory of a small machine


def argon2id(password: bytes, salt: bytes, iterations: int, memory: int, length: int) -> bytes:
    """Derive a key (version 1.3, one lane); memory is in KiB. UsageError without the package."""
    try:
        from argon2.low_level import Type, hash_secret_raw
    except ImportError:
        raise UsageError("argon2 needs the package argon2-cffi: pip install argon2-cffi") from None
    with AT_ONCE:
        return hash_secret_raw(password, salt, iterations, memory, 1, length, Type.ID)
