"""`CALL.Options.timeout`: an ERROR `wamp.error.timeout` in time (RFC "Call Timeouts").

Announced by dealer and callee. It is in milliseconds; 0 is no limit. The dealer keeps the time, and
interrupts the callee where that announced call_canceling; with `REGISTER.Options.forward_timeout`,
and call_timeout announced, INVOCATION.Details.timeout tells the callee, which keeps it itself.
With progressive results the time runs to the first of them, and then from one to the next. One
side keeps it: the dealer that of a call that waits for a callee, and on to its end whoever gets it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..core import uris
from ..core.feature import Feature, Host, claim


class ForRouter(Feature):
    name = "call_timeout"
    status = "alpha"
    roles = ("dealer",)

    def install(self, host: Host) -> None:
        self.dealer, self.later = host.dealer, host.later
        claim(host.dealer.register_options, "forward_timeout", _forward)
        claim(host.dealer.call_options, "timeout", self.on_option)
        host.dealer.progressed.append(self.on_progress)

    def on_option(self, pending: Any, milliseconds: int) -> None:
        """Tell the callee the limit, or keep it once the call is on its way."""
        if not milliseconds or "limit" in pending.notes:  # drafted once more for another callee
            return
        callee = pending.callee
        forwards = callee.notes.get("forward_timeout")
        forwards = forwards and callee.member.announced("callee", "call_timeout")
        if forwards:
            pending.details["timeout"] = milliseconds
        if pending.caller.calls.get(pending.request) is not pending:
            pending.begins = [*(pending.begins or ()), self.on_begun]
        elif not forwards:  # the callee before has kept the time
            self.keep(pending)

    def on_begun(self, pending: Any) -> None:
        """Keep the time of a call whose callee does not, and of one that waits for a callee."""
        if not pending.invocation:
            pending.details.pop("timeout", None)
        if "timeout" not in pending.details:
            self.keep(pending)

    def keep(self, pending: Any) -> None:
        pending.notes["limit"] = Limit(self, pending, pending.options["timeout"])

    def on_progress(self, caller: Any, pending: Any, result: Any) -> None:
        if "limit" in pending.notes:
            pending.notes["limit"].restart()


class ForClient(Feature):
    name = "call_timeout"
    roles = ("caller",)

    def install(self, host: Host) -> None:
        """Nothing to add: CALL carries the option."""


class Limit:
    """The time that one call has: begun at once, and again at each progressive result."""

    def __init__(self, feature: ForRouter, pending: Any, milliseconds: int) -> None:
        self.dealer, self.later = feature.dealer, feature.later
        self.pending: Any = pending
        self.milliseconds = milliseconds
        self.cancel: Callable[[], None] = lambda: None
        pending.ends = [*(pending.ends or ()), self.end]
        self.restart()

    def restart(self) -> None:
        self.cancel()
        self.cancel = self.later(self.milliseconds / 1000, self.expire)

    def end(self, pending: Any, answer: Any) -> None:
        self.cancel()
        self.pending = None  # no circle is left behind

    def expire(self) -> None:
        text = f"the call took longer than {self.milliseconds} ms"
        self.dealer.interrupt(self.pending, "killnowait")
        self.dealer.fail(self.pending, uris.TIMEOUT, text)


def _forward(callee: Any, value: bool) -> None:
    callee.notes["forward_timeout"] = value
