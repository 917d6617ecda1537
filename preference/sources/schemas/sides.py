"""Which of a preferred and a rejected answer is A.

Guarantees
1. The sides depend on the texts alone, and not on which answer is preferred: two votes on the same
   answers have them on the same sides.
2. Over many rows, A is preferred half of the time, and every run gives the same sides.
"""

from collections.abc import Sequence

from preference.sources.ids import number_content


def is_chosen_first(prompt: Sequence[str], chosen: Sequence[str], rejected: Sequence[str]) -> bool:
    """Return whether the chosen answer is A; all arguments are turns."""
    is_sorted = list(chosen) <= list(rejected)
    smaller, larger = (chosen, rejected) if is_sorted else (rejected, chosen)
    is_smaller_first = number_content([prompt, smaller, larger]) % 2 == 0
    return is_smaller_first == is_sorted
