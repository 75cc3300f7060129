"""Bounds by name, checked; counters."""

from __future__ import annotations

import threading
from typing import Any, get_type_hints

import pytest

from tests.waiting import Hesitant
from wamplite.core.errors import UsageError
from wamplite.router.limits import MIB, Counters, LimitKeywords, Limits, checked


def test_what_is_not_given_keeps_its_default() -> None:
    limits = checked({"max_connections": 3, "linger": 1, "ping_interval": 0.5})
    assert limits == Limits(max_connections=3, linger=1, ping_interval=0.5)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"max_conections": 1}, r"unknown settings \['max_conections'\]; there are max_conn"),
        ({"max_connections": 1.5}, "max_connections must be a number without a fraction"),
        ({"max_connections": True}, "max_connections must be a number"),
        ({"max_connections": None}, "max_connections must be a number"),
        ({"max_connections": -1}, "max_connections must be at least 0, not -1"),
        ({"linger": "2"}, "linger must be a number, not '2'"),
        ({"linger": float("nan")}, "linger must be at least 0, not nan"),
        ({"ping_interval": -1}, "ping_interval must be at least 0, not -1"),
        ({"max_message_size": 511}, "max_message_size must be at least 512"),
        ({"max_message_size": 2**24 + 1}, "max_message_size must be at most 16777216"),
        ({"stack_size": 32768}, "stack_size must be at least 131072"),
    ],
)
def test_what_cannot_be_meant_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        checked(given)


def test_an_outbox_takes_two_messages_or_a_mebibyte() -> None:
    assert Limits().outbox_size == 2 * MIB
    assert Limits(max_message_size=1000).outbox_size == MIB
    assert Limits(max_outbox_size=5).outbox_size == 5


@pytest.mark.usefixtures("hurried")
def test_counters_count_from_all_threads() -> None:
    counters = Counters()
    counters._counts = Hesitant()

    def count() -> None:
        for _ in range(100):
            counters.add("one")
            counters.add("three", 3)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    snapshot = counters.snapshot()
    counters.add("one")
    assert snapshot == {"one": 400, "three": 1200}


def test_editors_see_each_limit_as_a_keyword_of_the_router() -> None:
    assert get_type_hints(LimitKeywords) == get_type_hints(Limits)
