"""The blocking client: connect() -> Session, and Component, the session that comes back."""
