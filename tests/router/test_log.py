"""What peers can make the router's process log: not much, and nothing that looks like ours."""

from __future__ import annotations

import time

from tests.processes import RouterProcess
from wamplite.transports.rawsocket_frames import frame

from .conftest import ROLES, Wire


def test_a_flood_of_bad_joins_does_not_flood_the_log(router_process: RouterProcess) -> None:
    begun = time.monotonic()
    evil = "\x1b]0;owned\x07\r\nINFO forged: line " + "x" * 5000
    for _ in range(150):
        wire = Wire(router_process.rs)
        wire.send(1, evil, {"roles": ROLES})
        assert wire.receive()[0] == 3
        wire.stream.finish()
        assert wire.rest() == []
        wire.close()
    Wire(router_process.rs).join().close()
    router_process.await_stderr("did not join")
    lines = router_process.stderr().splitlines()
    told = [line for line in lines if "did not join" in line]
    assert len(told) <= 10 * (time.monotonic() - begun + 2)
    assert all(line.isprintable() and len(line) <= 500 for line in lines)
    assert not any(line.startswith("INFO forged") for line in lines)


def test_payloads_are_not_logged(router_process: RouterProcess) -> None:
    wire = Wire(router_process.rs).join()
    secret = "correct horse battery staple"
    wire.send(16, 1, {"acknowledge": True}, "com.topic", [secret])
    assert wire.receive()[0] == 17
    wire.stream.write([frame(b"\x93" + secret.encode())])
    assert [array[0] for array in wire.rest()] == [3]
    wire.close()
    router_process.await_stderr("octets follow the message")
    assert secret not in router_process.stderr()
