"""Compare the cost of training and prediction with other implementations: `make bench`."""

from preference.runtime.stop_signals import end_at_once_while_importing

end_at_once_while_importing()
