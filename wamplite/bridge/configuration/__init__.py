"""The settings of a bridge from a file, or from a script."""
