"""Predict the battles of a file with a trained model.

    python -m preference predict --model models/exp2 battles.csv predictions.csv

Reads battles in any schema and form of docs/data.md, such as a .csv with `prompt`, `response_a` and
`response_b`, with or without labels; writes .csv, .parquet or .jsonl with `id`, `winner_model_a`,
`winner_model_b` and `winner_tie`.
"""

import argparse
from pathlib import Path

from preference.judge.output_files import check_output


def main(arguments: argparse.Namespace) -> None:
    """Predict the file that the arguments name."""
    check_output(arguments.output)
    # Imported here, so that `--help` and a mistyped argument do not wait for TensorFlow.
    from preference.bundle.archive import check_bundle

    check_bundle(arguments.model)
    from preference.judge.predict_file import predict_file

    predict_file(
        arguments.model,
        arguments.input,
        arguments.output,
        both_orders=arguments.both_orders,
        strict=arguments.strict,
    )


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
