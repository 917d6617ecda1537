"""Report what a change does to the results, as a comment for a pull request.

    make pr-report BASE=main

The workspace is compared with a revision: whether the test log loss of each model changed by more
than its noise, which parameters and metrics differ, and plots. Continuous integration posts this
text.
"""

from preference.runtime.stop_signals import end_at_once_while_importing

end_at_once_while_importing()
