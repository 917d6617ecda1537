"""The data card: the source of the battles, the quarantine, and leakage between splits."""

from collections.abc import Mapping
from typing import Any

from preference.battles.table import LABELS
from preference.rendering.numbers import Sentence, number, percent
from preference.rendering.tables import Cell, Table

Data = Mapping[str, Any]
LEAKS = {
    "shared_groups": "groups",
    "shared_prompts": "prompts",
    "shared_answers": "pairs of answers",
}
EXTRA, TRAIN, FOLDS = "extra", "train", "folds"
QUANTILES = {"p50": "median", "p90": "90 % below", "p99": "99 % below", "max": "longest"}


def describe_data(data: Data) -> list[Sentence]:
    """Describe the battles.

    Args:
        data: the content of `metrics/data.json`.
    """
    kind = "simulated" if data["simulated"] else "real"
    turns = data["turns"]
    empty = sum(data["rows_with_empty_turn"].values())
    return [
        Sentence(f"Source: {data['source']} ({kind} battles)."),
        Sentence(
            f"{data['rows_read']:,} rows read, {data['rows_kept']:,} kept, "
            f"{data['rows_quarantined']:,} quarantined."
        ),
        Sentence(
            f"{number(turns['mean'], 2)} turns a battle on average, at most {turns['max']:,}; "
            f"{percent(turns['share_multi_turn'])} have several."
        ),
        Sentence(
            f"{percent(data['share_repeated_prompt'])} have the same prompt as another battle; "
            f"{data['rows_with_identical_answers']:,} have two identical answers; {empty:,} "
            "answers have an empty turn."
        ),
        *_describe_soft_labels(data),
    ]


def _describe_soft_labels(data: Data) -> list[Sentence]:
    sentences = []
    if soft := data.get("rows_with_soft_labels"):
        sentences.append(Sentence(f"{soft:,} have soft labels, the shares of several labels."))
    if weights := data.get("battle_weights"):
        sentences.append(Sentence(f"Weights are from {weights['min']:g} to {weights['max']:g}."))
    return sentences


def describe_extra(split: Data) -> list[Sentence]:
    """Report how many battles of each extra source are in train, and how many are left out.

    Args:
        split: the content of `metrics/split.json`.
    """
    return [
        Sentence(
            f"{name} adds {counts['rows_in_train']:,} battles to train; "
            f"{counts['rows_left_out']:,} are left out, because they are in one group with a "
            "battle of another source that is not extra."
        )
        for name, counts in split[EXTRA].items()
    ]


def describe_reference_battles(counts: Mapping[str, float]) -> list[Sentence]:
    """Report that the references are fitted to a part of train alone, where they are.

    Args:
        counts: `battles` of train and `battles_read`, from `metrics/reference.json`.
    """
    if counts["battles_read"] >= counts["battles"]:
        return []
    return [
        Sentence(
            f"The references are fitted to {counts['battles_read']:,.0f} of the "
            f"{counts['battles']:,.0f} battles of train (reference.most_battles), the networks to "
            "all of them: with all, the references might be better."
        )
    ]


def find_leaks(split: Data) -> list[Sentence]:
    """Warn of groups, prompts and answers that are in more than one split.

    Args:
        split: the content of `metrics/split.json`.
    """
    return [
        Sentence(f"{split[key]:,} {what} are in more than one split: a leak.", warning=True)
        for key, what in LEAKS.items()
        if split[key]
    ]


def describe_leaks(split: Data) -> list[Sentence]:
    """Report what the leakage checks found, and how many near duplicates there are."""
    nothing = Sentence("No group, prompt or pair of answers is in more than one split.")
    return [*(find_leaks(split) or [nothing]), _describe_near_duplicates(split)]


def split_table(data: Data, split: Data) -> Table:
    """Return the sizes and class frequencies of all battles and of each split."""
    folds = [_parts(fold) for fold in split.get(FOLDS, [split])]
    groups = sum(part["groups"] for part in folds[0].values())
    rows = [
        _size_row("all", data["rows_kept"], groups, data),
        *(
            _size_row(
                f"fold {number}, {name}" if FOLDS in split else name,
                part["rows"],
                part["groups"],
                part,
            )
            for number, parts in enumerate(folds, start=1)
            for name, part in parts.items()
        ),
    ]
    header = ("split", "battles", "groups", *(f"fraction of {label}" for label in LABELS))
    return Table("Splits", header, rows)


def length_table(data: Data) -> Table:
    """Return quantiles of the lengths of texts, in characters."""
    rows = [
        [Cell(field.replace("_", " ")), *(Cell(number(lengths[key], 0)) for key in QUANTILES)]
        for field, lengths in data["characters"].items()
    ]
    return Table("Characters, over all turns", ("text", *QUANTILES.values()), rows)


def quarantine_table(data: Data) -> Table | None:
    """Return why rows were quarantined, or None where no row was."""
    if not data["quarantine_reasons"]:
        return None
    reasons = sorted(data["quarantine_reasons"].items(), key=lambda item: (-item[1], item[0]))
    rows = [[Cell(reason), Cell(f"{count:,}")] for reason, count in reasons]
    return Table("Quarantined rows", ("reason", "rows"), rows)


def _describe_near_duplicates(split: Data) -> Sentence:
    folds = [_parts(fold) for fold in split.get(FOLDS, [split])]
    counts = []
    for name in folds[0]:
        if name != TRAIN:
            near = sum(parts[name]["near_duplicates"] for parts in folds)
            rate = near / sum(parts[name]["rows"] for parts in folds)
            counts.append(f"{near:,} in {name} ({number(100 * rate, 1)}\u00a0%)")
    return Sentence(
        f"Battles whose prompt is nearly the same as one in train: {', '.join(counts)}."
    )


def _parts(split: Data) -> dict[str, Data]:
    """Return what is known of each split, in a fold or where the battles are split once."""
    return {name: split[name] for name in split if name not in (*LEAKS, EXTRA)}


def _size_row(name: str, rows: int, groups: int, part: Data) -> list[Cell]:
    fractions = [Cell(number(part["label_shares"][label], 3)) for label in LABELS]
    return [Cell(name), Cell(f"{rows:,}"), Cell(f"{groups:,}"), *fractions]
