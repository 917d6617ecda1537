"""Profiles beside params.yaml, and the command that runs one: `python -m profiles NAME`."""
