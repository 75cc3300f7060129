"""Events that wait for the router, bounded, in memory or in a file."""
