"""What a change does to the results, as one comment for a pull request.

    make pr-report BASE=main

The workspace is compared with a revision: whether each model's test log loss changed by more than
its noise, which parameters and metrics differ, and plots. Continuous integration posts the same
text that is written here.
"""

from preference.runtime.stop_signals import end_at_once_while_importing

end_at_once_while_importing()
