"""What those who come to a listener may prove themselves by: of a realm's authmethods, which.

A listener may name them (`auth`). Where it does not, all are offered that are safe there: beyond
loopback not `ticket`, `cookie` and `pairing` outside TLS, which tell everybody on the way what
lets in, and not `anonymous`, unless that was allowed. A realm that has nothing left cannot be
joined there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from ..core.errors import UsageError
from ..core.handshake import OPEN, AuthMethod

Methods = Mapping[str, AuthMethod]
ANONYMOUS, TICKET = "anonymous", "ticket"
WITHIN_TLS = ("cookie", "pairing")


class Access(NamedTuple):
    """The rule of one listener.

    own: its methods, whatever the realm; None: those of the realm. names: which of them; None: all
    that are safe. is_near: only this machine can connect; is_proxied: proxies of it do, for others.
    """

    own: Methods | None = None
    names: tuple[str, ...] | None = None
    is_near: bool = True
    is_secure: bool = False
    allow_anonymous: bool = False
    is_proxied: bool = False

    def offered(self, realms: Methods | None) -> dict[str, AuthMethod]:
        """Return what is offered here, of what a realm has; None: nobody has to say who they are.

        In the order of `names`, else in that of the realm.
        """
        methods = self.own if self.own is not None else OPEN if realms is None else realms
        names = methods if self.names is None else self.names
        return {name: methods[name] for name in names if name in methods and self._fits(name)}

    def left_out(self, realms: Methods | None) -> list[str]:
        """Return what a realm has that is not safe here, and was not asked for."""
        methods = self.own if self.own is not None else OPEN if realms is None else realms
        names = methods if self.names is None else self.names
        return [name for name in names if name in methods and not self._fits(name)]

    @property
    def shows_tickets(self) -> bool:
        """Tell whether tickets are asked for where everybody on the way can read them."""
        asked = self.names if self.names is not None else self.own
        return TICKET in (asked or ()) and not (self.is_near or self.is_secure)

    def _fits(self, name: str) -> bool:
        if name == ANONYMOUS:
            return self.allow_anonymous or (self.is_near and not self.is_proxied)
        if self.is_near:
            return True
        if name in WITHIN_TLS:
            return self.is_secure
        return name != TICKET or self.is_secure or self.shows_tickets

    def check(self, url: str, realms: Iterable[Methods | None]) -> None:
        """Raise UsageError where nobody could join any of these realms, or anybody from afar."""
        if ANONYMOUS in (self.names or ()) and not self._fits(ANONYMOUS):
            raise UsageError(_open(url))
        several = list(realms)
        if not several or any(self.offered(methods) for methods in several):
            return
        if any(ANONYMOUS in self.left_out(methods) for methods in several):
            raise UsageError(_open(url))
        there = sorted({name for methods in several for name in methods or OPEN})
        wanted = ", ".join(self.names or ()) or "what is safe there"
        raise UsageError(
            f"{url}: nobody could join: it offers {wanted}, and the realms have {', '.join(there)}"
        )


def _open(url: str) -> str:
    return (
        f"{url} can be reached from the network, and nobody has to say who they are;"
        " listen on 127.0.0.1, or allow it by allow_anonymous_network=True, which is"
        " --allow-anonymous-network of the command line"
    )
