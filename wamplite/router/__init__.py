"""The router: listeners, a thread per connection, delivery, bounds, shutdown."""

from .router import Router

__all__ = ["Router"]
