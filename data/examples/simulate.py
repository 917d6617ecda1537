"""Simulate battles without labels, in the schema of the Kaggle competition's test.csv.

    python -m data.examples.simulate

Writes data/examples/battles.csv. The seed is not that of params.yaml: no model has seen these
battles.
"""

import csv
from pathlib import Path

from preference.runtime.atomic_write import writing_file
from preference.runtime.errors import exit_on_bad_input
from preference.sources.row_parser import UNLABELLED_COLUMNS
from simulated import simulate_rows

BATTLES, LENGTH_SCALE, SEED = 20, 0.1, 7
OUTPUT = Path(__file__).parent / "battles.csv"


def main() -> None:
    """Write the battles."""
    with writing_file(OUTPUT) as new, new.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(
            stream, UNLABELLED_COLUMNS, extrasaction="ignore", lineterminator="\n"
        )
        writer.writeheader()
        writer.writerows(simulate_rows(BATTLES, LENGTH_SCALE, SEED))


if __name__ == "__main__":
    with exit_on_bad_input():
        main()
