"""Predict which of two chatbot answers a person prefers: the library behind the DVC stages."""

from preference.runtime.stop_signals import end_at_once_while_importing

end_at_once_while_importing()
