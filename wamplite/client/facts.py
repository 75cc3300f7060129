"""What a session is, beside what it can do."""

from __future__ import annotations

import threading
from typing import Any

from ..core.errors import WampliteError
from ..forks import OfOneProcess
from ..locks import Latch
from .extensions import Extended
from .serving import Serving
from .shared_conversation import SharedConversation


class Facts(Extended, OfOneProcess):
    """The facts of a joined session."""

    _shared: SharedConversation
    _serving: Serving
    realm: str
    lost: Latch

    @property
    def id(self) -> int:
        """The session's id."""
        return self._shared.conversation.session

    @property
    def details(self) -> dict[str, Any]:
        """WELCOME.Details, as the router sent them."""
        return self._shared.conversation.details

    @property
    def authid(self) -> str | None:
        """Who the router says we are."""
        return self.details.get("authid")

    @property
    def authrole(self) -> str | None:
        """The role the router gave us."""
        return self.details.get("authrole")

    @property
    def authmethod(self) -> str | None:
        """How the router made sure."""
        return self.details.get("authmethod")

    @property
    def error(self) -> WampliteError | None:
        """Why the session was lost; None while it lives, and when we left."""
        return self._shared.error

    @property
    def in_handler(self) -> bool:
        """Whether the current thread runs a handler of this session."""
        return threading.current_thread() in self._serving.threads()

    def __repr__(self) -> str:
        ended = ", ended" if self.lost.is_set() else ""
        return f"<Session {self.id} in {self.realm}{ended}>"
