"""The version of wamplite, for whatever tells it: the command line, HELLO, the packaging."""

__version__ = "0.1.0"
MADE = 1_767_225_600.0  # UTC seconds of 2026-01-01: whatever clock shows less is wrong
