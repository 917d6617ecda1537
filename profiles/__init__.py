"""Profiles, files of changes to params.yaml, and the command that runs one."""

from preference.runtime.stop_signals import end_at_once_while_importing

end_at_once_while_importing()
