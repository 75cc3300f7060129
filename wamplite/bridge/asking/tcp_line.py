"""Requests of Modbus/TCP over the connection of a port: each has a number, its reply the same.

So a reply that comes late is thrown away when it comes, and nobody waits for it. Bytes that are no
telegram end the connection, and it is made again: there is nothing by which to find the next.

What is handed in and out are telegrams of RTU, as minimalmodbus has them: unit, PDU and a checksum,
which the header of Modbus/TCP stands for on the way.
"""

from __future__ import annotations

from collections.abc import Callable

from ...core import uris
from ...core.errors import Unavailable
from ...locks import Condition
from ..counts import LATE_REPLIES, Count
from ..device.device import Device
from ..intake import Intake
from .mbap import LAST_TRANSACTION, NoTelegram, Telegram, Telegrams
from .rtu import with_checksum

__all__ = ["TcpLine"]


class TcpLine:
    """The telegrams of a port; one request at a time, on the thread of the commands."""

    def __init__(
        self, device: Device, intake: Intake, write: Callable[[bytes], None], count: Count
    ) -> None:
        self.is_used = False  # somebody sends requests here
        self._device = device
        self._write = write
        self._count = count
        self._changed = Condition()  # guards all below
        self._telegrams = Telegrams()
        self._transaction = 0  # of the last request
        self._is_waiting = False  # for the reply to it
        self._answer: Telegram | None = None
        self._mute: set[int] = set()  # units
        self._is_lost = self._is_stopping = False
        intake.take_raw = self.take

    # ---- the thread of the commands

    def exchange(self, request: bytes, timeout: float) -> bytes:
        """Write a request and return its reply, or b"" where none came in time.

        ValueError for a reply of another unit.
        """
        unit = request[0]
        with self._changed:
            self._transaction = self._transaction % LAST_TRANSACTION + 1
            self._is_waiting, self._answer, self._is_lost = True, None, False
            self._device.eager = True
        try:
            self._write(Telegram(self._transaction, unit, request[1:-2]).encoded())
            answer = self._await_reply(unit, timeout)
        finally:
            with self._changed:
                self._is_waiting = self._device.eager = False
        if answer is None:
            return b""
        if answer.unit != unit:
            raise ValueError(f"unit {answer.unit} has answered a request to unit {unit}")
        return with_checksum(bytes([unit]) + answer.pdu)

    def _await_reply(self, unit: int, timeout: float) -> Telegram | None:
        with self._changed:
            self._changed.wait_for(self._is_over, timeout)
            if self._answer is None and self._is_lost:
                raise Unavailable(uris.UNAVAILABLE, self._device.down())
            if self._answer is None and self._is_stopping:
                raise Unavailable(uris.UNAVAILABLE, "the bridge is ending")
            if self._answer is None:
                self._mute.add(unit)
            else:
                self._mute.discard(unit)
            return self._answer

    def _is_over(self) -> bool:
        return self._answer is not None or self._is_lost or self._is_stopping

    def await_late(self, unit: int | None = None) -> None:
        """Return at once: a late reply is known by its number."""

    def not_before(self, unit: int) -> float:
        """Return 0: a unit can always be asked."""
        return 0.0

    def is_mute(self, unit: int) -> bool:
        """Tell whether a unit has not answered its last request."""
        return unit in self._mute

    def wrote(self, data: bytes) -> None:
        """Note what others wrote: as a request, its number is not used again soon."""
        with self._changed:
            self._transaction = int.from_bytes(data[:2], "big")

    # ---- the device's thread

    def take(self, data: bytes) -> bool:
        """Take all that comes; OSError for what is no Modbus/TCP, which closes the device."""
        with self._changed:
            try:
                for telegram in self._telegrams.feed(data):
                    self._sort(telegram)
            except NoTelegram as exc:
                raise OSError(str(exc)) from None
            self._changed.notify_all()
        return True

    def _sort(self, telegram: Telegram) -> None:
        """Hand on the reply, and throw away the others."""
        is_reply = self._is_waiting and telegram.transaction == self._transaction
        if is_reply and self._answer is None:
            self._answer = telegram
        else:
            self._count(LATE_REPLIES, 1)

    def lost(self) -> None:
        """Note that the connection is lost: no reply can come any more."""
        with self._changed:
            self._is_lost = True
            self._telegrams.reset()
            self._changed.notify_all()

    # ---- any thread

    def stop(self) -> None:
        """End all waits."""
        with self._changed:
            self._is_stopping = True
            self._changed.notify_all()
