"""A frame, with what was left out before it and when it has begun."""

from __future__ import annotations

__all__ = ["DeviceFrame"]


class DeviceFrame(bytes):
    """A frame that knows more of itself.

    header: what the device sent before it and the framing left out. begun: what the clock showed
    when its first byte came (UTC seconds); None where that is not known.
    """

    header: bytes
    begun: float | None

    def __new__(cls, data: bytes, header: bytes = b"", begun: float | None = None) -> DeviceFrame:
        frame = super().__new__(cls, data)
        frame.header = header
        frame.begun = begun
        return frame
