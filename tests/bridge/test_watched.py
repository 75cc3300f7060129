"""A watched port tells what is dropped, and nothing of what is not."""

from __future__ import annotations

from wamplite.bridge.configuration.builder import Port, make_settings
from wamplite.bridge.watched import Step, WatchedPort


def test_no_frame_that_was_dropped_is_no_step() -> None:
    steps: list[Step] = []
    port = WatchedPort(make_settings(Port("/dev/x")).ports[0], steps.append)
    port.counts.count("not asked for", 0)
    assert steps == []
    port.counts.count("not asked for", 1)
    (step,) = steps
    assert (step["reason"], step["frames"]) == ("not asked for", 1)
