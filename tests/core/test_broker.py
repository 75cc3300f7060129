from __future__ import annotations

from typing import Any

import pytest

from tests.core.world import PUBLISH, SUBSCRIBE, UNSUBSCRIBE, World, only, take
from wamplite.core.broker import FEW
from wamplite.core.feature import Feature, Refused, lacking
from wamplite.core.matching import PrefixMatch
from wamplite.core.members import Bounds

PASSTHRU = "payload_passthru_mode"
ACK = {"acknowledge": True}


class Prefixes(Feature):
    name = "prefixes"

    def install(self, host: Any) -> None:
        host.broker.matches.install(PrefixMatch())


def refuse(draft: Any, value: Any) -> None:
    raise Refused("com.app.no", "not with this option")


# ---- SUBSCRIBE


def test_a_subscription_is_answered_with_its_id() -> None:
    world = World()
    ann = world.join()
    world.send(ann, [SUBSCRIBE, 7, {}, "com.app.t"])
    assert take(ann) == [["SUBSCRIBED", 7, 1]]


def test_all_subscribers_of_a_topic_share_one_subscription() -> None:
    world = World()
    ann, bob = world.joined(2)
    assert world.subscribe(ann, "com.app.t") == world.subscribe(bob, "com.app.t")
    assert world.subscribe(ann, "com.app.u") != world.subscribe(bob, "com.app.t")


def test_a_repeated_subscribe_gets_the_same_id_and_one_event() -> None:
    world = World()
    ann, bob = world.joined(2)
    world.send(ann, [SUBSCRIBE, 1, {}, "com.app.t"], [SUBSCRIBE, 2, {}, "com.app.t"])
    assert take(ann) == [["SUBSCRIBED", 1, 1], ["SUBSCRIBED", 2, 1]]
    world.send(bob, [PUBLISH, 1, {}, "com.app.t", [5]])
    assert [event[0] for event in take(ann)] == ["EVENT"]


@pytest.mark.parametrize("topic", ["", "a..b", "a.", "a b", "a#", "a\n", "x" * 256, "ü" * 128])
def test_a_topic_that_is_no_uri_is_refused(topic: str) -> None:
    world = World()
    ann = world.join()
    world.send(ann, [SUBSCRIBE, 7, {}, topic])
    assert only(ann)[:5] == ["ERROR", 32, 7, {}, "wamp.error.invalid_uri"]


def test_a_topic_of_wamp_itself_can_be_subscribed_to() -> None:
    world = World()
    world.subscribe(world.join(), "wamp.session.on_join")


@pytest.mark.parametrize("match", ["prefix", "wildcard"])
def test_a_policy_that_is_not_installed_is_refused(match: str) -> None:
    world = World()
    ann = world.join()
    world.send(ann, [SUBSCRIBE, 7, {"match": match}, "com.app.t"])
    assert only(ann)[:5] == ["ERROR", 32, 7, {}, "wamp.error.feature_not_supported"]


def test_a_policy_nobody_knows_is_an_invalid_argument() -> None:
    world = World()
    ann = world.join()
    world.send(ann, [SUBSCRIBE, 7, {"match": "_regex"}, "com.app.t"])
    assert take(ann) == [
        ["ERROR", 32, 7, {}, "wamp.error.invalid_argument",
         ["match must be exact, prefix or wildcard, not '_regex'"]]
    ]  # fmt: skip


def test_options_nobody_knows_are_ignored() -> None:
    world = World()
    world.subscribe(world.join(), "com.app.t", _mine=1, some_day="perhaps")


def test_a_session_holds_so_many_subscriptions_and_no_more() -> None:
    world = World(max_subscriptions=1)
    ann, bob = world.joined(2)
    world.subscribe(ann, "com.app.t")
    world.subscribe(bob, "com.app.u")
    world.send(ann, [SUBSCRIBE, 2, {}, "com.app.u"])
    assert take(ann) == [
        ["ERROR", 32, 2, {}, "wamplite.error.limit_reached",
         ["a session may hold 1 subscriptions"]]
    ]  # fmt: skip
    assert ann.member not in world.realm.broker.matches["exact"].records["com.app.u"].subscribers


def test_other_bounds_hold_from_now_on_and_what_is_there_stays() -> None:
    world = World(max_subscriptions=2)
    [ann] = world.joined(1)
    for topic in ("com.app.t", "com.app.u"):
        world.subscribe(ann, topic)
    world.realm.take_bounds(Bounds(subscriptions=1))
    world.send(ann, [SUBSCRIBE, 3, {}, "com.app.v"])
    assert only(ann)[4:] == ["wamplite.error.limit_reached", ["a session may hold 1 subscriptions"]]
    assert len(ann.member.subscriptions) == 2


def test_a_realm_holds_so_many_subscriptions_and_no_more() -> None:
    world = World(max_in_realm=2)
    ann, bob = world.joined(2)
    world.subscribe(ann, "com.app.t")
    subscription = world.subscribe(bob, "com.app.t")
    world.send(bob, [SUBSCRIBE, 2, {}, "com.app.u"])
    assert only(bob)[3:] == [
        {}, "wamplite.error.limit_reached", ["the realm may hold 2 subscriptions"]
    ]  # fmt: skip
    world.send(bob, [UNSUBSCRIBE, 3, subscription])
    take(bob)
    world.subscribe(bob, "com.app.u")


def test_a_repeated_subscribe_is_no_matter_of_the_limit() -> None:
    world = World(max_subscriptions=1, max_in_realm=1)
    ann = world.join()
    world.subscribe(ann, "com.app.t")
    world.subscribe(ann, "com.app.t")


def test_a_subscribe_that_is_refused_leaves_nothing_behind() -> None:
    world = World(max_subscriptions=0)
    ann = world.join()
    world.realm.broker.subscribe_options["no"] = refuse
    world.send(ann, [SUBSCRIBE, 1, {}, "com.app.t"], [SUBSCRIBE, 2, {"no": 1}, "com.app.t"])
    assert [error[4] for error in take(ann)] == ["wamplite.error.limit_reached", "com.app.no"]
    world.lose(ann)
    assert world.is_empty()


def test_a_slow_subscriber_may_ask_to_lose_its_oldest_events() -> None:
    world = World()
    ann, bob = world.joined(2)
    world.subscribe(ann, "com.app.t", _overflow="drop-oldest")
    world.send(bob, [PUBLISH, 1, {}, "com.app.t"])
    assert take(ann) == ann.droppable != []


def test_by_default_no_event_may_be_dropped() -> None:
    world = World()
    ann, bob = world.joined(2)
    world.subscribe(ann, "com.app.t", _overflow="disconnect")
    world.send(bob, [PUBLISH, 1, {}, "com.app.t"])
    assert only(ann)[0] == "EVENT"
    assert ann.droppable == []


@pytest.mark.parametrize("value", ["drop-newest", 7, None, ["drop-oldest"]])
def test_another_overflow_policy_is_refused(value: Any) -> None:
    world = World()
    ann = world.join()
    world.send(ann, [SUBSCRIBE, 7, {"_overflow": value}, "com.app.t"])
    assert only(ann)[:5] == ["ERROR", 32, 7, {}, "wamp.error.invalid_argument"]


# ---- UNSUBSCRIBE


def test_an_unsubscribed_session_gets_no_more_events() -> None:
    world = World()
    ann, bob = world.joined(2)
    subscription = world.subscribe(ann, "com.app.t")
    world.send(ann, [UNSUBSCRIBE, 8, subscription])
    assert take(ann) == [["UNSUBSCRIBED", 8]]
    world.send(bob, [PUBLISH, 1, {}, "com.app.t"])
    assert take(ann) == []


def test_the_others_keep_their_subscription() -> None:
    world = World()
    ann, bob, cat = world.joined(3)
    subscription = world.subscribe(ann, "com.app.t")
    world.subscribe(bob, "com.app.t")
    world.send(ann, [UNSUBSCRIBE, 8, subscription])
    world.send(cat, [PUBLISH, 1, {}, "com.app.t"])
    assert only(bob)[:2] == ["EVENT", subscription]


def test_the_subscription_of_another_cannot_be_ended() -> None:
    world = World()
    ann, bob, cat = world.joined(3)
    subscription = world.subscribe(ann, "com.app.t")
    world.send(bob, [UNSUBSCRIBE, 8, subscription])
    assert take(bob) == [
        ["ERROR", 34, 8, {}, "wamp.error.no_such_subscription",
         [f"the session has no subscription {subscription}"]]
    ]  # fmt: skip
    world.send(cat, [PUBLISH, 1, {}, "com.app.t"])
    assert only(ann)[:2] == ["EVENT", subscription]


def test_a_subscription_cannot_be_ended_twice() -> None:
    world = World()
    ann = world.join()
    subscription = world.subscribe(ann, "com.app.t")
    world.send(ann, [UNSUBSCRIBE, 8, subscription], [UNSUBSCRIBE, 9, subscription])
    assert [answer[0] for answer in take(ann)] == ["UNSUBSCRIBED", "ERROR"]


def test_a_topic_gets_a_new_id_after_its_last_subscriber() -> None:
    world = World()
    ann = world.join()
    first = world.subscribe(ann, "com.app.t")
    world.send(ann, [UNSUBSCRIBE, 8, first])
    take(ann)
    assert world.subscribe(ann, "com.app.t") != first


# ---- PUBLISH


@pytest.mark.parametrize("payload", [[], [[1, [None]]], [[], {"k": 1}], [["a"], {"k": {}}]])
def test_an_event_brings_the_payload_unchanged(payload: list[Any]) -> None:
    world = World()
    ann, bob = world.joined(2)
    subscription = world.subscribe(ann, "com.app.t")
    world.send(bob, [PUBLISH, 1, {}, "com.app.t", *payload])
    name, to, publication, details, *rest = only(ann)
    assert (name, to, details, rest) == ("EVENT", subscription, {}, payload)
    assert 1 <= publication <= 2**53


def test_a_publish_is_not_answered_unless_it_asks() -> None:
    world = World()
    ann = world.join()
    world.send(ann, [PUBLISH, 1, {}, "com.app.t"])
    world.send(ann, [PUBLISH, 2, {"acknowledge": False}, "com.app.t"])
    assert take(ann) == []


def test_an_acknowledgement_tells_the_publication_of_the_event() -> None:
    world = World()
    ann, bob = world.joined(2)
    world.subscribe(ann, "com.app.t")
    world.send(bob, [PUBLISH, 7, ACK, "com.app.t"])
    assert take(bob) == [["PUBLISHED", 7, only(ann)[2]]]


def test_publications_have_random_ids() -> None:
    world = World()
    ann = world.join()
    world.send(ann, *([PUBLISH, n, ACK, "com.app.t"] for n in range(1, 9)))
    publications = [answer[2] for answer in take(ann)]
    assert len(set(publications)) == 8
    assert max(publications) > 2**45


def test_publishers_do_not_get_their_own_events() -> None:
    world = World()
    ann = world.join()
    world.subscribe(ann, "com.app.t")
    world.send(ann, [PUBLISH, 2, {"exclude_me": False}, "com.app.t"])
    assert take(ann) == []


@pytest.mark.parametrize("is_subscriber", [False, True])
@pytest.mark.parametrize("number", [FEW - 1, FEW, FEW + 1])
def test_an_event_reaches_all_others_however_many_they_are(
    number: int, is_subscriber: bool
) -> None:
    world = World()
    publisher, *others = world.joined(1 + number)
    for peer in [*[publisher] * is_subscriber, *others]:
        world.subscribe(peer, "com.app.t")
    world.send(publisher, [PUBLISH, 1, {}, "com.app.t", [1]])
    assert take(publisher) == []
    assert [only(other)[4] for other in others] == [[1]] * number


def test_options_of_the_publisher_do_not_reach_the_subscriber() -> None:
    world = World()
    ann, bob = world.joined(2)
    world.subscribe(ann, "com.app.t")
    world.send(bob, [PUBLISH, 1, {"retain": False, "_mine": 1, "x": 2, **ACK}, "com.app.t"])
    assert only(ann)[3] == {}


@pytest.mark.parametrize("topic", ["", "a..b", "a b", "wamp.session.on_join"])
def test_a_topic_that_cannot_be_published_to_is_refused(topic: str) -> None:
    world = World()
    ann = world.join()
    world.send(ann, [PUBLISH, 7, ACK, topic])
    assert only(ann)[:5] == ["ERROR", 16, 7, {}, "wamp.error.invalid_uri"]


def test_a_refusal_is_silent_without_acknowledge() -> None:
    world = World()
    ann, bob = world.joined(2)
    world.subscribe(bob, "com.app.t")
    world.realm.broker.publish_options["no"] = refuse
    world.send(ann, [PUBLISH, 1, {}, "a..b"], [PUBLISH, 2, {"no": 1}, "com.app.t"])
    assert take(ann) == take(bob) == []
    assert ann.member.open


def test_an_option_that_refuses_reaches_nobody() -> None:
    world = World()
    ann, bob = world.joined(2)
    world.subscribe(bob, "com.app.t")
    world.realm.broker.publish_options["no"] = refuse
    world.send(ann, [PUBLISH, 2, {"no": 1, **ACK}, "com.app.t"])
    assert take(ann) == [["ERROR", 16, 2, {}, "com.app.no", ["not with this option"]]]
    assert take(bob) == []


def test_an_option_may_narrow_and_tell() -> None:
    world = World()
    ann, bob, cat = world.joined(3)
    for peer in (ann, bob):
        world.subscribe(peer, "com.app.t")

    def only_bob(publication: Any, value: Any) -> None:
        publication.filters.append(lambda member: member is bob.member)
        publication.details["told"] = value

    world.realm.broker.publish_options["only_bob"] = only_bob
    world.send(cat, [PUBLISH, 1, {"only_bob": 5}, "com.app.t"])
    assert only(bob)[3] == {"told": 5}
    assert take(ann) == []


def test_events_of_one_publisher_stay_in_order_across_topics() -> None:
    world = World()
    ann, bob = world.joined(2)
    one, two = world.subscribe(ann, "com.app.t"), world.subscribe(ann, "com.app.u")
    for number, topic in enumerate(["t", "u", "u", "t"], 1):
        world.send(bob, [PUBLISH, number, {}, f"com.app.{topic}", [number]])
    assert [(event[1], event[4]) for event in take(ann)] == [
        (one, [1]), (two, [2]), (two, [3]), (one, [4])
    ]  # fmt: skip


def test_one_event_object_serves_all_subscribers() -> None:
    world = World()
    ann, bob, cat = world.joined(3)
    posted: list[Any] = []
    for peer in (ann, bob):
        world.subscribe(peer, "com.app.t")
        subscription = world.realm.broker.matches["exact"].records["com.app.t"]
        subscription.subscribers[peer.member].post = lambda event: posted.append(event) or True
    world.send(cat, [PUBLISH, 1, {}, "com.app.t"])
    assert len(posted) == 2
    assert posted[0] is posted[1]


def test_an_event_too_large_for_one_subscriber_reaches_the_others() -> None:
    world = World()
    ann, bob, cat = world.join(limit=512), world.join(), world.join()
    for peer in (ann, bob):
        world.subscribe(peer, "com.app.t")
    world.send(cat, [PUBLISH, 1, {}, "com.app.t", ["x" * 600]], [PUBLISH, 2, {}, "com.app.t", [2]])
    assert [event[4] for event in take(bob)] == [["x" * 600], [2]]
    assert [event[4] for event in take(ann)] == [[2]]


def test_a_binary_payload_is_a_violation_where_it_cannot_pass() -> None:
    world = World()
    ann = world.join()
    world.send(ann, [PUBLISH, 1, {"ppt_scheme": "x_a"}, "com.app.t", b"sealed"])
    assert take(ann) == [
        ["ABORT", {"message": f"PUBLISH: a payload that is no list: {lacking(PASSTHRU)}"},
         "wamp.error.protocol_violation"]
    ]  # fmt: skip


def test_a_binary_payload_passes_as_one_argument_where_it_may() -> None:
    world = World()
    ann, bob = world.joined(2)
    world.realm.unread = lambda member, message: None
    world.subscribe(ann, "com.app.t")
    world.send(bob, [PUBLISH, 1, {"enc_algo": "x_a"}, "com.app.t", b"sealed"])
    assert only(ann)[4] == [b"sealed"]


@pytest.mark.parametrize("lists", [{"eligible": [1]}, {"exclude_authid": ["x"]}])
def test_what_was_kept_for_some_is_for_nobody_where_no_feature_knows_who_they_are(
    lists: dict[str, Any],
) -> None:
    world = World()
    ann = world.join()
    broker = world.realm.broker
    assert not broker.may_get(ann.member, "com.app.t", lists)
    assert broker.may_get(ann.member, "com.app.t", {"exclude": [], "exclude_country": ["de"]})


# ---- leaving, and the moments


def test_a_session_that_ends_gives_up_its_subscriptions() -> None:
    world = World()
    ann, bob = world.joined(2)
    for topic in ("com.app.t", "com.app.u"):
        world.subscribe(ann, topic)
    world.subscribe(bob, "com.app.u")
    world.lose(ann)
    assert [record.uri for record in world.realm.broker.subscriptions.values()] == ["com.app.u"]
    world.lose(bob)
    assert world.is_empty()


def moments_of(world: World) -> list[Any]:
    """Record the moments of a broker: its name, the session, the topic, how many then listen."""
    heard: list[Any] = []
    broker = world.realm.broker
    for name in ("subscribed", "unsubscribed"):
        getattr(broker, name).append(
            lambda member, record, message, name=name: heard.append(
                (
                    name,
                    member.session,
                    record.subscription.uri,
                    len(record.subscription.subscribers),
                    type(message).__name__,
                )
            )
        )
    return heard


def test_each_session_is_told_to_have_subscribed_and_unsubscribed_once() -> None:
    world = World()
    ann, bob = world.joined(2)
    heard = moments_of(world)
    subscription = world.subscribe(ann, "com.app.t")
    world.subscribe(ann, "com.app.t")
    world.subscribe(bob, "com.app.t")
    world.send(ann, [UNSUBSCRIBE, 3, subscription])
    world.lose(bob)
    assert heard == [
        ("subscribed", 1, "com.app.t", 1, "Subscribe"),
        ("subscribed", 2, "com.app.t", 2, "Subscribe"),
        ("unsubscribed", 1, "com.app.t", 1, "Unsubscribe"),
        ("unsubscribed", 2, "com.app.t", 0, "NoneType"),
    ]


def test_moments_come_after_the_answer() -> None:
    world = World()
    ann = world.join()
    seen: list[Any] = []
    broker = world.realm.broker
    for moment in (broker.subscribed, broker.published, broker.unsubscribed):
        moment.append(lambda *_: seen.append(take(ann)[-1][0]))
    subscription = 1
    world.send(
        ann,
        [SUBSCRIBE, 1, {}, "com.app.t"],
        [PUBLISH, 2, ACK, "com.app.u"],
        [UNSUBSCRIBE, 3, subscription],
    )
    assert seen == ["SUBSCRIBED", "PUBLISHED", "UNSUBSCRIBED"]


def test_a_publication_is_told_with_its_message() -> None:
    world = World()
    ann = world.join()
    heard: list[Any] = []
    world.realm.broker.published.append(lambda *told: heard.append(told))
    world.send(ann, [PUBLISH, 1, {}, "com.app.t", [5]], [PUBLISH, 2, {}, "a..b"])
    ((member, publication, publish),) = heard
    assert member is ann.member
    assert (publish.topic, publish.args) == ("com.app.t", [5])
    assert publication.publisher is ann.member


def test_writers_tell_in_the_event_of_their_subscription_only() -> None:
    world = World()
    ann, bob = world.joined(2)
    world.subscribe(ann, "com.app.t")
    world.subscribe(ann, "com.app.u")
    broker = world.realm.broker
    broker.matches["exact"].records["com.app.t"].writers.append(lambda draft: {"by": draft.topic})
    world.send(bob, [PUBLISH, 1, {}, "com.app.t"], [PUBLISH, 2, {}, "com.app.u"])
    assert [event[3] for event in take(ann)] == [{"by": "com.app.t"}, {}]


# ---- PUBLISHED that waits for what stores it


class Stored:
    """A world where two store each publication before it is acknowledged."""

    def __init__(self) -> None:
        self.world = World()
        self.drafts: list[Any] = []
        self.world.realm.broker.drafted.append(self.on_drafted)

    def on_drafted(self, member: Any, publication: Any, publish: Any) -> None:
        publication.holds += 2
        self.drafts.append(publication)


def test_a_publish_is_acknowledged_once_all_have_stored_it() -> None:
    stored = Stored()
    ann = stored.world.join()
    stored.world.send(ann, [PUBLISH, 7, ACK, "com.app.t"])
    (publication,) = stored.drafts
    stored.world.realm.broker.release(publication)
    assert take(ann) == []
    stored.world.realm.broker.release(publication)
    assert take(ann) == [["PUBLISHED", 7, publication.id]]
    stored.world.realm.broker.release(publication)
    assert take(ann) == []


@pytest.mark.parametrize(("match", "topic"), [("exact", "wamp.a"), ("prefix", "wamp")])
def test_what_nobody_heard_is_heard_from_the_first_subscription_to_the_last(
    match: str, topic: str
) -> None:
    world = World(Prefixes)
    ann, broker = world.join(), world.realm.broker
    for number in range(2):
        assert not broker.is_heard("wamp.a")
        broker.announce("wamp.a", 5)
        subscription = world.subscribe(ann, topic, match=match)
        assert broker.is_heard("wamp.a") and not broker.is_heard("wamo.a")
        broker.announce("wamp.a", number)
        world.send(ann, [UNSUBSCRIBE, 2, subscription])
        event, _ = take(ann)
        assert event[:2] == ["EVENT", subscription] and event[4] == [number]
    assert not broker.is_heard("wamp.a")


def test_what_nobody_hears_is_looked_for_once() -> None:
    world, asked = World(), []
    world.subscribe(world.join(), "com.app.t")
    exact = world.realm.broker.matches["exact"]
    exact.find = lambda uri: asked.append(uri) or ()  # type: ignore[method-assign,func-returns-value]
    for _ in range(3):
        world.realm.broker.announce("wamp.a")
    assert asked == ["wamp.a"]


def test_what_somebody_keeps_is_heard() -> None:
    world, kept = World(), []
    broker = world.realm.broker
    assert not broker.is_heard("wamp.a")
    broker.published.append(lambda member, record, publish: kept.append(publish.args))
    assert broker.is_heard("wamp.a")
    broker.announce("wamp.a", 5)
    assert kept == [[5]]


def test_what_the_router_publishes_is_acknowledged_to_nobody() -> None:
    world, kept = World(), []
    world.realm.broker.published.append(lambda member, record, publish: kept.append(record))
    world.realm.broker.announce("com.app.t", 5)
    (publication,) = kept
    publication.holds += 1
    world.realm.broker.release(publication)
    assert publication.holds == 0


def test_a_publication_is_told_to_whom_it_named_before_all() -> None:
    world, heard = World(), []
    ann, bob = world.joined(2)

    def option(publication: Any, value: str) -> None:
        publication.ends = [lambda member, record, publish: heard.append(value)]

    world.realm.broker.publish_options["watch"] = option
    world.realm.broker.published.append(lambda member, record, publish: heard.append("all"))
    world.send(ann, [PUBLISH, 1, {"watch": "one"}, "com.app.t"], [PUBLISH, 2, {}, "com.app.t"])
    assert heard == ["one", "all", "all"]
