"""What leads deflated payloads past wsproto, whose own inflating has no bound.

wsproto checks the frames as it does without an extension, and sees deflated payloads as empty.
"""

from __future__ import annotations

from wsproto.extensions import Extension
from wsproto.frame_protocol import (
    CloseReason,
    FrameDecoder,
    FrameProtocol,
    Opcode,
    RsvBits,
)

from . import deflate

DATA = (Opcode.TEXT, Opcode.BINARY)


class Siphon(Extension):
    """Collects in `packed` what the frames of a deflated message hold."""

    name = deflate.NAME

    def __init__(self) -> None:
        self.packed = bytearray()
        self.is_packed = False  # the message whose frames come
        self._is_control = False  # the frame that comes

    def offer(self) -> bool:
        """Offer nothing: the handshake is over."""
        return False

    def enabled(self) -> bool:
        """Take part in each frame."""
        return True

    def frame_inbound_header(
        self,
        proto: FrameDecoder | FrameProtocol,
        opcode: Opcode,
        rsv: RsvBits,
        payload_length: int,
    ) -> CloseReason | RsvBits:
        """Judge the bit that says deflated: it stands in the first frame of a message alone."""
        self._is_control = opcode.iscontrol()
        if opcode in DATA:
            self.is_packed = rsv.rsv1
        elif rsv.rsv1:
            return CloseReason.PROTOCOL_ERROR
        return RsvBits(True, False, False)

    def frame_inbound_payload_data(self, proto: FrameDecoder | FrameProtocol, data: bytes) -> bytes:
        """Keep what is deflated, hand on what is not."""
        if self._is_control or not self.is_packed:
            return data
        self.packed += data
        return b""
