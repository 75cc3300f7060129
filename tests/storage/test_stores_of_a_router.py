"""What a router keeps in files: after kill -9, damage, and a disk that is full."""

from __future__ import annotations

import resource
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import wamplite
from tests.processes import ROOT, RouterProcess, running_router
from tests.waiting import until

OPTIONS = ("--history", "prefix:com.example", "--keep")
LISTEN = ("tcp://127.0.0.1:0",)
TOPIC = "com.example.topic"


def publish(router: RouterProcess, *values: Any, topic: str = TOPIC) -> None:
    with wamplite.connect(router.rs) as session:
        for value in values:
            session.publish(topic, value, options={"acknowledge": True, "retain": True})


def kept(router: RouterProcess) -> tuple[list[Any], list[Any]]:
    """Return the values of the history, and the retained one."""
    with wamplite.connect(router.rs) as session:
        found: list[Any] = []
        history = [event["args"][0] for event in session.meta.history(TOPIC)]
        session.subscribe(TOPIC, found.append, options={"get_retained": True})
        session.subscribe(TOPIC, lambda _: None)  # answered behind the event
        session.drain()
    return history, found


@pytest.mark.long
def test_nothing_acknowledged_is_lost_by_kill_9() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "store_kills.py", "20"],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, ""), done.stdout


def test_what_was_kept_is_there_again(tmp_path: Path) -> None:
    with running_router(*OPTIONS, str(tmp_path)) as router:
        publish(router, 1, "two", {"three": [3.5, None]})
    with running_router(*OPTIONS, str(tmp_path)) as router:
        assert kept(router) == ([1, "two", {"three": [3.5, None]}], [{"three": [3.5, None]}])


@pytest.mark.sampled
@pytest.mark.parametrize("place", [0, 100, 5000])
def test_a_damaged_store_is_set_aside_with_a_clear_word(place: int, tmp_path: Path) -> None:
    with running_router(*OPTIONS, str(tmp_path)) as router:
        publish(router, *("x" * 1000 for _ in range(50)))
    names = ("history-realm1.db", "retained-realm1.db")
    for name in names:
        with (tmp_path / name).open("r+b") as file:
            file.seek(place)
            file.write(bytes(range(256)) * 16)
    router = RouterProcess(*OPTIONS, str(tmp_path), listen=LISTEN, realms=("realm1",))
    try:
        router.await_ready()
        assert kept(router) == ([], [])
        publish(router, 7)
        assert kept(router) == ([7], [7])
        router.process.terminate()
        assert router.wait() == 0
        log = router.stderr()
        for name in names:
            assert f"{tmp_path / name} is damaged" in log and "set aside as" in log
            assert list(tmp_path.glob(f"{name}.damaged-*"))
    finally:
        router.stop()


def test_a_full_disk_costs_what_is_kept_and_never_a_session(tmp_path: Path) -> None:
    router = RouterProcess(*OPTIONS, str(tmp_path), listen=LISTEN, realms=("realm1",))
    try:
        router.await_ready()
        publish(router, 1)
        largest = max(file.stat().st_size for file in tmp_path.iterdir())
        limit = largest + 65536  # of each of its files: a disk that is nearly full
        resource.prlimit(router.process.pid, resource.RLIMIT_FSIZE, (limit, limit))
        came: list[str] = []
        with wamplite.connect(router.rs) as session:
            session.subscribe(TOPIC, lambda text: came.append(text[:9]))
            for number in range(60):
                publish(router, f"number {number:02}" + "x" * 20_000)
            until(lambda: came == [f"number {number:02}" for number in range(60)])
            assert len(kept(router)[0]) == 61  # in memory it is all there
        router.process.send_signal(10)  # SIGUSR1
        router.process.terminate()
        assert router.wait() == 0
        log = router.stderr()
        assert "things could not be stored" in log
        counted = next(line for line in log.splitlines() if "sessions=" in line)
        assert "history_not_stored=" in counted and "retained_not_stored=" in counted
    finally:
        router.stop()
    with running_router(*OPTIONS, str(tmp_path)) as router:  # there is room again
        history, _ = kept(router)
        assert history[0] == 1
        publish(router, "more")
        assert kept(router)[1] == ["more"]


def test_what_was_replaced_or_cleared_while_the_disk_was_full_does_not_come_back(
    tmp_path: Path,
) -> None:
    router = RouterProcess(*OPTIONS, str(tmp_path), listen=LISTEN, realms=("realm1",))
    try:
        router.await_ready()
        retain = {"acknowledge": True, "retain": True}
        room = resource.RLIM_INFINITY
        with wamplite.connect(router.rs) as session:
            session.publish("com.example.mode", "day", options=retain)
            session.publish("com.example.alarm", "fire", options=retain)
            limit = max(file.stat().st_size for file in tmp_path.iterdir())
            resource.prlimit(router.process.pid, resource.RLIMIT_FSIZE, (limit, room))
            for _ in range(20):
                session.publish("com.example.other", "x" * 20_000, options=retain)
            session.publish("com.example.mode", "night", options=retain)
            session.publish("com.example.alarm", options=retain)
        resource.prlimit(router.process.pid, resource.RLIMIT_FSIZE, (room, room))
        router.process.terminate()
        assert router.wait() == 0
        assert "things could not be stored" in router.stderr()
    finally:
        router.stop()
    with running_router(*OPTIONS, str(tmp_path)) as again, wamplite.connect(again.rs) as session:
        found: list[Any] = []
        for topic in ("com.example.mode", "com.example.alarm"):
            session.subscribe(topic, found.append, options={"get_retained": True})
        session.subscribe("com.example.none", print)  # answered behind the events
        session.drain()
        assert found == ["night"]
        assert len(session.meta.history("com.example.other")) == 20


CHANGES = {
    "a topic that is no text": "topic = CAST(x'636f6dff' AS TEXT)",
    "a topic that is none": "topic = 'com..x'",
    "a text for a number": "publication = 'seven'",
    "no time": "time = 'soon'",
    "a time beyond all": "time = 1e300",
    "an id that is none": "publication = -7",
    "no JSON": "data = x'5b'",
    "JSON of another shape": "data = '[1,2]'",
    "details that are none": "data = '[null,null,[],{}]'",
    "limits that are none": "data = '[null,null,{},{\"exclude\":7}]'",
}


@pytest.mark.long
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(("name", "sound"), [("history", [1, 2]), ("retained", ["a", "c"])])
def test_an_event_that_cannot_be_read_is_left_out_and_the_file_set_aside(
    tmp_path: Path, name: str, sound: list[Any], change: str
) -> None:
    file = f"{name}-realm1.db"
    with running_router(*OPTIONS, str(tmp_path)) as router:
        publish(router, 1, 3, 2)
        for value in ("a", "b", "c"):
            publish(router, value, topic=f"{TOPIC}.{value}")
    with closing(sqlite3.connect(tmp_path / file)) as database, database:
        (number,) = database.execute(DAMAGED[name]).fetchone()
        database.execute(f"UPDATE event SET {CHANGES[change]} WHERE number = {number}")
    for is_told in (True, False):  # what was sound is in the new file
        with running_router(*OPTIONS, str(tmp_path)) as router:
            assert found_of(router, name) == sound
            assert ("1 events cannot be read" in router.stderr()) is is_told
    assert len(list(tmp_path.glob(f"{file}.damaged-*"))) == 1


DAMAGED = {
    "history": f"SELECT number FROM event WHERE topic = '{TOPIC}' LIMIT 1 OFFSET 1",
    "retained": f"SELECT number FROM event WHERE topic = '{TOPIC}.b'",
}


def found_of(router: RouterProcess, name: str) -> list[Any]:
    """Return what is kept of one topic's history, or of the topics below it."""
    if name == "history":
        return kept(router)[0]
    found: list[Any] = []
    with wamplite.connect(router.rs) as session:
        options = {"get_retained": True, "match": "prefix"}
        session.subscribe(f"{TOPIC}.", found.append, options=options)
        session.subscribe("com.example.none", print)  # answered behind the events
        session.drain()
    return sorted(found)
