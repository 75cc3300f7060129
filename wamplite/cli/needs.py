"""What a verb needs of the router: where it is lacking, the error names the feature.

Options that a router does not know are ignored (RFC "Feature Announcement"), so a verb whose
meaning is in such an option asks first. Procedures of the meta APIs are answered by nobody.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..core import uris
from ..core.errors import ApplicationError, NoSuchProcedure
from ..core.feature import lacking
from ..core.grammar import announces

if TYPE_CHECKING:
    from ..client.session import Session


def require(session: Session, role: str, feature: str) -> None:
    """Raise ApplicationError where the router does not announce a feature for its role."""
    if not announces(session.details["roles"], role, feature):
        raise ApplicationError(uris.FEATURE_NOT_SUPPORTED, f"the router: {lacking(feature)}")


@contextlib.contextmanager
def procedures_of(feature: str) -> Iterator[None]:
    """Tell of the feature where the router has none of the procedures that are called."""
    try:
        yield
    except NoSuchProcedure as error:
        raise NoSuchProcedure(error.error, f"the router: {lacking(feature)}") from None
