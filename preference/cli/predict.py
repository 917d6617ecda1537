"""Predict the battles of a file with a trained model.

    python -m preference predict --model models/exp2 battles.csv predictions.csv

Reads battles in any schema and form of docs/data.md, such as a .csv with `prompt`, `response_a` and
`response_b`, with or without labels; writes .csv, .parquet or .jsonl with `id`, `winner_model_a`,
`winner_model_b` and `winner_tie`. With `--shard 2/8`, one of eight workers predicts its part, into
predictions-shard-2-of-8.parquet, and `python -m preference join` writes the file.
"""

import argparse
from pathlib import Path

from preference.judge.output_files import check_output
from preference.judge.shard import Shard
from preference.runtime.garbage_collector import kept_from_garbage_collector
from preference.runtime.optional_packages import without_optional_packages


def main(arguments: argparse.Namespace) -> None:
    """Predict the file that the arguments name."""
    # An empty text, as of a variable that is not set, is no shard.
    shard = None if arguments.shard is None else Shard.parse(arguments.shard)
    check_output(arguments.output)
    # Imported here, so that `--help` and a mistyped argument do not wait for TensorFlow.
    from preference.bundle.archive import check_bundle

    check_bundle(arguments.model)
    paths = arguments.model, arguments.input, arguments.output
    choices = {"both_orders": arguments.both_orders, "strict": arguments.strict}
    with kept_from_garbage_collector(), without_optional_packages():
        from preference.judge.predict_file import predict_file
        from preference.judge.predict_shard import predict_shard

    if shard:
        predict_shard(*paths, shard, **choices)
    else:
        predict_file(*paths, **choices)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("--model", type=Path, required=True, help="models/<name>, or a packed .zip")
    parser.add_argument("input", metavar="INPUT", type=Path, help="the battles")
    parser.add_argument("output", metavar="OUTPUT", type=Path, help="the probabilities")
    parser.add_argument(
        "--both-orders", action="store_true", help="average both orders of the answers"
    )
    parser.add_argument(
        "--strict",
        action="store_true",
        help="stop at a row that is not a battle; by default it gets the training prior",
    )
    parser.add_argument(
        "--shard", metavar="I/N", help="predict the part I of N alone, to be joined by `join`"
    )
