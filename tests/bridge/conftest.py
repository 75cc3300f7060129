"""Worlds around a device, for the tests of what it is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.bridge.asking import World
from tests.bridge.responder import Responder
from tests.processes import RouterProcess


@pytest.fixture
def make(router_process: RouterProcess) -> Iterator[Callable[..., World]]:
    """Give `make(device, **port)`: a running world around a device that answers."""
    with ExitStack() as stack:

        def make(device: Responder, **more: Any) -> World:
            stack.enter_context(device)
            return stack.enter_context(World(router_process.rs, device, **more))

        yield make
