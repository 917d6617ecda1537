"""Join the shards that several workers have predicted with `predict --shard`.

    python -m preference join predictions-shard-*-of-8.parquet predictions.csv

Writes the same file as `predict` without `--shard`. Nothing is written where a shard is missing,
there twice, or of another model or input.
"""

import argparse
from pathlib import Path


def main(arguments: argparse.Namespace) -> None:
    """Join the files that the arguments name."""
    # Imported here, so that `--help` and a mistyped argument do not wait for it.
    from preference.judge.join_shards import join_shards

    join_shards(arguments.shards, arguments.output)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument(
        "shards", metavar="SHARD", type=Path, nargs="+", help="what `predict --shard` has written"
    )
    parser.add_argument("output", metavar="OUTPUT", type=Path, help="the probabilities")
