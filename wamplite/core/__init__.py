"""WAMP itself, and nothing of the world: pure functions and tables, no socket, thread or clock."""
