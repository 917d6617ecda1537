"""Check that nothing is lost when a run of the pipeline is killed or disturbed.

make faults
"""

from preference.runtime.stop_signals import end_at_once_while_importing

end_at_once_while_importing()
