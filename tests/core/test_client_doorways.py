"""What a client's feature may do: each doorway is used by a feature that is made up here."""

from __future__ import annotations

from typing import Any

from tests.core.test_conversation import Asked, Talk
from wamplite.core.conversation import Conversation
from wamplite.core.feature import Feature, Host
from wamplite.core.messages import (
    Interrupt,
    Invocation,
    Subscribe,
    Unregistered,
    Unsubscribed,
)


class Stopping(Feature):
    """INTERRUPT cancels the invocation that it names."""

    name = "stopping"

    def install(self, host: Host) -> None:
        host.handlers.claim(Interrupt, self.on_interrupt)

    def on_interrupt(self, talk: Conversation, message: Interrupt) -> None:
        talk.interrupt(message.request)


class Continuing(Feature):
    """An INVOCATION of an id that is being served goes to who serves it."""

    name = "continuing"

    def install(self, host: Host) -> None:
        host.handlers.wrap(Invocation, self.on_invocation)

    def on_invocation(self, inner: Any, talk: Conversation, message: Invocation) -> None:
        if message.request in talk.invocations:
            talk.go_on(message)
        else:
            inner(talk, message)


class Revoking(Feature):
    """UNREGISTERED and UNSUBSCRIBED with request 0 take away what the router names."""

    name = "revoking"

    def install(self, host: Host) -> None:
        host.handlers.wrap(Unregistered, self.on_unregistered)
        host.handlers.wrap(Unsubscribed, self.on_unsubscribed)

    def on_unregistered(self, inner: Any, talk: Conversation, message: Unregistered) -> None:
        if message.request == 0 and message.details:
            receiver = talk.registrations.pop(message.details["registration"], None)
            talk.revoked([] if receiver is None else [receiver], message.details["reason"])
        else:
            inner(talk, message)

    def on_unsubscribed(self, inner: Any, talk: Conversation, message: Unsubscribed) -> None:
        if message.request == 0 and message.details:
            subscription = talk.subscriptions.pop(message.details["subscription"], None)
            receivers = [] if subscription is None else subscription.receivers
            talk.revoked(receivers, message.details["reason"])
        else:
            inner(talk, message)


def test_a_reply_with_progress_does_not_end_the_invocation() -> None:
    talk = Talk()
    talk.register()
    talk.hear([68, 1, 90, {"receive_progress": True}])
    talk.conversation.reply(1, ["some"], None, progress=True)
    talk.conversation.reply(1, ["more"], {"k": 1}, progress=True)
    talk.conversation.reply(1, ["all"])
    talk.conversation.reply(1, ["late"], None, progress=True)
    assert talk.said() == [
        ["YIELD", 1, {"progress": True}, ["some"]],
        ["YIELD", 1, {"progress": True}, ["more"], {"k": 1}],
        ["YIELD", 1, {}, ["all"]],
    ]


def test_an_interrupt_reaches_the_invocation_that_it_names() -> None:
    talk, told = Talk(Stopping), []
    talk.conversation.interrupt = told.append
    talk.register()
    talk.hear([68, 1, 90, {}], [68, 2, 90, {}], [69, 2, {"mode": "kill"}])
    assert told == [2]
    talk.conversation.refuse(2, "wamp.error.canceled")
    assert talk.said() == [["ERROR", 68, 2, {}, "wamp.error.canceled"]]


def test_an_interrupt_that_nobody_announced_is_a_violation() -> None:
    talk = Talk()
    talk.hear([69, 2, {"mode": "kill"}])
    assert talk.said()[-1][2] == "wamp.error.protocol_violation"


def test_an_invocation_goes_on_where_a_feature_takes_it() -> None:
    talk, more = Talk(Continuing), []
    talk.conversation.go_on = more.append
    talk.register()
    talk.hear([68, 1, 90, {"progress": True}, [1]], [68, 1, 90, {}, [2]])
    assert talk.served == [("me", 1)] and [part.args for part in more] == [[2]]


def test_what_is_revoked_is_told_to_all_whose_it_was() -> None:
    talk, told = Talk(Revoking), []
    talk.conversation.revoked = lambda receivers, reason: told.append((receivers, reason))
    talk.register()
    talk.ask(Subscribe, Asked("com.app.t", "ann"))
    talk.ask(Subscribe, Asked("com.app.t", "bob"))
    talk.hear([33, 2, 70], [33, 3, 70])
    talk.hear([67, 0, {"registration": 90, "reason": "com.app.busy"}])
    talk.hear([35, 0, {"subscription": 70, "reason": "com.app.gone"}])
    assert told == [(["me"], "com.app.busy"), (["ann", "bob"], "com.app.gone")]
    talk.said()
    talk.hear([68, 1, 90, {}], [36, 70, 1, {}, ["x"]])
    assert [array[0] for array in talk.said()] == ["ERROR"] and talk.delivered == []
    assert talk.conversation.unregister(90, Asked()) is None
    assert talk.conversation.unsubscribe(70, "ann", Asked()) is None


def test_a_revocation_that_nobody_announced_is_a_violation() -> None:
    talk = Talk()
    talk.register()
    talk.hear([67, 0, {"registration": 90}])
    assert talk.said()[-1][2] == "wamp.error.protocol_violation"


def test_what_a_value_means_is_asked_of_the_conversation() -> None:
    class Doubled(Feature):
        name = "doubled"

        def install(self, host: Host) -> None:
            host.answers[int] = lambda invocation, value: 2 * value

    talk = Talk(Doubled)
    assert talk.conversation.answers[int](None, 21) == 42
    assert Talk().conversation.answers == {}
