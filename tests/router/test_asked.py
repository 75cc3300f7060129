"""The invocations that a device has not answered: each is settled or given up, once."""

from __future__ import annotations

import threading
import time

import pytest

from tests.waiting import Hesitant
from wamplite.router.serial_connection import Asked

MANY = 60


@pytest.mark.usefixtures("hurried")
def test_each_invocation_is_answered_or_given_up_whoever_looks_meanwhile() -> None:
    asked = Asked(1.0)
    asked._deadlines = Hesitant()
    given_up: list[int] = []
    odd: list[BaseException] = []
    ended = threading.Event()

    def give_up() -> None:
        try:
            while not ended.is_set():
                given_up.extend(error.request for error in asked.give_up(1.5))
        except BaseException as error:
            odd.append(error)

    looking = threading.Thread(target=give_up)
    looking.start()
    for first in range(0, MANY, 10):
        requests = range(first, first + 10)
        for request in requests:
            time.sleep(0)
            asked.note(request, request % 2)  # the odd ones are late only at 2
        for request in requests[:8]:
            time.sleep(0)
            asked.settle(request)
    ended.set()
    looking.join(20)
    assert odd == []
    assert len(set(given_up)) == len(given_up)
    assert not [request for request in given_up if request % 2]
    left = {error.request for error in asked.give_up(9.0)}
    assert left >= set(range(9, MANY, 10)) and not left & set(given_up)
    assert asked.give_up(9.0) == []
