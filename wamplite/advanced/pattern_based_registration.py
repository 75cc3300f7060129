"""`REGISTER.Options.match`: prefix and wildcard (RFC "Pattern-based Registrations").

Announced by dealer and callee. A CALL goes to one registration: the exact one, else that of the
longest prefix, else that of the wildcard whose leading components say most. Where the match was by
pattern, `INVOCATION.Details.procedure` tells what was called. A prefix is a plain string prefix.
"""

from __future__ import annotations

from typing import Any

from ..core.feature import Feature, Host
from ..core.matching import PrefixMatch, WildcardMatch


class ForRouter(Feature):
    name = "pattern_based_registration"
    status = "stable"
    roles = ("dealer",)

    def install(self, host: Host) -> None:
        host.dealer.matches.install(PrefixMatch(_procedure))
        host.dealer.matches.install(WildcardMatch(_procedure))


class ForClient(Feature):
    name = "pattern_based_registration"
    roles = ("callee",)

    def install(self, host: Host) -> None:
        """Nothing to add: REGISTER carries the option, INVOCATION the procedure."""


def _procedure(pending: Host) -> dict[str, Any]:
    return {"procedure": pending.procedure}
