"""The version of wamplite, for whatever tells it: the command line, HELLO, the packaging."""

__version__ = "0.1.0"
