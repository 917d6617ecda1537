"""Check one or several trained models on votes of yours.

    python -m preference evaluate --model models/exp2 votes.csv

Reads battles with labels in any schema and form of docs/data.md; prints log loss, accuracy,
macro F1, calibration error and flip rate with 95 % intervals, and how the models differ.
"""

import argparse
import sys
from pathlib import Path

from preference.runtime.output_path import check_is_not_read, check_output_file

STDOUT = Path("-")


def main(arguments: argparse.Namespace) -> None:
    """Evaluate the models that the arguments name."""
    if arguments.json not in (None, STDOUT):
        check_output_file(arguments.json)
        check_is_not_read(arguments.json, arguments.file, *arguments.model)
    # Imported here, so that `--help` and a mistyped argument do not wait for TensorFlow.
    from preference.bundle.archive import check_bundle

    for model in arguments.model:
        check_bundle(model)
    from preference.judge.evaluate_file import evaluate_file
    from preference.judge.evaluation_text import describe_evaluation
    from preference.runtime.atomic_write import write_text
    from preference.runtime.strict_json import to_json

    result = evaluate_file(arguments.model, arguments.file, arguments.both_orders)
    if arguments.json != STDOUT:
        sys.stdout.write(describe_evaluation(result))
    if arguments.json == STDOUT:
        sys.stdout.write(to_json(result, indent=2))
    elif arguments.json:
        write_text(to_json(result, indent=2), arguments.json)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument(
        "--model",
        type=Path,
        required=True,
        action="append",
        help="models/<name>, or a packed .zip; repeat it to compare several with the first",
    )
    parser.add_argument("file", metavar="FILE", type=Path, help="the battles, with labels")
    parser.add_argument(
        "--both-orders", action="store_true", help="average both orders of the answers"
    )
    parser.add_argument(
        "--json", type=Path, help="a file for the metrics as JSON; - prints them instead of text"
    )
