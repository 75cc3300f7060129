"""The replies of a device: what one looks like, and its frames as they come; pure.

A reply is one frame that fits, or several: from the first one (that `begin` fits) to the one that
`until` fits, so many `lines`, or all up to the prompt. Several are decoded as one: lines of text
with a line feed between them, other frames as they are, one behind the other. What a device says
when it refuses ends either.
"""

from __future__ import annotations

from contextlib import suppress

from ...core.errors import ApplicationError
from ..decoding.decoder import LINE_ENDS, REFUSED, DecodeSettings
from ..decoding.readings import TOO_LONG, Decode, Reading, Undecodable
from ..line_pattern import LineSearch, line_search

__all__ = ["Gathering", "Reply"]

MOST_BYTES = 65536  # of a reply
NOTHING = Reading([], {}, 0)


class Reply:
    """What a reply looks like.

    decode: what it holds; None: nothing that anybody wants. error: what a device answers instead
    that refuses. begin, until: patterns of the first and the last line; lines: how many there are;
    prompt: all lines up to it.
    """

    def __init__(
        self,
        decode: DecodeSettings | None,
        error: DecodeSettings | None = None,
        *,
        begin: str = "",
        until: str = "",
        lines: int = 0,
        prompt: LineSearch | None = None,
    ) -> None:
        self.decode = _decode_of(decode)
        self._error = _decode_of(error)
        self._judges = [
            settings.judge(made)
            for settings, made in ((decode, self.decode), (error, self._error))
            if settings is not None and made is not None
        ]
        self.prompt = prompt
        self._begin = line_search(begin)
        self._until = line_search(until)
        self._lines = lines
        self.is_long = bool(until or lines or prompt)

    def refusal(self, frame: bytes) -> ApplicationError | None:
        """Return what a frame says where it is a refusal."""
        if self._error is not None:
            with suppress(Undecodable):
                said = self._error(frame)
                return ApplicationError(REFUSED, *said.args, **said.kwargs)
        return None

    def rules_out(self, frame: bytes) -> bool:
        """Tell whether a frame is surely none of this reply; asks no function of the user's."""
        if self.is_long:
            return False
        return all(judge is not None and _refuses(judge, frame) for judge in self._judges)

    def begins(self, frame: bytes) -> bool:
        """Tell whether a frame can be the first of a reply."""
        return self._begin is None or self._begin.finds(frame)

    def ends(self, frame: bytes, number: int) -> bool:
        """Tell whether a frame, the so manieth, is the last of a reply."""
        if self._until is not None:
            return self._until.finds(frame)
        return number == self._lines


def _decode_of(settings: DecodeSettings | None) -> Decode | None:
    return None if settings is None else settings.decoder().decode


def _refuses(decode: Decode, frame: bytes) -> bool:
    try:
        decode(frame)
    except Undecodable as exc:
        return exc.reason != TOO_LONG
    return False


class Gathering:
    """One reply as it comes, frame by frame; over with an answer, a refusal or a flaw.

    has_lines: its frames are lines of text, see `Framing`. asked: what was written for it.
    """

    def __init__(self, reply: Reply, has_lines: bool = True, asked: bytes = b"") -> None:
        self.reply = reply
        self.asked = asked
        self.frame: bytes | None = None  # that is all of it
        self.is_refuted = False  # what came of it was damaged, or is nothing that was meant
        self.answer: Reading | None = None
        self.refusal: ApplicationError | None = None
        self.flaw = ""  # why the frames that came are no reply
        self.why = ""  # the last frame was none, or came damaged
        self._has_lines = has_lines
        self._frames: list[bytes] = []
        self._size = 0

    @property
    def is_over(self) -> bool:
        """Whether nothing more belongs to it."""
        return self.answer is not None or self.refusal is not None or bool(self.flaw)

    def take(self, frame: bytes) -> bool:
        """Take a frame; tell whether it belongs to the reply."""
        self.refusal = self.reply.refusal(frame)
        if self.reply.is_long:
            return self.refusal is not None or self._add(frame)
        if self.refusal is None:
            self.answer = self._read(frame)
        self.frame = frame if self.is_over else None
        return self.is_over

    def _add(self, frame: bytes) -> bool:
        if self._has_lines:
            frame = frame.strip(LINE_ENDS)
        if not self._frames and not self.reply.begins(frame):
            return False
        self._frames.append(frame)
        self._size += len(frame)
        if self._size > MOST_BYTES:
            self.flaw = f"it is longer than {MOST_BYTES} bytes"
        elif self.reply.ends(frame, len(self._frames)):
            self.finish()
        return True

    def finish(self) -> None:
        """Decode all frames that have come as one."""
        self.answer = self._read((b"\n" if self._has_lines else b"").join(self._frames))

    def _read(self, frame: bytes) -> Reading | None:
        if self.reply.decode is None:
            return NOTHING
        try:
            return self.reply.decode(frame)
        except Undecodable as exc:
            self.why = exc.reason or "no reading"
            if self.reply.is_long:
                self.flaw = self.why
            return None
