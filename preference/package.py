"""Pack a trained model into one zip file.

    python -m preference.package models/exp2 exp2.zip

The same model gives the same bytes. Its card gets the figures of the test battles where
metrics/evaluation_details.json has them of this very model.
"""

import argparse
import sys
from pathlib import Path

from preference.errors import BadInput, exit_on_bad_input

DETAILS = Path("metrics/evaluation_details.json")


def main(arguments: argparse.Namespace) -> None:
    """Pack the model that the arguments name."""
    # Here, because TensorFlow takes seconds that `--help` and a mistyped argument need not wait.
    from preference.packed_bundle import pack_bundle

    if arguments.archive.suffix.lower() != ".zip":
        raise BadInput(f"{arguments.archive} is no name of a zip file. Let it end in .zip.")
    is_tested = pack_bundle(arguments.folder, arguments.archive, DETAILS)
    if not is_tested:
        print(
            f"The card has no figures of the test battles: {DETAILS} has none of these weights. "
            "Run `dvc repro evaluate` before.",
            file=sys.stderr,
        )


def read_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m preference.package",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=Path, help="models/<name>")
    parser.add_argument("archive", type=Path, help="the .zip file to write")
    return parser.parse_args()


if __name__ == "__main__":
    with exit_on_bad_input():
        main(read_arguments())
