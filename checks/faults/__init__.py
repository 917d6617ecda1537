"""Is anything lost when a run is killed, or something fails? The pipeline is run, and disturbed.

make faults
"""

from preference.runtime.stop_signals import end_at_once_while_importing

end_at_once_while_importing()
