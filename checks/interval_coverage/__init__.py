"""Check by simulation the coverage of intervals and the false alarm rate of tests.

make coverage
"""

from preference.runtime.stop_signals import end_at_once_while_importing

end_at_once_while_importing()
