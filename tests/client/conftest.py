"""Routers for the client's tests: one that is scripted, and the real one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import wamplite
from tests.client.scripted import Peer
from wamplite.advanced import pattern_based_subscription, publisher_exclusion


@pytest.fixture
def peer() -> Iterator[Peer]:
    """Give a router that the test plays."""
    with Peer() as peer:
        yield peer


@pytest.fixture
def url() -> Iterator[str]:
    """Give the URL of a router with realm1."""
    features = [pattern_based_subscription.ForRouter, publisher_exclusion.ForRouter]
    with wamplite.Router(realms=["realm1"], features=features) as router:
        yield router.listen("rs://127.0.0.1:0")
