"""Regular expressions of the operator's, which may not stop the ports that others read."""
