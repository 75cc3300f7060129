"""The recipe for modems, asked of one that echoes, lists, refuses, and waits for a text."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import wamplite
from tests.bridge.responder import Responder
from tests.processes import ROOT, RouterProcess
from tests.waiting import until
from wamplite.bridge import Bridge
from wamplite.bridge.configuration.tables import from_file

RECIPE = ROOT / "examples" / "bridge" / "modem.toml"
LISTED = b'+CMGL: 1,"REC READ","+4312",,"26/11/27"\r\nHello\r\n+CMGL: 2,"REC READ","+43"\r\nYes\r\n'
ANSWERS = {
    b"AT+CMGF=1": b"\r\nOK\r\n",
    b"AT+CSQ": b"\r\n+CSQ: 17,99\r\n\r\nOK\r\n",
    b'AT+CMGL="ALL"': LISTED + b"\r\nOK\r\n",
    b'AT+CMGS="+43123"': b"\r\n> ",
    b"Hello\x1a": b"\r\n+CMGS: 7\r\n\r\nOK\r\n",
}
UNASKED = {
    b"AT+CSQ": b'\r\n+CMTI: "SM",3\r\n',
    b'AT+CMGL="ALL"': b'\r\n+CMTI: "SM",4\r\n',
    b"Hello\x1a": b'\r\n+CMTI: "SM",5\r\n',
}


class Modem(Responder):
    """Echoes, and answers; between the echo and the answer it tells something unasked."""

    _rest = b""

    def heard(self, data: bytes) -> None:
        *lines, self._rest = re.split(rb"(?<=[\r\x1a])", self._rest + data)
        for line in lines:
            command = line.rstrip(b"\r")
            self.asked.append(command)
            self.write(line.rstrip(b"\x1a"))
            self.write(UNASKED.get(command, b""))
            self.write(ANSWERS.get(command, b"\r\n+CMS ERROR: 304\r\n"))


@pytest.mark.parametrize("number", ["+43123", "nobody"])
def test_a_modem_is_asked_and_sends(
    tmp_path: Path, router_process: RouterProcess, number: str
) -> None:
    told: list[Any] = []
    unasked: list[str] = []
    with Modem(tmp_path) as modem, wamplite.connect(router_process.rs) as session:
        text = re.sub("(?m)^device = .*", f'device = "{modem.path}"', RECIPE.read_text())
        text = re.sub("(?m)^url = .*", f'url = "{router_process.rs}"', text)
        (tmp_path / "modem.toml").write_text(text)
        session.subscribe("home.modem.signal", lambda signal, **_: told.append(signal))
        session.subscribe("home.modem.told", lambda text, **_: unasked.append(text))
        bridge = Bridge(from_file(tmp_path / "modem.toml"))
        bridge.start()
        try:
            until(lambda: told == [17], "polled")
            assert modem.asked == [b"AT+CMGF=1", b"AT+CSQ"]
            until(lambda: session.call("wamp.registration.lookup", "home.modem.send"), "there")
            assert session.call("home.modem.messages") == LISTED.decode().replace("\r\n", "\n")
            if number == "nobody":
                with pytest.raises(wamplite.ApplicationError, match="refused.*CMS ERROR: 304"):
                    session.call("home.modem.send", "Hello", number=number)
            else:
                assert session.call("home.modem.send", "Hello", number=number) == "7"
                assert modem.asked[-1] == b"Hello\x1a"
            numbers = [3, 4] if number == "nobody" else [3, 4, 5]
            wanted = [f'+CMTI: "SM",{one}' for one in numbers]
            until(lambda: unasked == wanted, lambda: f"told: {unasked}")
        finally:
            bridge.stop()
