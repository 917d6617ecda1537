"""What training and prediction cost, beside the study's recipe and Hugging Face: `make bench`."""

from preference.runtime.stop_signals import end_at_once_while_importing

end_at_once_while_importing()
