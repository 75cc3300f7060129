"""The memory that a board needs, as docs/micro.md tells it: of a heap so large, and no larger.

MicroPython's unix port, of 32 bits as boards are, is given the heap (-X heapsize). In it the files
are imported, and a session joins, gets an event of its own and calls a procedure of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.micro.conftest import ran_on_micropython
from tests.processes import ROOT, RouterProcess
from tests.serial_cable import Cable
from wamplite.cli import micro

STEP = 2  # KB: with so much less it must fail, or the documentation says too much

SESSION = """
todo = ["event", "answer"]
started = []
wamp.report = lambda *_: None
wamp.subscribe("com.test.on", lambda value, unit: todo.remove("event"))
wamp.register("com.test.add", lambda a, b: a + b)

def work():
    if wamp.joined and not started:
        started.append(True)
        wamp.publish("com.test.on", 21.5, unit="C", options={"exclude_me": False})
        wamp.call("com.test.add", lambda sum, _: todo.remove("answer"), 2, 3)
"""
BY_HAND = """
from select import POLLIN, poll
import socket
line = socket.socket()
line.connect(socket.getaddrinfo("127.0.0.1", TARGET)[0][-1])
waiting = poll()
waiting.register(line, POLLIN)
wamp.open(0)
for now in range(0, 4000, 20):
    line.send(wamp.step(line.recv(512) if waiting.poll(20) else None, now))
    work()
    if not todo:
        break
"""
BY_LINK = """
for _ in range(200):
    link.poll(20)
    work()
    if not todo:
        break
"""
END = """
print(todo)
"""
PROGRAMS = {
    "uwamp": f"""
from uwamp import RawSocket
wamp = RawSocket("realm1")
{SESSION}{BY_HAND}{END}""",
    "uwamp_cra": f"""
from uwamp import RawSocket
import uwamp_cra
uwamp_cra.Signer("secret")("wampcra", dict(challenge="x" * 200, salt="y" * 16, iterations=100))
wamp = RawSocket("realm1")
{SESSION}{BY_HAND}{END}""",
    "uwamp_link": f"""
from uwamp import RawSocket
import uwamp_link
wamp = RawSocket("realm1")
link = uwamp_link.Tcp(wamp, "127.0.0.1", TARGET)
{SESSION}{BY_LINK}{END}""",
    "uwamp_serial": f"""
from uwamp_serial import Serial
wamp = Serial("realm1")
{SESSION}
import termios
line = open(TARGET, "r+b", buffering=0)
settings = termios.tcgetattr(line.fileno())
settings[6][5:7] = 0, 0
termios.tcsetattr(line.fileno(), termios.TCSANOW, settings)
from time import sleep_ms
wamp.open(0)
for now in range(0, 4000, 20):
    line.write(wamp.step(line.read(128), now))
    work()
    if not todo:
        break
    sleep_ms(20)
{END}""",
}


def told() -> list[tuple[str, str, int]]:
    """Return what the documentation says that a board needs: (file, py or mpy, KB)."""
    text = (ROOT / "docs" / "micro.md").read_text()
    rows = re.findall(r"^\| `(\w+)\.py`.*\| (\d+) KB \| (\d+) KB \|$", text, re.M)
    return [
        (name, kind, int(number))
        for name, *numbers in rows
        for kind, number in zip(("py", "mpy"), numbers, strict=True)
    ]


def test_the_documentation_tells_of_every_file() -> None:
    assert {name for name, _, _ in told()} == set(micro.FILES) == set(PROGRAMS)


@pytest.mark.sampled
@pytest.mark.parametrize(("name", "kind", "number"), told())
def test_a_session_needs_the_memory_that_the_documentation_says(
    both: dict[str, Path],
    start_router: Callable[..., RouterProcess],
    cable: Cable,
    name: str,
    kind: str,
    number: int,
) -> None:
    router = start_router(listen=["tcp://127.0.0.1:0", cable.host_url])
    target = repr(cable.device if name == "uwamp_serial" else router.port)
    assert has_a_session(both[kind], name, target, number)
    assert not has_a_session(both[kind], name, target, number - STEP)


def has_a_session(directory: Path, name: str, target: str, number: int) -> bool:
    """Run a session in a heap of so many KB; False: it is too small."""
    program = PROGRAMS[name].replace("TARGET", target)
    (directory / f"{name}_main.py").write_text(program)
    done = ran_on_micropython(directory, "-X", f"heapsize={number}k", f"{directory}/{name}_main.py")
    return done.stdout.endswith("[]\n")
