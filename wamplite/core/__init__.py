"""WAMP itself, and nothing of the world: pure functions and tables, without socket, thread, clock or logging."""
