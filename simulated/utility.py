"""What the simulated people prefer: a utility of each answer, and Davidson's model of the choice.

Davidson (1970), "On extending the Bradley-Terry model to accommodate ties in paired comparison
experiments": with worths a = exp(u_a) and b = exp(u_b), P(A) : P(B) : P(tie) = a : b : nu sqrt(ab).
A position bias is added to the log odds of A over B.
"""

from dataclasses import dataclass

import numpy as np

LENGTH, FORMAT, TONE, REFUSAL = 0.7, 0.5, 1.5, -2.5
RELEVANT, CORRECT, FOLLOWED = 2.0, 0.8, 2.2

# Chosen so that the shares of A, B and tie are the real set's: 34.9, 34.2 and 30.9 %.
TIE_WORTH = 1.5
POSITION_BIAS = 0.03


@dataclass(frozen=True)
class Answers:
    """What decides the worth of each answer: arrays of shape (battles, 2), side A first.

    `length` is in standard deviations of its logarithm, `tone` is -1, 0 or 1, the rest is boolean;
    `formatted` says that the answer is a list of points. `relevant`, `correct` and `followed` are
    the agreement with the prompt.
    """

    length: np.ndarray
    formatted: np.ndarray
    tone: np.ndarray
    refused: np.ndarray
    relevant: np.ndarray
    correct: np.ndarray
    followed: np.ndarray


def surface_utility(answers: Answers) -> np.ndarray:
    """Return the worth that shows in the answer alone, (battles, 2)."""
    return (
        LENGTH * answers.length
        + FORMAT * answers.formatted
        + TONE * answers.tone
        + REFUSAL * answers.refused
    )


def agreement_utility(answers: Answers) -> np.ndarray:
    """Return the worth that shows only when prompt and answer are read together, (battles, 2)."""
    return RELEVANT * answers.relevant + CORRECT * answers.correct + FOLLOWED * answers.followed


def preference_probabilities(utility: np.ndarray) -> np.ndarray:
    """Return P(A wins), P(B wins), P(tie), (battles, 3), from utilities (battles, 2)."""
    half_difference = (utility[:, 0] - utility[:, 1] + POSITION_BIAS) / 2
    worths = np.stack(
        [
            np.exp(half_difference),
            np.exp(-half_difference),
            np.full_like(half_difference, TIE_WORTH),
        ],
        axis=1,
    )
    return worths / worths.sum(axis=1, keepdims=True)
