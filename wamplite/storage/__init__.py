"""What the router keeps in files: SQLite, written by threads that nobody waits for."""
