"""tls: a certificate that somebody shows tells who it is (RFC "TLS Certificate Authentication").

The listener trusts whoever has signed it, and TLS has proven that the peer has its key. Whom a
certificate stands for says the router alone, by what a user has in `certificates`:

    sha256:ab12...                      this very certificate
    dns:pi.local, email:joe@x, uri:...  a subjectAltName of it
    cn:joe                              the common name of its subject

Where no certificate was shown the next of the methods that HELLO offers has its turn.
"""

from __future__ import annotations

import hashlib
from typing import Any

from ..core.handshake import AuthMethod, ClientDialogue, ClientMethod, Joining
from ..core.members import Identity
from ..core.messages import Hello
from .users import Users, claim_of, denied

ALTERNATIVES = {"DNS": "dns", "email": "email", "URI": "uri", "IP Address": "ip"}


class ClientCertificate:
    """The client's side: the certificate is that of `tls=TlsOptions(certfile=..., keyfile=...)`."""

    def __init__(self, authid: str | None = None) -> None:
        self.authid = authid

    def methods(self, tls: Any) -> dict[str, ClientMethod]:
        """Return how it is begun; see client.terms.Auth."""
        return {"tls": self._prove}

    def _prove(self) -> ClientDialogue:
        yield {}


def names_of(tls: Any) -> list[str]:
    """Return all that a certificate may be known by, the most exact first; none unverified."""
    if tls is None or not tls.certificate or not tls.subject:
        return []
    found = ["sha256:" + hashlib.sha256(tls.certificate).hexdigest()]
    for kind, name in tls.subject.get("subjectAltName", ()):
        if kind in ALTERNATIVES:
            found.append(f"{ALTERNATIVES[kind]}:{name}")
    for part in tls.subject.get("subject", ()):
        found += [f"cn:{name}" for kind, name in part if kind == "commonName"]
    return found


def for_router(users: Users, name: str) -> AuthMethod:
    """Return the router's side."""

    def know(hello: Hello, joining: Joining) -> Identity | None:
        names = names_of(joining.tls)
        if not names:
            return None
        claim = claim_of(hello, joining, name, needs_authid=False)
        user = users.with_certificate(claim, names)
        if user is None:
            raise denied()
        return user.identity(name)

    return know
