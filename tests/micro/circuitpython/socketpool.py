"""CircuitPython's socketpool, as much of it as a client needs, on the sockets of this Python.

A socket has connect, recv_into, send, settimeout and close: no recv, read or write, and no number
that select.poll would take.
"""

import errno
import socket


class Socket:
    def __init__(self, family, kind):
        self._own = socket.socket(family, kind)

    def connect(self, address):
        self._own.connect(socket.getaddrinfo(*address)[0][-1])

    def settimeout(self, value):
        self._own.settimeout(value)

    def recv_into(self, buffer, bufsize=0):
        data = self._own.recv(bufsize or len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def send(self, data):
        return self._own.send(data)

    def close(self):
        self._own.close()


class SocketPool:
    AF_INET = socket.AF_INET
    SOCK_STREAM = socket.SOCK_STREAM

    def __init__(self, radio):
        if not radio.connected:
            raise OSError(errno.ENOTCONN)

    def socket(self, family=AF_INET, kind=SOCK_STREAM):
        return Socket(family, kind)
