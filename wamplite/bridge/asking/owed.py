"""The replies that may still come, too late: whom they hinder, and for how long; pure.

    owed ──> it comes: thrown away, and paid
         ├─> what came was damaged, and the line is quiet: paid
         └─> its time is over: who owes it is mute, switched off as a rule

A reply does not name its command: a late one would answer the next with the value of another. So no
command is written while a reply is owed that could be taken for its own. One of somebody mute
hinders only commands to itself, and those whose replies look like it: the last reply to each of the
two tells, and each frame that comes is looked at once more, for what may be either's is nobody's.

Where others have to wait for somebody mute, that one is asked less often, so that they wait for a
quarter of the time at most.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from .replies import Gathering, Reply

__all__ = ["OwedReplies"]

REST = 3.0  # times the patience with somebody mute for which that one is left alone
MOST_KNOWN = 256  # that are remembered by what they were asked


class OwedReply(NamedTuple):
    """A reply that may still come until a monotonic time."""

    gathering: Gathering
    until: float


@dataclass(slots=True)
class Manner:
    """How it was answered to certain bytes; made and forgotten by OwedReplies."""

    is_mute: bool = False  # all of the time has passed, and nothing came since
    has_answered: bool = False  # ... since a reply was missing
    wants_retries: bool = False  # it answered only when it was asked again, as who has to wake up
    is_late: bool = False  # a reply has come late, some time
    rests_until: float = 0.0  # monotonic


class OwedReplies:
    """The replies that a port is owed; its caller guards it."""

    def __init__(self) -> None:
        self._owed: list[OwedReply] = []
        self._manners: dict[bytes, Manner] = {}  # by what was written; the oldest first
        self._seen: dict[Reply, bytes | None] = {}  # the last reply; None: of several frames

    def __bool__(self) -> bool:
        return bool(self._owed)

    def clear(self) -> None:
        """Forget all: the device is lost."""
        self._owed.clear()
        self._manners.clear()
        self._seen.clear()

    def owe(self, gathering: Gathering, until: float, patience: float) -> None:
        """Note that a reply has not come in time, but may until then; patience: since the write."""
        self._owed.append(OwedReply(gathering, until))
        manner = self._manner(gathering.asked)
        manner.has_answered = False
        if manner.is_late:
            gathering.is_refuted = False  # it may be another frame that was damaged
        if manner.is_mute and self._is_like_others(gathering.reply):
            manner.rests_until = until + REST * patience

    def answered(self, gathering: Gathering) -> None:
        """Note that a reply has come in time."""
        manner = self._manner(gathering.asked)
        manner.is_mute, manner.has_answered, manner.rests_until = False, True, 0.0
        manner.wants_retries = any(owed.gathering.asked == gathering.asked for owed in self._owed)
        self._seen[gathering.reply] = gathering.frame

    def waiting(self) -> list[Gathering]:
        """Return those of which nothing has come yet, not even damaged."""
        return [owed.gathering for owed in self._owed if not owed.gathering.is_refuted]

    def forget(self, now: float, is_quiet: bool) -> None:
        """Drop those whose time is over, or that came damaged, and nothing follows."""
        for owed in list(self._owed):
            if owed.gathering.is_refuted and is_quiet:
                self._owed.remove(owed)
            elif owed.until <= now:
                self._owed.remove(owed)
                manner = self._manner(owed.gathering.asked)
                manner.is_mute = not manner.has_answered

    def finished(self) -> int:
        """Drop those that have come, and return how many."""
        over = [owed for owed in self._owed if owed.gathering.is_over]
        for owed in over:
            self._owed.remove(owed)
            manner = self._manner(owed.gathering.asked)
            manner.is_mute, manner.has_answered, manner.rests_until = False, True, 0.0
            manner.is_late = True
        return len(over)

    def take(self, frame: bytes) -> bool:
        """Take a frame of a late reply; tell whether it was taken."""
        return any(owed.gathering.take(frame) for owed in self._owed)

    def may_be(self, frame: bytes, running: Gathering) -> bool:
        """Tell whether a frame may be a late reply to another command than the running one."""
        others = (owed.gathering for owed in self._owed if owed.gathering.asked != running.asked)
        return any(not other.reply.rules_out(frame) for other in others)

    def doubt(self, frame: bytes, running: Gathering) -> None:
        """Note that a frame may be a late one as well as a reply to the running command."""
        self._seen[running.reply] = frame

    def hindering_until(self, asked: bytes, reply: Reply | None) -> float:
        """Return until when a command has to wait for late replies (monotonic); 0: it need not.

        asked: what it writes. reply: to it; None: any frame could be.
        """
        return max((owed.until for owed in self._hindering(asked, reply)), default=0.0)

    def not_before(self, asked: bytes, reply: Reply | None) -> float:
        """Return until when it is better to do something else (monotonic); 0: now."""
        hindering = self._hindering(asked, reply)
        mute = [owed.until for owed in hindering if self.is_mute(owed.gathering.asked)]
        return max([self._manner(asked).rests_until, *mute])

    def is_mute(self, asked: bytes) -> bool:
        """Tell whether all of the time has passed, and nothing came since."""
        return asked in self._manners and self._manners[asked].is_mute

    def is_asked_once(self, asked: bytes) -> bool:
        """Tell whether it is of no use to ask again at once: who is mute stays so."""
        return self.is_mute(asked) and not self._manners[asked].wants_retries

    def _hindering(self, asked: bytes, reply: Reply | None) -> list[OwedReply]:
        return [owed for owed in self._owed if self._hinders(owed.gathering, asked, reply)]

    def _hinders(self, late: Gathering, asked: bytes, reply: Reply | None) -> bool:
        if reply is None or late.asked == asked or not self.is_mute(late.asked):
            return True
        return not self._are_apart(late.reply, reply)

    def _are_apart(self, owed: Reply, reply: Reply) -> bool:
        """Tell whether the last reply of each is none of the other; of who owes one, if known."""
        last = self._seen.get(reply)
        if last is None or not owed.rules_out(last):
            return False
        known = self._seen.get(owed)
        return known is None or reply.rules_out(known)

    def _is_like_others(self, reply: Reply) -> bool:
        """Tell whether there are replies to other commands that could be taken for it."""
        others = (other for other in self._seen if other is not reply)
        return any(not self._are_apart(reply, other) for other in others)

    def _manner(self, asked: bytes) -> Manner:
        manner = self._manners.pop(asked, None) or Manner()
        self._manners[asked] = manner
        if len(self._manners) > MOST_KNOWN:
            del self._manners[next(iter(self._manners))]
        return manner
