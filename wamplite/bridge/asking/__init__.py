"""Requests to the device, one at a time: calls, events, polls, Modbus."""
