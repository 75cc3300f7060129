"""Bytes: the frame as it is, as the only argument."""

from __future__ import annotations

from dataclasses import dataclass

from .decoder import DecodeSettings, decoder_kind
from .readings import Decode, Reading

__all__ = ["KIND", "BytesSettings", "decode_bytes"]


@dataclass(frozen=True, kw_only=True)
class BytesSettings(DecodeSettings):
    """The bytes as they are, one argument."""

    takes_all = True

    def make(self) -> Decode:
        return decode_bytes

    def names(self) -> set[str]:
        return {"0"}


def decode_bytes(frame: bytes) -> Reading:
    """Take a frame as it is."""
    return Reading([bytes(frame)], {}, len(frame))


KIND = decoder_kind("bytes", BytesSettings)
