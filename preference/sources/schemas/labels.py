"""Names of the winner, and labels as the columns of the Kaggle schema."""

from preference.battles.table import A_WINS, B_WINS, TIE
from preference.sources.row_parser import WINNER_LABELS, NotABattle

# Without case, spaces, hyphens and underscores.
NAMES = {
    A_WINS: ("a", "modela", "responsea", "answera", "assistanta"),
    B_WINS: ("b", "modelb", "responseb", "answerb", "assistantb"),
    # A tie in which both answers are bad is a tie, as in the Kaggle data.
    TIE: (
        "tie",
        "tie(bothbad)",
        "tie(inconsistent)",
        "bothbad",
        "both",
        "draw",
        "equal",
        "neither",
    ),
}
LABEL_OF_NAME = {name: label for label, names in NAMES.items() for name in names}
IGNORED = str.maketrans("", "", " _-")
FLAGS = {label: {name: int(label == one) for name, one in WINNER_LABELS.items()} for label in NAMES}


def flags_of(label: int) -> dict[str, int]:
    """Return the columns of the Kaggle schema that have the label."""
    return FLAGS[label]


def read_winner(value: object) -> dict[str, int]:
    """Return the columns of the Kaggle schema for the name of the winner.

    Raises:
        NotABattle: the name is missing or unknown.
    """
    if value is None or value == "":
        raise NotABattle("winner is missing")
    name = value.casefold().translate(IGNORED) if isinstance(value, str) else None
    if name not in LABEL_OF_NAME:
        raise NotABattle("winner is not a, b, tie, model_a, model_b or both_bad")
    return flags_of(LABEL_OF_NAME[name])
