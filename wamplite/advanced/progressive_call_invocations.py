"""`CALL.Options.progress`: arguments in parts (RFC "Progressive Call Invocations").

Announced by caller, dealer and callee; a callee must announce call_canceling as well. All CALLs of
one request id, the last of them without `progress`, become INVOCATIONs of one id to the callee that
got the first. Options other than `progress` are those of the first CALL, and each INVOCATION tells
what the first told by them. A part that comes when the call has ended, or was refused, is dropped:
the two have crossed. So the ids of the last calls in parts that ended are remembered for each
session, GRACE of them. Procedures of the router's own take no parts.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from ..core import uris
from ..core.errors import ProtocolError
from ..core.feature import Feature, Handler, Host, Refused, claim
from ..core.messages import Call, Invocation

GRACE = 256


class ForRouter(Feature):
    name = "progressive_call_invocations"
    status = "alpha"
    roles = ("dealer",)
    needs = ("call_canceling",)

    def install(self, host: Host) -> None:
        self.dealer = host.dealer
        self.ended: dict[Any, OrderedDict[int, None]] = {}  # member -> ids of calls in parts
        claim(host.dealer.call_options, "progress", self.on_first)
        claim(host.dealer.own_options, "progress", self.on_own)
        host.dealer.continuation = self
        host.refused.append(self.on_refused)
        host.left.append(self.on_left)

    def on_first(self, pending: Any, partial: bool) -> None:
        """Take the first part of a call."""
        if not partial:
            return
        self.check_caller(pending.caller)
        callee = pending.callee.member
        lacks = [key for key in (self.name, *self.needs) if not callee.announced("callee", key)]
        if lacks:
            text = f"the callee of {pending.procedure!r} did not announce {' and '.join(lacks)}"
            raise Refused(uris.FEATURE_NOT_SUPPORTED, text)
        pending.details["progress"] = True
        pending.notes["parts"] = True
        pending.ends = [*(pending.ends or ()), self.on_end]

    def on_own(self, caller: Any, partial: bool) -> None:
        """Refuse the parts of a call of the router's own procedure."""
        if partial:
            self.check_caller(caller)
            raise Refused(uris.FEATURE_NOT_SUPPORTED, "a procedure of the router takes no parts")

    def check_caller(self, caller: Any) -> None:
        if not caller.announced("caller", self.name):
            raise ProtocolError(f"CALL: progress needs {self.name}, which was not announced")

    def takes(self, caller: Any, call: Call) -> bool:
        """Tell whether a CALL is a further part of a call in flight, or of one that has ended."""
        pending = caller.calls.get(call.request)
        if pending is None:
            return self.is_late(caller, call)
        return bool(pending.notes.get("parts") and pending.procedure == call.procedure)

    def is_late(self, caller: Any, call: Call) -> bool:
        """Tell whether a CALL is a further part of a call that has ended, or was refused."""
        request = call.request
        return request not in caller.calls and request in self.ended.get(caller, ())

    def go_on(self, caller: Any, call: Call) -> None:
        """Send on a further part."""
        pending = caller.calls.get(call.request)
        if pending is None:
            return
        if not pending.invocation:  # it waits for a callee
            text = "a further part came before a callee was free"
            self.dealer.fail(pending, uris.UNAVAILABLE, text)
            return
        details = pending.details.copy()
        if not call.options.get("progress"):
            pending.notes["parts"] = False
            del details["progress"]
        callee = pending.callee
        number = callee.registration.id
        part = Invocation(pending.invocation, number, details, call.args, call.kwargs)
        if not callee.member.post(part):
            self.dealer.interrupt(pending, "killnowait")
            text = "the callee does not take messages so large"
            self.dealer.fail(pending, uris.PAYLOAD_SIZE_EXCEEDED, text)

    def on_end(self, pending: Any, answer: Any) -> None:
        if answer is not None:
            self.remember(pending.caller, pending.request)

    def on_refused(self, caller: Any, refused: Refused, request: Any) -> None:
        is_first = type(request) is Call and request.options.get("progress")
        if is_first and caller.announced("caller", self.name):
            self.remember(caller, request.request)

    def remember(self, caller: Any, request: int) -> None:
        """Have further parts of a call dropped."""
        ended = self.ended.setdefault(caller, OrderedDict())
        ended[request] = None
        if len(ended) > GRACE:
            ended.popitem(last=False)

    def on_left(self, member: Any, *_: Any) -> None:
        self.ended.pop(member, None)


class ForClient(Feature):
    name = "progressive_call_invocations"
    roles = ("caller", "callee")
    needs = ("call_canceling",)

    def install(self, host: Host) -> None:
        self.last = 0  # INVOCATION.Request: further parts have one that was there before
        host.handlers.wrap(Invocation, self.on_invocation)

    def on_invocation(self, inner: Handler, conversation: Any, invocation: Invocation) -> None:
        """Hand over a further part of a call; one that comes when it was answered is dropped."""
        if invocation.request > self.last:
            self.last = invocation.request
            inner(conversation, invocation)
        elif invocation.request in conversation.invocations:
            if not conversation.invocations[invocation.request].details.get("progress"):
                return inner(conversation, invocation)  # a call without parts: a violation
            conversation.go_on(invocation)
        return None
