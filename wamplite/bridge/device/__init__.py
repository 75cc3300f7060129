"""Devices: opened, read, lost, opened again; their names, and what holds them."""
