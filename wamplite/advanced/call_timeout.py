"""`CALL.Options.timeout`: an ERROR `wamp.error.timeout` in time (RFC "Call Timeouts").

Announced by dealer and callee. It is in milliseconds; 0 is no limit. The dealer keeps the time, and
interrupts the callee where that announced call_canceling; with `REGISTER.Options.forward_timeout`,
and call_timeout announced, INVOCATION.Details.timeout tells the callee, which keeps it itself.
With progressive results the time runs to the first of them, and then from one to the next.
"""

from __future__ import annotations

from typing import Any

from ..core import uris
from ..core.feature import Feature, Host, claim


class ForRouter(Feature):
    name = "call_timeout"
    roles = ("dealer",)

    def install(self, host: Host) -> None:
        self.dealer, self.later = host.dealer, host.later
        claim(host.dealer.register_options, "forward_timeout", _forward)
        claim(host.dealer.call_options, "timeout", _limit)
        host.dealer.called.append(self.begin)
        host.dealer.settled.append(self.end)
        host.dealer.progressed.append(self.restart)

    def begin(self, caller: Any, pending: Any, message: Any) -> None:
        """Let the time run, if it is for us to keep."""
        milliseconds = pending.notes.get("timeout") if pending.has_notes else None
        if milliseconds:
            ring = self.later(milliseconds / 1000, lambda: self.expire(pending))
            pending.notes["stop_timeout"] = ring

    def expire(self, pending: Any) -> None:
        self.dealer.interrupt(pending, "killnowait")
        limit = pending.notes["timeout"]
        self.dealer.fail(pending, uris.TIMEOUT, f"the call took longer than {limit} ms")

    def end(self, caller: Any, pending: Any, message: Any) -> None:
        """Stop the clock."""
        if pending.has_notes and "stop_timeout" in pending.notes:
            pending.notes.pop("stop_timeout")()

    def restart(self, caller: Any, pending: Any, message: Any) -> None:
        """Let the time run anew behind a result that more will follow."""
        self.end(caller, pending, message)
        self.begin(caller, pending, message)


def _forward(callee: Any, value: bool) -> None:
    callee.notes["forward_timeout"] = value


def _limit(pending: Any, milliseconds: int) -> None:
    callee = pending.callee
    if callee.notes.get("forward_timeout") and callee.member.announced("callee", "call_timeout"):
        if milliseconds:
            pending.details["timeout"] = milliseconds
    else:
        pending.notes["timeout"] = milliseconds
