"""A process that matches: it can be ended whenever somebody wants."""

from __future__ import annotations

import re

from wamplite.bridge.matching.worker import RUNNING, MatchWorker


def test_it_can_be_ended_at_any_time_and_is_started_again() -> None:
    worker = MatchWorker(re.compile("a(b)?"))
    worker.end()  # it has no process yet
    for text, groups in (("ab", ["ab", "b"]), ("a", ["a", None]), ("c", None)):
        assert worker.groups(text) == groups
        assert worker in RUNNING
        for _ in range(2):
            worker.end()
            assert worker not in RUNNING
