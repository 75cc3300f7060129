"""Run board.py, on MicroPython or CPython, until it has left or stdin ends.

    python drive.py STYLE tcp PORT             STYLE: run, or serve (in asyncio)
    python drive.py STYLE tls PORT CA          CA: a certificate in DER
    python drive.py STYLE line DEVICE

uwamp.py, what goes with it, and board.py must be found on the path.
"""

import sys
from select import POLLIN, poll

import uwamp
import uwamp_link
from board import Board

STYLE, KIND, TARGET = sys.argv[1:4]
ON_MICROPYTHON = sys.implementation.name == "micropython"


def context():
    """TLS that trusts the CA alone; MicroPython's unix port calls the module tls."""
    import tls as ssl

    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.verify_mode = ssl.CERT_REQUIRED
    with open(sys.argv[4], "rb") as file:
        made.load_verify_locations(file.read())
    return made


def context_of_cpython():
    import ssl

    with open(sys.argv[4], "rb") as file:
        return ssl.create_default_context(cadata=file.read())


class Line:
    """What machine.UART is on a board."""

    def __init__(self, device):
        import termios

        self._file = open(device, "r+b", buffering=0)  # noqa: SIM115 - as long as the program
        settings = termios.tcgetattr(self._file.fileno())
        settings[6][6] = 0  # VMIN: read gives what is there, which may be nothing
        termios.tcsetattr(self._file.fileno(), termios.TCSANOW, settings)

    def read(self, size):
        return self._file.read(size) or None

    def write(self, data):
        return self._file.write(data)


def link():
    if KIND == "line":
        from uwamp_serial import Serial

        return uwamp_link.Uart(Serial("realm1"), Line(TARGET))
    wamp = uwamp.RawSocket("realm1")
    if KIND == "tcp":
        return uwamp_link.Tcp(wamp, "127.0.0.1", int(TARGET))
    made = context() if ON_MICROPYTHON else context_of_cpython()
    return uwamp_link.Tcp(wamp, "localhost", int(TARGET), tls=made)


def main():
    here = link()
    here.first = 50
    board = Board(here.wamp)
    stdin = poll()
    stdin.register(sys.stdin, POLLIN)

    def work():
        board.work()
        if stdin.poll(0):
            sys.exit()

    if STYLE == "run":
        return here.run(work)
    import asyncio

    async def both():
        task = asyncio.create_task(here.serve())
        while not task.done():
            work()
            await asyncio.sleep(0.005)

    asyncio.run(both())


main()
print("left")
