"""The preferences of simulated people: the utility of an answer, and Davidson's choice model.

Davidson (1970), "On extending the Bradley-Terry model to accommodate ties in paired comparison
experiments": with worths a = exp(u_a) and b = exp(u_b), P(A) : P(B) : P(tie) = a : b : nu sqrt(ab).
A position bias is added to the log odds of A over B.
"""

from dataclasses import dataclass

import numpy as np

LENGTH, FORMAT, TONE, REFUSAL = 0.7, 0.5, 1.5, -2.5
RELEVANT, CORRECT, FOLLOWED = 2.0, 0.8, 2.2

# Chosen so that A, B and tie are as frequent as in the real data: 34.9, 34.2 and 30.9 %.
TIE_WORTH = 1.5
POSITION_BIAS = 0.03


@dataclass(frozen=True)
class Answers:
    """What decides the utility of each answer: arrays [battles, 2], side A first.

    Attributes:
        length: the logarithm of the length, standardised.
        formatted: whether the answer is a list of points.
        tone: -1, 0 or 1.
        refused: whether the answer is a refusal.
        relevant: whether the answer is about the topic of the prompt.
        correct: whether its core answer is right.
        followed: whether it has the style that the prompt asks for.
    """

    length: np.ndarray
    formatted: np.ndarray
    tone: np.ndarray
    refused: np.ndarray
    relevant: np.ndarray
    correct: np.ndarray
    followed: np.ndarray


def surface_utility(answers: Answers) -> np.ndarray:
    """Return the part of the utility that depends on the answer alone, [battles, 2]."""
    return (
        LENGTH * answers.length
        + FORMAT * answers.formatted
        + TONE * answers.tone
        + REFUSAL * answers.refused
    )


def agreement_utility(answers: Answers) -> np.ndarray:
    """Return the part of the utility that depends on prompt and answer together, [battles, 2]."""
    return RELEVANT * answers.relevant + CORRECT * answers.correct + FOLLOWED * answers.followed


def preference_probabilities(utility: np.ndarray) -> np.ndarray:
    """Return P(A wins), P(B wins) and P(tie), [battles, 3], from utilities [battles, 2]."""
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
