"""One wamplite router for all of interop, other people's routers, and the list of peers."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.interop.foreign import Foreign, start_all
from tests.processes import RouterProcess, running_router


@pytest.fixture(scope="session")
def router() -> Iterator[RouterProcess]:
    """One `wamplite router` for all of interop: the tests keep to URIs of their own."""
    with running_router() as process:
        yield process


@pytest.fixture(scope="session")
def roomy_router() -> Iterator[RouterProcess]:
    """A `wamplite router` that reads messages as long as RawSocket can have them."""
    with running_router("--max-message-size", str(2**24)) as process:
        yield process


@pytest.fixture(scope="session")
def url_of(router: RouterProcess) -> Callable[[str], str]:
    """The wamplite router's URL for a transport, `ws` or `rs`."""
    return {"ws": router.ws, "rs": router.rs}.__getitem__


@pytest.fixture(scope="session")
def foreign_routers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Foreign]]:
    """All the other routers that are installed, started together: Crossbar needs its time."""
    with start_all(tmp_path_factory.mktemp("routers")) as routers:
        yield routers
