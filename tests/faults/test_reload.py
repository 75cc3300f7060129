"""SIGHUP with a configuration that is broken: item 84 of the catalogue."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import wamplite
from tests.faults.witnesses import witnessed
from tests.processes import Program, RouterProcess

WHOLE = """
[[listener]]
url = "tcp://127.0.0.1:0"
[[realm]]
name = "realm1"
anonymous = "guest"
  [[realm.role]]
  name = "guest"
    [[realm.role.permission]]
    uri = ""
    match = "prefix"
    allow = ["call", "register", "publish", "subscribe"]
"""
MORE = WHOLE + '[[realm]]\nname = "realm2"\nanonymous = "guest"\n[[realm.role]]\nname = "guest"\n'
BROKEN = {
    "no TOML": WHOLE + "[[realm",
    "cut off": WHOLE[: WHOLE.index("prefix")],
    "an unknown key": WHOLE.replace("anonymous", "anonymos"),
    "an unknown limit": WHOLE + "[router]\nmax_everything = 1\n",
    "a limit out of range": WHOLE + "[router]\nmax_message_size = 1\n",
    "a realm that is none": WHOLE.replace('"realm1"', '"realm one"'),
    "a permission that is none": WHOLE.replace('"prefix"', '"regex"'),
    "users that are not there": WHOLE.replace("anonymous", 'users = "none.toml"\nanonymous'),
    "not even text": "\udcff",
}


class ConfiguredRouter(RouterProcess):
    """A router with a file."""

    def __init__(self, path: Path) -> None:
        words = ["-W", "default", "-m", "wamplite", "router", "-c", str(path)]
        Program.__init__(self, sys.executable, *words)
        self.urls: list[str] = []

    def read_again(self) -> None:
        """Have the file read again."""
        before = self.stderr().count("the file was read again")
        self.interrupt(signal.SIGHUP)
        self.await_stderr("the file was read again", before + 1)


@pytest.fixture(autouse=True)
def bystander() -> None:
    """The witnesses look on."""


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("reload") / "wamplite.toml"


@pytest.fixture(scope="module")
def router(path: Path) -> Iterator[ConfiguredRouter]:
    path.write_text(WHOLE)
    process = ConfiguredRouter(path)
    try:
        process.await_ready()
        with witnessed(process.port):
            yield process
        assert process.stop() == 0
    finally:
        process.stop()


@pytest.mark.sampled
@pytest.mark.parametrize("what", BROKEN)
def test_84_with_a_broken_configuration_the_old_one_stays(
    router: ConfiguredRouter, path: Path, what: str
) -> None:
    with wamplite.connect(router.rs) as session:
        session.register("faults.reload", lambda: "still here")
        path.write_bytes(BROKEN[what].encode("utf-8", "surrogateescape"))
        before = router.stderr().count("nothing has changed")
        router.read_again()
        router.await_stderr("nothing has changed", before + 1)
        with wamplite.connect(router.ws) as fresh:
            assert fresh.call("faults.reload") == "still here"
    with pytest.raises(wamplite.WampliteError):
        wamplite.connect(router.rs, realm="realm2")


def test_84_and_a_whole_one_is_taken_afterwards(router: ConfiguredRouter, path: Path) -> None:
    path.write_text(MORE)
    router.read_again()
    with wamplite.connect(router.rs, realm="realm2") as session:
        assert session.realm == "realm2"
    path.write_text(WHOLE)
    router.read_again()
    with pytest.raises(wamplite.WampliteError):
        wamplite.connect(router.rs, realm="realm2")
