"""Do the pipeline's intervals cover the truth, and its test call chance real? A simulated study.

make coverage
"""

from preference.runtime.stop_signals import end_at_once_while_importing

end_at_once_while_importing()
