"""CANCEL and INTERRUPT: a call that nobody waits for any more (RFC "Call Canceling").

Announced by caller, dealer and callee. By its mode a CANCEL is answered at once without a word to
the callee (`skip`), at once with INTERRUPT (`killnowait`, the mode of a CANCEL that names none), or
with whatever the callee answers to its INTERRUPT (`kill`). A callee that did not announce this is
never interrupted: for it each mode is `skip`. A caller that leaves has its calls interrupted, too.
A CANCEL of a call that has ended, or that was never made, changes nothing: the two may have
crossed. A mode that there is not is a violation: nothing answers a CANCEL.
"""

from __future__ import annotations

from typing import Any

from ..core import uris
from ..core.errors import ProtocolError
from ..core.feature import Feature, Host
from ..core.messages import Cancel, Interrupt

MODES = ("skip", "kill", "killnowait")


class ForRouter(Feature):
    name = "call_canceling"
    status = "alpha"
    roles = ("dealer",)

    def install(self, host: Host) -> None:
        self.dealer = host.dealer
        host.handlers.claim(Cancel, self.on_cancel)
        host.dealer.abandoned.append(self.on_abandoned)

    def on_cancel(self, caller: Any, cancel: Cancel) -> None:
        mode = cancel.options.get("mode", "killnowait")
        if mode not in MODES:
            raise ProtocolError(f"CANCEL: mode must be skip, kill or killnowait, not {mode!r}")
        pending = caller.calls.get(cancel.request)
        if pending is None:
            return
        if mode != "skip" and self.dealer.interrupt(pending, mode) and mode == "kill":
            return
        self.dealer.fail(pending, uris.CANCELED, "the caller has canceled")

    def on_abandoned(self, caller: Any, pending: Any, answer: Any) -> None:
        self.dealer.interrupt(pending, "killnowait")


class ForClient(Feature):
    name = "call_canceling"
    roles = ("caller", "callee")

    def install(self, host: Host) -> None:
        """Let INTERRUPT reach the handler. A call that is given up is canceled where it can be."""
        host.handlers.claim(Interrupt, _on_interrupt)


def _on_interrupt(conversation: Any, interrupt: Interrupt) -> None:
    conversation.interrupt(interrupt.request)
