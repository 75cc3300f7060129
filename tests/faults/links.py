"""Networks that go away, in a network namespace of their own.

    unshare -Urn python -m tests.faults.links SCENARIO SECONDS

It prints `survived` and ends with 0, or says what was lost. Sessions over a Unix socket, which no
network carries, look on.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

import wamplite
from tests.faults.sessions import Stopwatch, open_session
from tests.processes import RouterProcess, running_router
from tests.waiting import until

ROUTER, BEFORE, AFTER = "10.9.0.1", "10.9.0.5", "10.9.0.6"


def ip(words: str) -> None:
    subprocess.run(["ip", *words.split()], check=True)


def count(witness: wamplite.Session) -> int:
    return int(witness.call("wamp.session.count"))


def interface_down(router: RouterProcess, witness: wamplite.Session, seconds: float) -> None:
    """Take the interface down for so long: dead sessions must be gone, and come back after it."""
    interval = seconds / 3  # of pings; gone after two of them
    url = router.rs
    options = {"ping_interval": interval, "initial_retry_delay": 0.2, "max_retry_delay": 1.0}
    services = [wamplite.Component(url if at % 2 else router.ws, **options) for at in range(4)]
    for at, service in enumerate(services):
        service.register(f"faults.link.n{at}", lambda at=at: at)
        service.start()
    until(lambda: all(service.session for service in services))
    before = count(witness)
    ip("link set lo down")
    watch = Stopwatch()
    until(lambda: count(witness) == before - 4, "the dead sessions are gone", seconds)
    until(lambda: not any(service.session for service in services), "clients notice", seconds)
    time.sleep(max(0.0, seconds - watch.seconds))
    ip("link set lo up")
    for service in services:
        service.wait_joined(seconds + 20)  # with what it serves
    for at in range(4):
        assert witness.call(f"faults.link.n{at}") == at
    for service in services:
        service.stop()


def new_address(router: RouterProcess, witness: wamplite.Session, seconds: float) -> None:
    """Give the client's host another address: its session ends, and it comes back from there."""
    interval = seconds / 3
    url = f"rs://{ROUTER}:{router.port}"
    options = {"ping_interval": interval, "initial_retry_delay": 0.2, "connect_timeout": 2.0}
    service = wamplite.Component(url, max_retry_delay=1.0, **options)
    service.register("faults.link.moved", lambda: "here")
    service.start()
    until(lambda: service.session is not None)
    router.await_stderr(f"{BEFORE}:")
    ip(f"addr del {BEFORE}/32 dev lo")
    ip(f"addr add {AFTER}/32 dev lo")
    ip(f"route replace local {ROUTER} dev lo src {AFTER} table local")
    first = service.session
    until(lambda: service.session not in (None, first), "it comes back", 3 * seconds + 20)
    router.await_stderr(f"{AFTER}:")  # the log is written by a thread of its own
    until(lambda: is_answered(witness), "its procedure is there again", 3 * seconds + 20)
    service.stop()


def is_answered(witness: wamplite.Session) -> bool:
    try:
        return bool(witness.call("faults.link.moved", options={"timeout": 1.0}) == "here")
    except wamplite.ApplicationError:
        return False


SCENARIOS: dict[str, Callable[[RouterProcess, wamplite.Session, float], None]] = {
    "interface_down": interface_down,
    "new_address": new_address,
}


def main() -> None:
    """Run a scenario."""
    name, seconds = sys.argv[1], float(sys.argv[2])
    ip("link set lo up")
    for address in (ROUTER, BEFORE):
        ip(f"addr add {address}/32 dev lo")
    ip(f"route replace local {ROUTER} dev lo src {BEFORE} table local")
    with tempfile.TemporaryDirectory() as folder:
        listen = ["tcp://0.0.0.0:0", f"unix://{folder}/socket"]
        options = ("--ping-interval", str(seconds / 3), "--allow-anonymous-network")
        with (
            running_router(*options, listen=listen) as router,
            wamplite.connect(f"unix://{folder}/socket") as witness,
        ):
            SCENARIOS[name](router, witness, seconds)
            fresh = open_session(router.port, "rs-json")
            assert fresh.is_served()
            fresh.close()
    print("survived")


if __name__ == "__main__":
    main()
