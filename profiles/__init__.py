"""Profiles beside params.yaml, and the command that runs one: `python -m profiles NAME`."""

from preference.runtime.stop_signals import end_at_once_while_importing

end_at_once_while_importing()
