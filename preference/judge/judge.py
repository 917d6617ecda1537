"""Predict with a bundle, from Python, which of two answers people prefer."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import astuple, dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from preference.battles.predictions import Predictions, check_predictions
from preference.battles.table import BATTLES_A_BATCH, FIELDS, LABELS
from preference.bundle.blend_loading import BlendBundle
from preference.bundle.loading import Bundle, load_bundle
from preference.bundle.manifest import manifest_text
from preference.judge.calibrated_models import open_model
from preference.runtime.errors import BadInput
from preference.runtime.provenance import hash_text
from preference.runtime.terminal_text import printable
from preference.sources.row_parser import NotABattle, parse_conversations

LOGGER = logging.getLogger("preference")

# One text, or a text for each turn; None is an empty turn.
Turns = str | Sequence[str | None]
ARGUMENTS = ("prompt", "a", "b")
# Iterables that are not accepted as a list: their items are characters, numbers, keys or unordered.
NOT_LISTS = (str, bytes, bytearray, memoryview, Mapping, Set)


@dataclass(frozen=True)
class Preference:
    """The probabilities that a person prefers A, prefers B, or neither; they sum to 1."""

    a_wins: float
    b_wins: float
    tie: float

    @property
    def winner(self) -> str:
        """The most probable label: "A", "B" or "tie"."""
        return LABELS[int(np.argmax(astuple(self)))]


class PreferenceJudge:
    """A trained model that compares answers.

    Example:

    ```python
    judge = PreferenceJudge.load("models/exp2")
    preference = judge.compare("What is two plus two?", "Four.", "I do not know.")
    print(preference.winner, preference.a_wins, preference.b_wins, preference.tie)

    battles = [
        ("Name a fruit.", "An apple.", "A chair."),
        (["Hello!", "How are you?"], ["Hi!", "Well."], ["Hello.", "Fine, and you?"]),
    ]
    for preference in judge.compare_many(battles):
        print(preference.winner)
    ```

    Args:
        bundle: a loaded bundle, of one model or of a blend.
        both_orders: average the predictions of both orders of the answers, which removes the
            position bias at almost no cost.
    """

    def __init__(self, bundle: Bundle | BlendBundle, both_orders: bool = False) -> None:
        self.name, self.prior = bundle.manifest.name, bundle.manifest.prior
        # The manifest has the hashes of all other files of the bundle.
        self.fingerprint = hash_text(manifest_text(bundle.manifest))
        self._predict = open_model(bundle, both_orders)

    @classmethod
    def load(cls, path: str | Path, both_orders: bool = False) -> "PreferenceJudge":
        """Load a bundle from its folder or zip file.

        Raises:
            BadInput: the bundle cannot be used; the message says why, and what to do.
        """
        bundle = load_bundle(Path(path))
        if bundle.manifest.simulated:
            LOGGER.warning(
                "%s was trained on simulated battles alone: it knows nothing of what people "
                "prefer. Train it on real ones before you use what it says.",
                printable(path),
            )
        return cls(bundle, both_orders)

    def compare(self, prompt: Turns, a: Turns, b: Turns) -> Preference:
        """Compare two answers to one prompt.

        Args:
            prompt: a text, or the user's turns of a conversation.
            a: the first answer: a text, or a list with one text for each turn of the prompt.
            b: the second answer, in the same form.

        Raises:
            BadInput: an argument is neither a text nor a list of texts, prompt and answers differ
                in the number of turns, there is no turn, or the predictions of the model are not
                probabilities.
        """
        (preference,) = self.compare_many([(prompt, a, b)])
        return preference

    def compare_many(self, battles: Iterable[tuple[Turns, Turns, Turns]]) -> Iterator[Preference]:
        """Yield the preference for each (prompt, a, b), in order.

        This is much faster than `compare` in a loop. Memory does not grow with the battles.

        Raises:
            BadInput: as `compare` does, or `battles` or one of its items has another form; the
                message has the number of the battle, counted from 1.
        """
        if isinstance(battles, NOT_LISTS) or not isinstance(battles, Iterable):
            raise BadInput(
                f"battles is {_kind_of(battles)}: give a list of battles (prompt, a, b)."
            )
        numbered = enumerate(battles, start=1)
        while batch := list(islice(numbered, BATTLES_A_BATCH)):
            parsed = [_parse_battle(number, battle) for number, battle in batch]
            for probabilities in self.predict(parsed).tolist():
                yield Preference(*probabilities)

    def predict(
        self,
        battles: Sequence[Mapping[str, Sequence[str]]],
        advance: Callable[[int], object] = lambda answers: None,
    ) -> np.ndarray:
        """Predict battles that fit into memory.

        Args:
            battles: at least one, as `parse_conversations` returns them.
            advance: called with the number of answers that were predicted since the last call.

        Returns:
            Calibrated probabilities in `LABELS` order, float64 [battles, 3].

        Raises:
            BadInput: the predictions of the model are not probabilities.
        """
        return self.predict_orders(battles, advance).probabilities

    def predict_orders(
        self,
        battles: Sequence[Mapping[str, Sequence[str]]],
        advance: Callable[[int], object] = lambda answers: None,
    ) -> Predictions:
        """Predict battles in both orders of the answers, with the arguments of `predict`.

        Returns:
            Calibrated predictions, whose ids are the positions of the battles. Where the judge
            averages both orders, the two are equal.

        Raises:
            BadInput: the predictions of the model are not probabilities.
        """
        predictions = self._predict(battles, advance)
        check_predictions(self.name, predictions, np.arange(len(battles)))
        return predictions


def _parse_battle(number: int, battle: object) -> dict[str, list[str]]:
    try:
        parts = _as_list("the battle", battle)
        if len(parts) != len(ARGUMENTS):
            raise NotABattle(f"it has {len(parts)} parts, and not {len(ARGUMENTS)}")
        turns = [_as_turns(*named) for named in zip(ARGUMENTS, parts, strict=True)]
        return parse_conversations({"id": number, **dict(zip(FIELDS, turns, strict=True))})
    except NotABattle as problem:
        raise BadInput(
            f"battle {number}: {problem}. Give each of prompt, a and b as a text, or as equally "
            "long lists of texts."
        ) from problem


def _as_turns(name: str, argument: object) -> list[str | None]:
    """Return the turns of one argument of a battle.

    Raises:
        NotABattle: the argument is neither a text nor a list of texts.
    """
    if isinstance(argument, str):
        return [argument]
    turns: list[str | None] = []
    for turn in _as_list(name, argument):
        if not isinstance(turn, str | None):
            raise NotABattle(f"a turn of {name} is {_kind_of(turn)}")
        turns.append(turn)
    return turns


def _as_list(name: str, argument: object) -> list[object]:
    if isinstance(argument, Iterable) and not isinstance(argument, NOT_LISTS):
        # A NumPy array without axes is an Iterable that cannot be iterated over.
        with suppress(TypeError):
            return list(argument)
    raise NotABattle(f"{name} is {_kind_of(argument)}")


def _kind_of(value: object) -> str:
    return "None" if value is None else f"of the type {type(value).__name__}"
