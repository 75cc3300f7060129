"""Transports: bytes only, nothing of WAMP. Each file imports its own library and only that."""
