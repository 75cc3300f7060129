"""What the router keeps, by the verbs: retained events, history, testaments, partial results."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cli.asking import ask, subscribed
from tests.processes import Program, RouterProcess, running, running_router, wamplite
from wamplite import connect

SCAN = """
import sys, wamplite
session = wamplite.connect(sys.argv[1])
@session.register("com.example.scan")
def scan(number, unit=None):
    for channel in range(number):
        yield wamplite.Result([channel], {"unit": unit}) if unit else channel
    return "done"
print("ready", flush=True)
session.run_forever()
"""


@pytest.fixture(scope="module")
def router() -> Iterator[RouterProcess]:
    with running_router("--feature", "standard", "--history", "prefix:com.example.log") as process:
        yield process


@pytest.fixture(scope="module")
def poor() -> Iterator[RouterProcess]:
    """Give a router without any feature."""
    with running_router("--feature", "basic") as process:
        yield process


def rows(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def publish(
    router: RouterProcess, topic: str, *values: object, words: tuple[str, ...] = ()
) -> None:
    for value in values:
        done = ask(router, "pub", topic, str(value), *words)
        assert (done.returncode, done.stderr) == (0, "")


# ---- call --progress


def test_call_prints_partial_results_and_then_the_last(router: RouterProcess) -> None:
    with running(sys.executable, "-c", SCAN, router.rs) as callee:
        assert callee.line() == "ready"
        done = ask(router, "call", "com.example.scan", "2", "--progress")
        assert (done.returncode, done.stdout) == (0, '0\n1\n"done"\n')
        done = ask(router, "call", "com.example.scan", "1", "-k", "unit=C", "--progress")
        assert done.stdout == '{"args":[0],"kwargs":{"unit":"C"}}\n"done"\n'
        assert ask(router, "call", "com.example.scan", "2").stdout == '"done"\n'


# ---- retained events


def test_pub_retains_an_event_and_without_arguments_clears_it(router: RouterProcess) -> None:
    publish(router, "com.example.kept.a", 1, 2, words=("--retain",))
    (row,) = rows(ask(router, "retained", "com.example.kept.a").stdout)
    assert row["details"].pop("retained") is True
    assert (row["topic"], row["args"], row["kwargs"]) == ("com.example.kept.a", [2], {})
    ask(router, "pub", "com.example.kept.a", "--retain")
    done = ask(router, "retained", "com.example.kept.a")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_retained_takes_patterns_and_a_format(router: RouterProcess) -> None:
    publish(router, "com.example.many.b", 2, words=("--retain",))
    publish(router, "com.example.many.a", 1, words=("--retain",))
    words = ("--match", "prefix", "-F", "{topic} {0}")
    done = ask(router, "retained", "com.example.many.", *words)
    assert sorted(done.stdout.splitlines()) == ["com.example.many.a 1", "com.example.many.b 2"]


def test_sub_prints_what_is_retained_first(router: RouterProcess) -> None:
    publish(router, "com.example.kept.c", 1, words=("--retain",))
    words = ("com.example.kept.c", "--retained", "-C", "2", "-F", "{0}")
    with subscribed(router, *words) as sub:
        assert sub.line() == "1"
        publish(router, "com.example.kept.c", 2)
        assert (sub.line(), sub.wait()) == ("2", 0)


# ---- history


def test_history_prints_what_was_published_before(router: RouterProcess) -> None:
    topic = "com.example.log.a"
    publish(router, topic, 1, 2, 3)
    found = rows(ask(router, "history", topic).stdout)
    assert [row["args"] for row in found] == [[1], [2], [3]]
    first = found[0]
    assert sorted(first) == ["args", "details", "kwargs", "publication", "timestamp", "topic"]
    assert first["topic"] == topic
    last = ask(router, "history", topic, "--limit", "2", "--reverse", "-F", "{0}")
    assert last.stdout == "3\n2\n"
    behind = str(first["publication"])
    done = ask(router, "history", topic, "--after-publication", behind, "-F", "{0}")
    assert done.stdout == "2\n3\n"
    done = ask(router, "history", topic, "--after-time", found[1]["timestamp"], "-F", "{0}")
    assert done.stdout == "3\n"


def test_history_of_a_pattern_tells_each_topic(router: RouterProcess) -> None:
    publish(router, "com.example.log.p.x", 1)
    publish(router, "com.example.log.p.y", 2)
    words = ("--match", "prefix", "-F", "{topic} {0}")
    done = ask(router, "history", "com.example.log.p.", *words)
    assert done.stdout == "com.example.log.p.x 1\ncom.example.log.p.y 2\n"


@pytest.mark.parametrize("words", [("history", "t"), ("sub", "t", "--history", "1", "-W", "0.2")])
def test_a_topic_whose_events_are_not_kept_is_told_of(
    router: RouterProcess, words: tuple[str, ...]
) -> None:
    publish(router, "t", 1)
    done = ask(router, *words)
    assert done.stdout == ""
    assert done.stderr.startswith("wamplite: t: nothing is kept; a router keeps what its --history")


def test_a_time_that_is_none_is_refused_by_the_router(router: RouterProcess) -> None:
    done = ask(router, "history", "com.example.log.a", "--from-time", "noon")
    assert done.returncode == 1
    assert done.stderr.startswith("wamplite: wamp.error.invalid_argument")


def test_sub_prints_the_last_events_of_the_history_once_and_goes_on(router: RouterProcess) -> None:
    topic = "com.example.log.s"
    publish(router, topic, 1, 2, 3)
    with subscribed(router, topic, "--history", "2", "-C", "4", "-F", "{0}") as sub:
        assert sub.lines(2) == ["2", "3"]
        publish(router, topic, 4, 5)
        assert sub.lines(2) == ["4", "5"]
        assert sub.wait() == 0


def test_more_events_than_a_router_tells_at_a_time_are_printed_in_order() -> None:
    with running_router("--history", "prefix:com.example.log") as router:
        with connect(router.rs) as session:
            events: list[Any] = [
                (f"com.example.log.{number % 3}", [number], {}, {"acknowledge": True})
                for number in range(2500)
            ]
            assert all(outcome.sent for outcome in session.publish_all(events, timeout=60))
        words = ("com.example.log.", "--match", "prefix", "-F", "{0}")

        def printed(*more: str) -> list[int]:
            done = ask(router, *more, *words)
            assert (done.returncode, done.stderr) == (0, "")
            return [int(line) for line in done.stdout.splitlines()]

        assert printed("history") == [*range(2500)]
        assert printed("history", "--reverse") == [*range(2499, -1, -1)]
        assert printed("history", "--limit", "1500") == [*range(1500)]
        assert printed("history", "--limit", "1001", "--reverse") == [*range(2499, 1498, -1)]
        assert printed("sub", "--history", "2400", "-C", "2400") == [*range(100, 2500)]


def test_count_bounds_the_history_too(router: RouterProcess) -> None:
    publish(router, "com.example.log.n", 1, 2)
    words = ("--history", "5", "-C", "1", "-F", "{0}")
    done = ask(router, "sub", "com.example.log.n", *words)
    assert (done.returncode, done.stdout) == (0, "1\n")


# ---- testament


def bequeathed(router: RouterProcess, *words: str) -> Program:
    program = Program(*wamplite("testament", *words, "-v", "--url", router.rs))
    program.await_stderr("testament ")
    return program


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0), (signal.SIGKILL, -9)]
)
def test_the_testament_is_published_however_it_ends(
    router: RouterProcess, number: int, code: int
) -> None:
    words = ("com.example.will", "gone", "-k", "options=1", "-k", "scope=2")
    with subscribed(router, "com.example.will", "-C", "1") as sub:
        program = bequeathed(router, *words)
        assert program.stop(number) == code
        row = json.loads(sub.line())
    assert (row["args"], row["kwargs"]) == (["gone"], {"options": 1, "scope": 2})


def test_a_testament_may_be_retained(router: RouterProcess) -> None:
    bequeathed(router, "com.example.will.kept", "gone", "--retain").stop()
    assert ask(router, "retained", "com.example.will.kept", "-F", "{0}").stdout == "gone\n"


# ---- a router that lacks it


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("words", "feature"),
    [
        (("call", "com.example.scan", "--progress"), "progressive_call_results"),
        (("pub", "t", "1", "--retain"), "event_retention"),
        (("sub", "t", "--retained"), "event_retention"),
        (("retained", "t"), "event_retention"),
        (("sub", "t", "--history", "1"), "event_history"),
        (("history", "t"), "event_history"),
        (("testament", "t"), "testament_meta_api"),
        (("sessions",), "session_meta_api"),
        (("kill", "1"), "session_meta_api"),
        (("kill", "--all"), "session_meta_api"),
        (("subs",), "subscription_meta_api"),
        (("regs",), "registration_meta_api"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else value,
)
def test_a_router_that_lacks_the_feature_is_told_with_its_name(
    poor: RouterProcess, words: tuple[str, ...], feature: str
) -> None:
    done = ask(poor, *words)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"it lacks the feature {feature}: --feature {feature}" in done.stderr
