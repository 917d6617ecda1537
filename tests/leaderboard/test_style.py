"""The counts of style, by hand."""

import numpy as np

from preference.leaderboard.style import STYLE, count_style, style_differences

TEXT = """# Title
**bold** and __also__
1. one
- two
  * three
## Again
```
# a comment
- not a list
**not bold**
```
"""


def test_style_is_counted_outside_of_code():
    counts = dict(zip(STYLE, count_style([TEXT, "* four", ""]), strict=True))
    length = len(TEXT) + 1 + len("* four") + 1
    assert counts == {"length": length, "headers": 2, "bold": 2, "lists": 4}
    assert count_style([""]) == (0, 0, 0, 0)


def test_differences_are_relative_and_change_their_sign_with_the_sides():
    first, second = (
        np.array([[30, 0, 1, 2], [10, 0, 0, 2]]),
        np.array([[10, 0, 0, 2], [30, 0, 0, 0]]),
    )
    differences = style_differences(first, second)
    relative = np.array([[0.5, 0, 1, 0], [-0.5, 0, 0, 1]])
    deviations = relative.std(axis=0)
    np.testing.assert_allclose(differences, relative / np.where(deviations, deviations, 1))
    np.testing.assert_allclose(style_differences(second, first), -differences)
