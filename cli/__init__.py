"""The command line: each command is a few calls of the Python API."""
