"""WAMP for microcontrollers: uwamp.py, one file to be copied to the board."""
