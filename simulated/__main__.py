"""Write simulated battles as a CSV file in the schema of the competition, to try files with.

    python -m simulated votes.csv --battles 1000 --seed 1

The battles of another seed are other ones. The true probabilities are left out, as in real files.
"""

import argparse
import csv
from pathlib import Path

from simulated.arena import simulate_rows

TRUTH = ("oracle", "oracle_agreement")
# As long as those of the default.
LENGTH_SCALE = 0.1


def write_battles(file: Path, count: int, length_scale: float, seed: int) -> None:
    """Write the battles that `simulate_rows` yields, without what no file of votes has."""
    rows = simulate_rows(count, length_scale, seed)
    first = next(rows)
    names = [name for name in first if name not in TRUTH]
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, names, extrasaction="ignore")
        writer.writeheader()
        writer.writerow(first)
        writer.writerows(rows)


def command_line() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(prog="python -m simulated", description="Simulate battles.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--battles", type=int, default=1000)
    parser.add_argument("--length-scale", type=float, default=LENGTH_SCALE)
    parser.add_argument("--seed", type=int, default=2024)
    return parser


if __name__ == "__main__":
    parser = command_line()
    arguments = parser.parse_args()
    if arguments.battles < 1:
        parser.error("--battles must be at least 1")
    write_battles(arguments.file, arguments.battles, arguments.length_scale, arguments.seed)
    print(f"{arguments.battles:,} simulated battles are in {arguments.file}.")
