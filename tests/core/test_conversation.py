from __future__ import annotations

from typing import Any

import pytest

from wamplite.core.conversation import Conversation
from wamplite.core.errors import ProtocolError, TransportLost, UsageError, WampliteError
from wamplite.core.feature import Factory, Feature, Host
from wamplite.core.grammar import State
from wamplite.core.messages import (
    CODES,
    NAMES,
    Call,
    Message,
    Publish,
    Register,
    Result,
    Subscribe,
    Welcome,
)
from wamplite.core.parsing import parse, to_array
from wamplite.core.pending import Request
from wamplite.core.unfit import Path, Uncarriable, Unfit, unfit

VIOLATION = "wamp.error.protocol_violation"
Answer = Message | WampliteError


class Asked(Request):
    """A request that remembers how it ended."""

    def __init__(self, subject: str = "com.app.p", receiver: Any = "me", match: str = "exact"):
        super().__init__(subject, receiver, match)
        self.answers: list[Answer] = []
        self.parts: list[Any] = []

    def settle(self, answer: Answer) -> None:
        self.answers.append(answer)

    def progress(self, answer: Any) -> None:
        self.parts.append(answer.args)


class Talk:
    """A conversation whose outbox, deliveries and invocations are lists."""

    def __init__(self, *features: Factory, **roles: Any) -> None:
        self.outbox: list[Any] = []
        self.refusal: Exception | None = None  # of the channel, to send
        self.delivered: list[Any] = []
        self.served: list[Any] = []
        self.conversation = Conversation(
            self._send,
            lambda receiver, event, topic: self.delivered.append((receiver, event.args, topic)),
            lambda receiver, invocation: self.served.append((receiver, invocation.request)),
            features,
        )
        self.conversation.begin(Welcome(5, {"roles": {"broker": {}, "dealer": {}, **roles}}))

    def _send(self, message: Message) -> str:
        if self.refusal is not None:
            raise self.refusal
        self.outbox.append(message)
        return "sent"

    def ask(self, kind: Any, pending: Request | None = None, *more: Any) -> Asked:
        asked = pending or Asked()
        self.conversation.request(kind, asked, {}, asked.subject, *more)
        return asked  # type: ignore[return-value]

    def hear(self, *arrays: Any) -> None:
        for array in arrays:
            self.conversation.receive(parse(array))

    def said(self) -> list[Any]:
        arrays = [[NAMES[CODES[type(said)]], *to_array(said)[1:]] for said in self.outbox]
        self.outbox.clear()
        return arrays

    def subscribe(self, receiver: Any = "me", request: int = 1, number: int = 70) -> Asked:
        asked = self.ask(Subscribe, Asked("com.app.t", receiver))
        self.hear([33, request, number])
        self.said()
        return asked

    def register(self, receiver: Any = "me") -> None:
        self.ask(Register, Asked("com.app.p", receiver))
        self.hear([65, 1, 90])
        self.said()

    @property
    def state(self) -> State:
        return self.conversation.state


def broken(talk: Talk) -> str:
    """Assert that the session has ended with ABORT, and return what it says."""
    abort = talk.said()[-1]
    assert abort[0] == "ABORT"
    assert abort[2] == VIOLATION
    assert talk.state is State.CLOSED
    assert isinstance(talk.conversation.error, ProtocolError)
    return str(abort[1]["message"])


# ---- requests and their answers


def test_requests_are_numbered_from_one() -> None:
    talk = Talk()
    talk.ask(Call, None, ["x"])
    talk.ask(Publish, None, [1], {"k": 2})
    assert talk.said() == [
        ["CALL", 1, {}, "com.app.p", ["x"]],
        ["PUBLISH", 2, {}, "com.app.p", [1], {"k": 2}],
    ]


def test_what_sending_returns_is_returned_by_whoever_says_something() -> None:
    talk = Talk()
    talk.register()
    talk.hear([68, 1, 90, {}], [68, 2, 90, {}])
    reply, refuse, leave = (
        talk.conversation.reply,
        talk.conversation.refuse,
        talk.conversation.leave,
    )
    assert talk.conversation.request(Publish, None, {}, "com.app.t") == "sent"
    assert [reply(1, [5], None, True), reply(1), reply(1)] == ["sent", "sent", None]
    assert [refuse(2, "com.app.no"), refuse(2, "com.app.no")] == ["sent", None]
    assert [leave(), leave()] == ["sent", None]


def test_a_request_that_is_not_answered_does_not_wait() -> None:
    talk = Talk()
    talk.conversation.request(Publish, None, {}, "com.app.t")
    assert not talk.conversation.pending


def test_what_cannot_be_sent_leaves_no_trace() -> None:
    talk = Talk()
    talk.refusal = UsageError("no")
    with pytest.raises(UsageError):
        talk.ask(Call)
    assert not talk.conversation.pending
    talk.refusal = None
    talk.ask(Call)
    assert talk.said() == [["CALL", 1, {}, "com.app.p"]]


def test_a_result_goes_to_who_called() -> None:
    talk = Talk()
    first, second = talk.ask(Call), talk.ask(Call)
    talk.hear([50, 2, {}, ["b"]], [50, 1, {}, ["a"]])
    assert first.answers == [Result(1, {}, ["a"])]
    assert second.answers == [Result(2, {}, ["b"])]


def test_published_goes_to_who_published() -> None:
    talk = Talk()
    asked = talk.ask(Publish)
    talk.hear([17, 1, 55])
    assert [to_array(answer) for answer in asked.answers] == [[17, 1, 55]]  # type: ignore[arg-type]


def test_an_error_is_the_exception_that_it_stands_for() -> None:
    talk = Talk()
    asked = talk.ask(Call)
    talk.hear([8, 48, 1, {}, "com.app.no", ["why"], {"k": 1}])
    assert [repr(answer) for answer in asked.answers] == [
        "ApplicationError(\"com.app.no: 'why', k=1\")"
    ]


def test_an_error_of_another_kind_of_request_is_a_violation() -> None:
    talk = Talk()
    asked = talk.ask(Call)
    talk.hear([8, 32, 1, {}, "com.app.no"])
    assert broken(talk) == "ERROR: there was no SUBSCRIBE 1"
    assert len(asked.answers) == 1


def test_an_error_of_an_invocation_is_a_violation() -> None:
    talk = Talk()
    talk.hear([8, 68, 1, {}, "com.app.no"])
    assert "INVOCATION" in broken(talk)


@pytest.mark.parametrize("array", [[50, 1, {}], [17, 1, 2], [33, 1, 2], [65, 1, 2], [67, 1]])
def test_an_answer_to_nothing_is_a_violation(array: Any) -> None:
    talk = Talk()
    talk.hear(array)
    assert "there was no" in broken(talk)


def test_an_answer_of_the_wrong_type_is_a_violation() -> None:
    talk = Talk()
    asked = talk.ask(Call)
    talk.hear([17, 1, 2])
    assert broken(talk) == "PUBLISHED: there was no PUBLISH 1"
    assert isinstance(asked.answers[0], ProtocolError)


@pytest.mark.parametrize("array", [[1, "realm1", {"roles": {"caller": {}}}], [48, 1, {}, "a"]])
def test_what_only_a_client_says_is_a_violation(array: Any) -> None:
    talk = Talk()
    talk.hear(array)
    assert broken(talk) == f"{NAMES[array[0]]} must not come from a router"


@pytest.mark.parametrize("array", [[2, 7, {"roles": {"broker": {}}}], [4, "ticket", {}]])
def test_welcome_and_challenge_in_a_session_are_violations(array: Any) -> None:
    talk = Talk()
    talk.hear(array)
    assert broken(talk) == f"{NAMES[array[0]]} must not come in an open session"


def flawed(*head: Any, path: Path) -> Unfit:
    return unfit(Uncarriable("it is wrong", path, list(head)))


def test_a_result_that_cannot_be_carried_fails_its_call_alone() -> None:
    talk = Talk()
    asked = talk.ask(Call)
    talk.conversation.receive(flawed(50, 1, {}, path=(3, 0)))
    assert [str(answer) for answer in asked.answers] == [
        "wamp.error.invalid_argument: 'argument 1: it is wrong'"
    ]
    assert talk.said() == [["CALL", 1, {}, "com.app.p"]]
    assert talk.state is State.OPEN


def test_an_invocation_that_cannot_be_carried_is_refused() -> None:
    talk = Talk()
    talk.register()
    talk.conversation.receive(flawed(68, 1, 90, {}, path=(4, 0)))
    assert talk.said() == [
        ["ERROR", 68, 1, {}, "wamp.error.invalid_argument", ["argument 1: it is wrong"]]
    ]
    assert not talk.served


def test_an_event_that_cannot_be_carried_is_dropped_and_told_of() -> None:
    talk = Talk()
    talk.subscribe()
    dropped: list[str] = []
    for tell in (talk.conversation.dropped, dropped.append):  # nobody need be told
        talk.conversation.dropped = tell
        talk.conversation.receive(flawed(36, 70, 8, {}, path=(4, 0)))
    assert dropped == ["argument 1: it is wrong"]
    assert not talk.delivered and not talk.said()
    assert talk.state is State.OPEN


def test_after_a_violation_nothing_is_processed() -> None:
    talk = Talk()
    asked = talk.ask(Call)
    talk.hear([50, 9, {}], [50, 1, {}, ["late"]])
    assert [type(answer) for answer in asked.answers] == [ProtocolError]
    talk.conversation.violated(ProtocolError("again"))
    assert [said[0] for said in talk.said()] == ["CALL", "ABORT"]


def test_a_result_that_is_not_the_last_is_progress_of_its_request() -> None:
    talk = Talk()
    asked = talk.ask(Call)
    talk.hear([50, 1, {"progress": True}, [1]], [50, 1, {"progress": True}, [2]])
    assert asked.parts == [[1], [2]] and asked.answers == []
    talk.hear([50, 1, {}, [3]])
    assert [answer.args for answer in asked.answers] == [[3]]  # type: ignore[union-attr]
    assert not talk.conversation.pending


# ---- giving up


def test_an_answer_that_comes_too_late_is_ignored() -> None:
    talk = Talk()
    asked = talk.ask(Call)
    assert talk.conversation.abandon(talk.conversation.pending[1])
    talk.hear([50, 1, {}, ["late"]], [8, 48, 1, {}, "com.app.no"])
    assert asked.answers == []
    assert talk.state is State.OPEN


def test_an_acknowledgement_that_comes_too_late_is_ignored() -> None:
    talk = Talk()
    asked = talk.ask(Publish)
    talk.conversation.abandon(talk.conversation.pending[1])
    talk.hear([17, 1, 55])
    assert asked.answers == []
    assert talk.state is State.OPEN


def test_a_violation_after_the_end_is_not_answered() -> None:
    talk = Talk()
    talk.hear([3, {}, "wamp.error.not_authorized"])
    talk.conversation.violated(ProtocolError("late"))
    assert talk.said() == []


def test_giving_up_an_answered_request_is_too_late() -> None:
    talk = Talk()
    asked = talk.ask(Call)
    talk.hear([50, 1, {}])
    assert not talk.conversation.abandon(asked)


def test_a_subscription_that_nobody_waits_for_is_given_back() -> None:
    talk = Talk()
    talk.ask(Subscribe, Asked("com.app.t"))
    talk.said()
    assert talk.conversation.abandon(talk.conversation.pending[1])
    talk.hear([33, 1, 70])
    assert talk.said() == [["UNSUBSCRIBE", 2, 70]]
    talk.hear([36, 70, 1, {}, ["x"]], [35, 2])
    assert talk.delivered == []
    assert talk.state is State.OPEN


def test_a_late_subscription_to_what_others_hear_stays_theirs() -> None:
    talk = Talk()
    talk.subscribe("ann")
    talk.ask(Subscribe, Asked("com.app.t", "bob"))
    talk.said()
    talk.conversation.abandon(talk.conversation.pending[2])
    talk.hear([33, 2, 70], [36, 70, 1, {}, ["x"]])
    assert talk.said() == []
    assert talk.delivered == [("ann", ["x"], "com.app.t")]


def test_a_registration_that_nobody_waits_for_is_given_back() -> None:
    talk = Talk()
    talk.ask(Register)
    talk.said()
    assert talk.conversation.abandon(talk.conversation.pending[1])
    talk.hear([65, 1, 90])
    assert talk.said() == [["UNREGISTER", 2, 90]]
    talk.hear([68, 1, 90, {}], [67, 2])
    assert talk.said() == [
        ["ERROR", 68, 1, {}, "wamp.error.no_such_procedure", ["registration 90 has been given up"]]
    ]


def test_a_second_answer_to_the_same_request_is_ignored() -> None:
    talk = Talk()
    talk.subscribe()
    talk.ask(Register)
    talk.hear([65, 2, 90], [33, 1, 71], [65, 2, 91])
    assert talk.state is State.OPEN
    assert list(talk.conversation.subscriptions) == [70]
    assert list(talk.conversation.registrations) == [90]


# ---- subscriptions


def test_an_event_goes_to_each_receiver_in_order() -> None:
    talk = Talk()
    first, second = talk.subscribe("ann"), talk.subscribe("bob", 2)
    talk.hear([36, 70, 1, {}, ["x"]], [36, 70, 2, {}, ["y"]])
    assert talk.delivered == [
        (receiver, [value], "com.app.t") for value in "xy" for receiver in ("ann", "bob")
    ]
    assert [len(asked.answers) for asked in (first, second)] == [1, 1]


def test_an_event_right_after_subscribed_is_delivered() -> None:
    talk = Talk()
    talk.ask(Subscribe, Asked("com.app.t", "me"))
    talk.hear([33, 1, 70], [36, 70, 1, {}])
    assert talk.delivered == [("me", None, "com.app.t")]


def test_an_event_of_a_subscription_given_up_is_ignored() -> None:
    talk = Talk()
    talk.hear([36, 70, 1, {}])
    assert talk.delivered == []
    assert talk.state is State.OPEN


def test_the_last_receiver_unsubscribes() -> None:
    talk = Talk()
    talk.subscribe("ann")
    talk.subscribe("bob", 2)
    assert talk.conversation.unsubscribe(70, "ann", Asked()) is None
    assert talk.said() == []
    asked = Asked()
    assert talk.conversation.unsubscribe(70, "bob", asked) == "sent"
    assert asked.id == 3
    assert talk.said() == [["UNSUBSCRIBE", 3, 70]]
    talk.hear([36, 70, 1, {}], [35, 3])
    assert talk.delivered == []
    assert len(asked.answers) == 1


def test_unsubscribing_what_is_not_there_asks_nobody() -> None:
    talk = Talk()
    assert talk.conversation.unsubscribe(70, "ann", Asked()) is None
    talk.subscribe("ann")
    assert talk.conversation.unsubscribe(70, "bob", Asked()) is None
    assert talk.said() == []


def test_a_subscribe_on_its_way_keeps_the_subscription() -> None:
    talk = Talk()
    talk.subscribe("ann")
    talk.ask(Subscribe, Asked("com.app.t", "bob"))
    talk.said()
    assert talk.conversation.unsubscribe(70, "ann", Asked()) is None
    talk.hear([33, 2, 70], [36, 70, 1, {}])
    assert talk.said() == []
    assert talk.delivered == [("bob", None, "com.app.t")]


def test_a_subscribe_of_another_match_does_not_keep_it() -> None:
    talk = Talk()
    talk.subscribe("ann")
    talk.ask(Subscribe, Asked("com.app.t", "bob", "prefix"))
    talk.said()
    assert talk.conversation.unsubscribe(70, "ann", Asked()) == "sent"


def test_a_refused_subscribe_releases_what_was_kept_for_it() -> None:
    talk = Talk()
    talk.subscribe("ann")
    talk.ask(Subscribe, Asked("com.app.other", "eve"))
    talk.hear([33, 2, 71])
    talk.ask(Subscribe, Asked("com.app.t", "bob"))
    talk.conversation.unsubscribe(70, "ann", Asked())
    talk.said()
    talk.hear([8, 32, 3, {}, "wamplite.error.limit_reached"])
    assert talk.said() == [["UNSUBSCRIBE", 4, 70]]
    assert list(talk.conversation.subscriptions) == [71]


# ---- registrations


def test_an_invocation_is_served_and_answered_once() -> None:
    talk = Talk()
    talk.register("add")
    talk.hear([68, 1, 90, {}, [2, 3]], [68, 2, 90, {}])
    assert talk.served == [("add", 1), ("add", 2)]
    talk.conversation.reply(2, [6], options={"ppt_scheme": "x_mine"})
    talk.conversation.reply(1, [5], {"k": 1})
    talk.conversation.reply(1, ["again"])
    talk.conversation.refuse(2, "com.app.no")
    packed = ["YIELD", 2, {"ppt_scheme": "x_mine"}, [6]]
    assert talk.said() == [packed, ["YIELD", 1, {}, [5], {"k": 1}]]


def test_an_invocation_is_refused_with_an_error() -> None:
    talk = Talk()
    talk.register()
    talk.hear([68, 1, 90, {}])
    talk.conversation.refuse(1, "com.app.no", ["why"])
    assert talk.said() == [["ERROR", 68, 1, {}, "com.app.no", ["why"]]]


def test_a_reply_that_cannot_be_sent_can_still_be_refused() -> None:
    talk = Talk()
    talk.register()
    talk.hear([68, 1, 90, {}])

    talk.refusal = UsageError("too large")
    with pytest.raises(UsageError):
        talk.conversation.reply(1, ["x"])
    talk.refusal = None
    talk.conversation.refuse(1, "com.app.no")
    assert talk.said() == [["ERROR", 68, 1, {}, "com.app.no"]]


def test_the_same_invocation_twice_is_a_violation() -> None:
    talk = Talk()
    talk.register()
    talk.hear([68, 1, 90, {}], [68, 1, 90, {}])
    assert "INVOCATION 1 is still being answered" in broken(talk)


def test_a_registration_is_served_until_unregistered_arrives() -> None:
    talk = Talk()
    talk.register("add")
    asked = Asked()
    assert talk.conversation.unregister(90, asked) == "sent"
    assert asked.id == 2
    talk.hear([68, 1, 90, {}])
    assert talk.served == [("add", 1)]
    talk.hear([67, 2], [68, 2, 90, {}])
    assert talk.served == [("add", 1)]
    assert [said[0] for said in talk.said()] == ["UNREGISTER", "ERROR"]
    assert len(asked.answers) == 1


def test_unregistering_what_is_not_there_asks_nobody() -> None:
    talk = Talk()
    assert talk.conversation.unregister(90, Asked()) is None
    assert talk.said() == []


def test_a_refused_unregister_ends_the_registration_too() -> None:
    talk = Talk()
    talk.register()
    talk.conversation.unregister(90, Asked())
    talk.hear([8, 66, 2, {}, "wamp.error.no_such_registration"])
    assert not talk.conversation.registrations


def test_an_unregistered_that_comes_too_late_is_ignored() -> None:
    talk = Talk()
    talk.register()
    talk.conversation.unregister(90, Asked())
    talk.conversation.abandon(talk.conversation.pending[2])
    talk.hear([67, 2])
    assert talk.state is State.OPEN


# ---- the end


def test_leaving_says_goodbye_and_fails_what_waits() -> None:
    talk = Talk()
    asked = talk.ask(Call)
    talk.said()
    talk.conversation.leave()
    talk.conversation.leave()
    assert talk.said() == [["GOODBYE", {}, "wamp.close.close_realm"]]
    assert [type(answer) for answer in asked.answers] == [TransportLost]
    assert talk.state is State.LEAVING


def test_while_leaving_all_but_goodbye_is_ignored() -> None:
    talk = Talk()
    talk.register()
    talk.hear([68, 1, 90, {}])
    talk.conversation.leave()
    talk.said()
    talk.hear([50, 1, {}], [50, 9, {}], [68, 2, 90, {}])
    talk.conversation.reply(1, ["late"])
    talk.conversation.refuse(1, "com.app.no")
    assert talk.said() == []
    talk.hear([6, {}, "wamp.close.goodbye_and_out"])
    assert talk.said() == []
    assert talk.state is State.CLOSED
    assert talk.conversation.error is None


def test_a_goodbye_that_crosses_ours_is_not_answered() -> None:
    talk = Talk()
    talk.conversation.leave()
    talk.said()
    talk.hear([6, {}, "wamp.close.system_shutdown"])
    assert talk.said() == []
    assert talk.state is State.CLOSED


def test_the_routers_goodbye_is_answered() -> None:
    talk = Talk()
    asked = talk.ask(Call)
    talk.said()
    talk.hear([6, {"message": "maintenance"}, "wamp.close.system_shutdown"])
    assert talk.said() == [["GOODBYE", {}, "wamp.close.goodbye_and_out"]]
    assert talk.state is State.CLOSED
    text = "the router said GOODBYE: wamp.close.system_shutdown (maintenance)"
    assert [str(answer) for answer in asked.answers] == [text]


def test_abort_is_not_answered() -> None:
    talk = Talk()
    talk.hear([3, {}, "wamp.error.not_authorized"])
    assert talk.said() == []
    text = "the router ended the session with ABORT: wamp.error.not_authorized"
    assert str(talk.conversation.error) == text


def test_abort_while_leaving_ends_it() -> None:
    talk = Talk()
    talk.conversation.leave()
    talk.hear([3, {}, "wamp.error.not_authorized"])
    assert talk.state is State.CLOSED


def test_a_loss_fails_all_that_waits_once() -> None:
    talk = Talk()
    asked = [talk.ask(Call), talk.ask(Publish), talk.ask(Subscribe), talk.ask(Register)]
    talk.conversation.close(TransportLost("gone"))
    talk.conversation.close(TransportLost("again"))
    assert [str(one.answers) for one in asked] == ["[TransportLost('gone')]"] * 4
    assert str(talk.conversation.error) == "gone"
    assert not talk.conversation.pending


def test_closing_because_we_left_fails_what_waits_too() -> None:
    talk = Talk()
    asked = talk.ask(Call)
    talk.conversation.close(None)
    assert [type(answer) for answer in asked.answers] == [TransportLost]
    assert talk.conversation.error is None


# ---- features


def test_roles_are_announced_from_what_is_installed() -> None:
    empty: dict[str, Any] = {"publisher": {}, "subscriber": {}, "caller": {}, "callee": {}}
    assert Talk().conversation.roles == empty

    class Announcing(Feature):
        name = "made_up"
        roles = ("publisher",)

        def install(self, host: Host) -> None:
            """Nothing to add."""

    announced = {"publisher": {"features": {"made_up": True}}}
    assert Talk(Announcing).conversation.roles == empty | announced


def test_what_the_router_announced_can_be_asked() -> None:
    talk = Talk(dealer={"features": {"call_timeout": True, "call_canceling": False}})
    announced = talk.conversation.announced
    assert announced("dealer", "call_timeout")
    assert not announced("dealer", "call_canceling")
    assert not announced("dealer", "other")
    assert not announced("broker", "call_timeout")
    assert not announced("nobody", "call_timeout")


class Counting(Feature):
    """Counts results, and handles them as before."""

    name = "counting"
    count = 0

    def install(self, host: Host) -> None:
        host.handlers.wrap(Result, self.on_result)

    def on_result(self, inner: Any, conversation: Any, message: Any) -> None:
        self.count += 1
        inner(conversation, message)


def test_a_feature_wraps_a_handler() -> None:
    counting = Counting()
    talk = Talk(lambda: counting)
    asked = talk.ask(Call)
    talk.hear([50, 1, {}])
    assert counting.count == len(asked.answers) == 1
    assert Talk().conversation.handlers[Result] is not talk.conversation.handlers[Result]


def test_a_request_without_a_waiting_thread_is_settled_by_nobody() -> None:
    talk = Talk()
    talk.ask(Call, Request("com.app.p"))
    talk.hear([50, 1, {}])
    assert not talk.conversation.pending
