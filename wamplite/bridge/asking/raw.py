"""Requests of Modbus RTU on the line of a port, and the replies that came too late for them.

    await_late, exchange ──> write ──> bytes: the reply? a late one? noise? ──> reply

A reply does not name its request, so a late one would answer the next request with the value of
another register. Therefore a request whose reply did not come (or came damaged in its beginning)
leaves a debt, and no other request is written until the debt is paid, and what came thrown away, or
until it is too late for it: LATE times the timeout after the write.

A unit that let that time pass is mute: switched off, as a rule. Its debts hinder only requests to
itself, for a reply names its unit; and `not_before` tells when those may go. So a unit that is
switched off costs the others the timeout of its requests, and once the time of the debt.

It may have been slow beyond all patience, too. So its next reply is nobody's where it could be one
to another request that it left unanswered. After such a reply, or one to a request that was made
more than once, it is asked nothing until no further one has come for longer than a debt lasts.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from ...core import uris
from ...core.errors import CallTimeout, Unavailable
from ...locks import Condition
from ..counts import LATE_REPLIES, Count
from ..device.device import Device
from ..intake import Intake
from .rtu import Expected, expected_reply, find

__all__ = ["Doubtful", "RawLine", "patience"]

LATE = 3.0  # times the timeout: so long after the write a reply may still come
LATE_AT_LEAST = 1.0  # seconds
DOUBT = 1.5  # times the longest debt: so long after a doubtful reply another may follow
MOST_UNANSWERED = 256  # requests of a mute unit that are remembered
MOST_KEPT = 4096  # bytes of noise; the longest reply has 256
SILENCE = 3.5 * 11  # bit times between two telegrams ...
SHORTEST_SILENCE = 0.00175  # ... and seconds, of the Modbus specification


def patience(timeout: float) -> float:
    """Return how many seconds after a write with this timeout something may still come back."""
    return max(LATE * timeout, LATE_AT_LEAST)


class Doubtful(CallTimeout):
    """Whether what came is the reply to this request or to an earlier one cannot be told."""


class Debt(NamedTuple):
    """A reply that may still come until a monotonic time; None: of unknown shape.

    is_doubt: several may, and each that comes may be followed by another.
    """

    expected: Expected | None
    until: float
    is_doubt: bool = False


class RawLine:
    """The bytes of a port as they come; one request at a time, on the thread of the commands."""

    def __init__(
        self, device: Device, intake: Intake, write: Callable[[bytes], None], count: Count
    ) -> None:
        self.is_used = False  # somebody sends requests here
        self._device = device
        self._intake = intake
        self._write = write
        self._count = count
        self._changed = Condition()  # guards all below
        self._data = bytearray()  # what came and is not known for a reply yet
        self._asked: Expected | None = None  # what the running exchange waits for
        self._answer: bytes | None = None
        self._is_doubtful = False  # what came instead
        self._debts: list[Debt] = []
        self._mute: dict[int, list[Expected]] = {}  # units, and what each left unanswered
        self._longest = LATE_AT_LEAST  # seconds that a reply has ever been waited for
        self._echo = b""  # the request, which the adapter returns before all else
        self._is_lost = self._is_stopping = False

    # ---- the thread of the commands

    def exchange(self, request: bytes, timeout: float) -> bytes:
        """Write a request; return its reply, or what came instead of it until the time is up.

        `await_late` has returned for its unit.
        """
        expected = expected_reply(request)
        if expected is None:
            raise ValueError(f"no request of Modbus RTU: {request.hex(' ')}")
        self._pause()
        with self._changed:
            self._data.clear()
            self._asked, self._answer = expected, None
            self._is_doubtful = self._is_lost = False
            self._echo = request if self._device.settings.echo else b""
            self._intake.take_raw, self._device.eager = self.take, True
        try:
            self._write(request)
            return self._await_reply(expected, timeout)
        finally:
            with self._changed:
                self._asked, self._device.eager, self._echo = None, False, b""
                self._unhook()

    def _pause(self) -> None:
        """Keep the silence that ends a telegram."""
        silence = max(SHORTEST_SILENCE, SILENCE / self._device.settings.baudrate)
        time.sleep(max(0.0, self._device.touched + silence - time.monotonic()))

    def _await_reply(self, expected: Expected, timeout: float) -> bytes:
        late = patience(timeout)
        with self._changed:
            self._longest = max(self._longest, late)
            until = time.monotonic() + late
            self._changed.wait_for(self._is_over, timeout)
            if self._answer is None:
                self._sort(is_over=True)
            if self._answer is not None:
                return self._answer
            if self._is_doubtful:
                text = f"unit {expected.unit} answers again, which of its requests cannot be told"
                raise Doubtful(uris.TIMEOUT, text)
            if self._is_lost:
                raise Unavailable(uris.UNAVAILABLE, self._device.down())
            if self._is_stopping:
                raise Unavailable(uris.UNAVAILABLE, "the bridge is ending")
            self._debts.append(Debt(expected, until))
            return bytes(self._data)

    def _is_over(self) -> bool:
        is_answered = self._answer is not None or self._is_doubtful
        return is_answered or self._is_lost or self._is_stopping

    def await_late(self, unit: int | None = None) -> None:
        """Wait until no reply can come that could be taken for one of the unit, or of any."""
        with self._changed:
            while not self._is_stopping:
                now = time.monotonic()
                self._forget(now)
                times = [debt.until for debt in self._debts if self._hinders(debt, unit)]
                if not times:
                    return
                self._changed.wait(min(times) - now)

    def _hinders(self, debt: Debt, unit: int | None) -> bool:
        if debt.expected is None or unit is None or debt.expected.unit == unit:
            return True
        return debt.expected.unit not in self._mute

    def not_before(self, unit: int) -> float:
        """Return when a request to a unit that is mute can be written (monotonic); 0: now."""
        with self._changed:
            self._forget(time.monotonic())
            debts = [debt for debt in self._debts if debt.expected and debt.expected.unit == unit]
            return max((debt.until for debt in debts if unit in self._mute), default=0.0)

    def is_mute(self, unit: int) -> bool:
        """Tell whether a unit has let all of its time pass, and is in doubt since."""
        return unit in self._mute

    def wrote(self, data: bytes) -> None:
        """Note what others wrote without waiting for a reply: one may come, and is nobody's."""
        if not self.is_used:
            return
        with self._changed:
            expected = expected_reply(data)
            self._debts.append(Debt(expected, time.monotonic() + self._longest))
            if expected is not None:
                self._intake.take_raw = self.take

    # ---- the device's thread

    def take(self, data: bytes) -> bool:
        """Take bytes while a reply is waited for or owed; tell whether they were taken."""
        with self._changed:
            if self._asked is None:
                self._forget(time.monotonic())
            if not self._reads():
                return False
            self._data += data
            del self._data[:-MOST_KEPT]
            self._sort()
            self._changed.notify_all()
            return True

    def _reads(self) -> bool:
        return self._asked is not None or any(debt.expected for debt in self._debts)

    def _sort(self, is_over: bool = False) -> None:
        """Hand on the reply, and throw away the late ones; what is left may be part of one."""
        if self._echo:
            at = self._data.find(self._echo)
            if at < 0:
                return
            del self._data[: at + len(self._echo)]
            self._echo = b""
        while True:
            debts = [(debt.expected, debt) for debt in self._debts if debt.expected]
            owed = [expected for expected, _ in debts]
            if self._asked is not None and not self._is_over():
                owed.append(self._asked)
            found = find(bytes(self._data), owed, is_over)
            if found is None or not (found.is_whole or is_over):
                return
            if found.number == len(debts):
                self._take_answer(owed[-1], bytes(self._data[found.at : found.end]), found.is_whole)
            else:
                self._debts.remove(debts[found.number][1])
                self._count(LATE_REPLIES, 1)
                if found.is_whole and owed[found.number].unit in self._mute:
                    self._doubt(owed[found.number])
            del self._data[: found.end]

    def _take_answer(self, asked: Expected, answer: bytes, is_whole: bool) -> None:
        """Take the reply to what is asked, unless it may be one to an earlier request."""
        unanswered = self._mute.get(asked.unit, ()) if is_whole else ()
        alike = {other.request for other in unanswered if other.head == asked.head}
        if alike:
            self._doubt(asked)
        elif is_whole:  # a unit answers in order: nothing else can come of it
            self._mute.pop(asked.unit, None)
        if alike <= {asked.request}:
            self._answer = answer
        else:
            self._is_doubtful = True
            self._count(LATE_REPLIES, 1)

    def _doubt(self, expected: Expected) -> None:
        """Believe nothing more of a unit until it has said nothing for long enough."""
        unit = expected.unit
        self._debts = [
            debt for debt in self._debts if not debt.expected or debt.expected.unit != unit
        ]
        self._debts.append(Debt(expected, time.monotonic() + DOUBT * self._longest, is_doubt=True))

    def _forget(self, now: float) -> None:
        """Drop the debts that are too old; who has let one grow so old is mute."""
        for debt in [debt for debt in self._debts if debt.until <= now]:
            self._debts.remove(debt)
            if debt.is_doubt and debt.expected:
                self._mute.pop(debt.expected.unit, None)
            elif debt.expected:
                unanswered = self._mute.setdefault(debt.expected.unit, [])
                if debt.expected not in unanswered:
                    unanswered.append(debt.expected)
                del unanswered[:-MOST_UNANSWERED]
        self._unhook()

    def _unhook(self) -> None:
        if not self._reads():
            self._intake.take_raw = None

    def lost(self) -> None:
        """Note that the device is lost: no reply can come any more."""
        with self._changed:
            self._is_lost = True
            self._debts.clear()
            self._mute = {unit: [] for unit in self._mute}
            self._changed.notify_all()

    # ---- any thread

    def stop(self) -> None:
        """End all waits."""
        with self._changed:
            self._is_stopping = True
            self._changed.notify_all()
