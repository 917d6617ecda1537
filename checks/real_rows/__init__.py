"""Compare the references on a file of real votes by grouped cross-validation.

make real-rows FILE=votes.csv
"""

from preference.runtime.stop_signals import end_at_once_while_importing

end_at_once_while_importing()
