"""TLS as a stream: an SSLObject over two MemoryBIOs, so that threads may share it.

OpenSSL must not be entered by two threads at once (a crash, not an error, is what comes of it), and
a thread that waits inside it would keep the others out. Hence every OpenSSL call is made under the
outbox lock and none of them touches the socket:

    recv   outside the lock, then under it: feed the incoming BIO, read it empty, and move what
           OpenSSL answers from the outgoing BIO into the outbox
    write  under the lock: encrypt a chunk, write it; entries behind a chunk that the kernel did
           not take stay plain, so that they can still be dropped
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from ..core.errors import TransportLost, UsageError
from .base import HandshakeRefused
from .certificates import UNKNOWN, fingerprints, normal, of_pem
from .channel_bindings import channel_bindings
from .cipher_outbox import CipherOutbox
from .socket_stream import _FLAGS, SocketStream
from .stream import MOST_RECEIVE

HANDSHAKE, RAWSOCKET = 0x16, 0x7F  # the first byte of a TLS handshake, of a RawSocket one
PLAIN_HTTP = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n"
    b"Content-Length: %d\r\nConnection: close\r\n\r\n%s\n"
)
PLAIN = ": what answered speaks no TLS; is it ws:// or rs://?"
RECORD = 16384  # bytes; a TLS record holds no more


class TlsOptions(NamedTuple):
    """How a client trusts and shows itself: CA file, verification, its own certificate.

    fingerprint: the router must show a certificate with this SHA-256, its own or its public key's,
    before anything is sent; without a cafile that is all that it is known by.
    """

    cafile: str | None = None
    verify: bool = True
    certfile: str | None = None
    keyfile: str | None = None
    fingerprint: str | None = None


class ServerContext(ssl.SSLContext):
    """A context that knows the certificate which it shows, in DER."""

    certificate: bytes | None = None


def server_context(cert: str, key: str | None = None, ca: str | None = None) -> ServerContext:
    """Return a context for a listener: TLS 1.2 or later, no renegotiation.

    ca: a file of those who sign the certificates of clients, which may show one then, or none.
    """
    context = ServerContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.num_tickets = 0  # unread by a client that closes at once, they would reset it
    _load(context, cert, key)
    if ca is not None:
        try:
            context.load_verify_locations(ca)
        except (OSError, ssl.SSLError) as exc:
            raise UsageError(
                f"cannot load the CA certificates of {ca}: {exc.strerror or exc}"
            ) from exc
        context.verify_mode = ssl.CERT_OPTIONAL
    context.certificate = of_pem(Path(cert).read_text(errors="replace"))
    return context


def client_context(
    cafile: str | None = None,
    verify: bool = True,
    certfile: str | None = None,
    keyfile: str | None = None,
    fingerprint: str | None = None,
) -> ssl.SSLContext:
    """Return a context for a client, who verifies certificate and host name unless told not to.

    With a fingerprint, which the stream checks, it does so only against a cafile.
    """
    if verify and not (fingerprint and cafile is None):
        try:
            context = ssl.create_default_context(cafile=cafile)
        except (OSError, ssl.SSLError) as exc:
            raise UsageError(
                f"cannot load the CA certificates of {cafile}: {exc.strerror or exc}"
            ) from exc
    else:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if certfile is not None:
        _load(context, certfile, keyfile)
    return context


def _load(context: ssl.SSLContext, cert: str, key: str | None) -> None:
    try:
        context.load_cert_chain(cert, key, password="")  # never ask on a terminal
    except (OSError, ssl.SSLError) as exc:
        names = f"{cert} and {key}" if key else f"{cert} alone"
        text = f"cannot load certificate and private key from {names}: {exc.strerror or exc}"
        raise UsageError(text) from exc


class TlsFacts(NamedTuple):
    """What TLS has found out: for those who authenticate by it."""

    version: str  # "TLSv1.3"
    cipher: str
    certificate: bytes | None  # of the peer, in DER; None: it was not asked for one, or has none
    subject: Mapping[str, Any]  # what that says, where it was verified: ssl.SSLSocket.getpeercert
    bindings: Mapping[str, bytes]  # by type, see channel_bindings


class TlsStream(SocketStream):
    """A stream whose bytes are encrypted; `handshake` comes first, in the thread that reads."""

    __slots__ = (
        "_eof",
        "_fingerprint",
        "_goodbye",
        "_incoming",
        "_outgoing",
        "_serves",
        "_tls",
        "_unread",
    )

    chunk = 1 << 16  # bytes encrypted at a time
    is_plain = False  # a record may come in pieces

    def __init__(
        self,
        sock: socket.socket,
        context: ssl.SSLContext,
        *,
        server_side: bool = False,
        hostname: str | None = None,
        fingerprint: str | None = None,
    ) -> None:
        super().__init__(sock)
        self._fingerprint = None if fingerprint is None else normal(fingerprint)
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side, hostname)
        self._serves = server_side
        self._outbox: CipherOutbox = CipherOutbox()
        self._eof = False  # the peer said close_notify
        self._unread = True  # the handshake's last recv may hold more than the handshake
        self._goodbye = False  # we said close_notify

    @property
    def tls(self) -> TlsFacts:
        """Return the facts, once hands are shaken and until it is closed."""
        with self.lock:
            tls = self._tls
            cipher, certificate = tls.cipher(), tls.getpeercert(True)
            shown = getattr(tls.context, "certificate", None) if self._serves else certificate
            bindings = channel_bindings(tls, shown)
            subject = tls.getpeercert() or {}
            version = tls.version() or ""
        return TlsFacts(version, cipher[0] if cipher else "", certificate, subject, bindings)

    def handshake(self, deadline: float | None = None) -> None:
        """Shake hands; TimeoutError at `deadline`, a `time.monotonic()`. Raises TransportLost."""
        first = self._serves
        while not self._advance():
            if deadline is not None:
                self.limit_wait(deadline)
            data = super().recv(RECORD)
            if not data:
                self.shutdown("the peer closed the connection during the TLS handshake")
                raise self.ended()
            if first and data[0] != HANDSHAKE:
                raise self._refuse(data)
            first = False
            with self.lock:
                self._incoming.write(data)
        if deadline is not None:
            self.set_receive_timeout(None)

    def _refuse(self, data: bytes) -> HandshakeRefused:
        """Send somebody away who speaks without TLS, in HTTP where they do."""
        if data[:1].isalpha():
            text = "plain HTTP on a TLS port: is it wss:// (https://)?"
            with suppress(OSError):  # it is more than our duty
                self._sock.send(PLAIN_HTTP % (len(text) + 1, text.encode()), _FLAGS)
        elif data[0] == RAWSOCKET:
            text = "RawSocket without TLS on a TLS port: is it rss://?"
        else:
            text = f"no TLS on a TLS port: it begins with {data[:8].hex(' ')}"
        self.shutdown(text)
        return HandshakeRefused(f"{self.peer}: {text}", "plain_on_tls")

    def recv(self, size: int = MOST_RECEIVE) -> bytes:
        if self._unread:
            self._unread = False
            if plain := self._take(b""):
                return plain
        while not self._eof:
            data = super().recv(size)
            if not data:
                break
            if plain := self._take(data):
                return plain
        return b""

    def _advance(self) -> bool:
        with self.lock:
            try:
                self._tls.do_handshake()
                done = True
            except ssl.SSLWantReadError:
                done = False
            except ssl.SSLError as exc:
                raise self._broken("TLS handshake", exc) from exc
            if done and self._fingerprint is not None:
                self._check_fingerprint()
            self._collect()
        return done

    def _check_fingerprint(self) -> None:
        """End the stream where the peer's certificate is another one; nothing was sent since."""
        try:
            found = fingerprints(self._tls.getpeercert(True) or b"")
        except ValueError as exc:
            self._lose(f"TLS: {exc}")
            raise self.ended() from exc
        if self._fingerprint not in found:
            shown = "its certificate has the fingerprint {}, its key {}".format(*found)
            self._lose(f"TLS: {shown}, expected {self._fingerprint}{UNKNOWN}")
            raise self.ended()

    def _take(self, data: bytes) -> bytes:
        """Feed one recv and return all that it decrypts to."""
        with self.lock:
            if self._ended:
                return b""
            self._incoming.write(data)
            plain = self._decrypt()
            self._collect()
            left = self.left
        if left:
            self._tell_left()
        return plain

    # Under the lock

    def _decrypt(self) -> bytes:
        parts = []
        try:
            while part := self._tls.read(RECORD):
                parts.append(part)
            self._eof = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:  # both sides said close_notify
            self._eof = True
        except ssl.SSLError as exc:
            raise self._broken("TLS", exc) from exc
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _broken(self, what: str, exc: ssl.SSLError) -> TransportLost:
        """End the stream, the alert first."""
        self._collect()
        reason = getattr(exc, "verify_message", None) or (exc.reason or str(exc)).lower()
        hint = PLAIN if exc.reason == "WRONG_VERSION_NUMBER" and not self._serves else ""
        self._lose(f"{what}: {reason.replace('_', ' ')}{hint}")
        return self.ended()

    def _collect(self) -> None:
        """Move what OpenSSL wants sent into the outbox, and write it."""
        if self._outgoing.pending:
            self._outbox.add_cipher(self._outgoing.read())
            self._push()

    def _begin(self, entries: Sequence[bytes], droppable: bool) -> None:
        self._outbox.put(entries, droppable)
        self._push()

    def _gather(self) -> bytes | memoryview:
        outbox = self._outbox
        if not outbox.cipher:
            try:
                taken = self._tls.write(outbox.next(self.chunk)[: self.chunk])
            except ssl.SSLError as exc:
                self._lose(f"TLS: {exc.reason or exc}")
            else:
                outbox.encrypted(taken, self._outgoing.read())
        return outbox.cipher

    def _end_if_finishing(self) -> None:
        if self._finishing and not self._goodbye:
            self._goodbye = True
            with suppress(ssl.SSLError):  # wants the peer's, which `recv` will find
                self._tls.unwrap()
            self._collect()
        if not self.left:
            super()._end_if_finishing()

    def _close(self) -> None:
        """Free what OpenSSL holds: 76 KB, and a session may wait for the collector."""
        super()._close()
        del self._tls, self._incoming, self._outgoing
