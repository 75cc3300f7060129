"""Bytes in, frames out: where one frame of a device ends and the next begins; pure."""
