"""Pack a trained model into one zip file.

    python -m preference package models/exp2 exp2.zip

The same model gives the same bytes. Its card gets the figures of the test battles where
metrics/evaluation_details.json has them of this very model.
"""

import argparse
import os
import sys
from pathlib import Path

from preference.runtime.errors import BadInput
from preference.runtime.output_path import check_output_file

DETAILS = Path("metrics/evaluation_details.json")


def main(arguments: argparse.Namespace) -> None:
    """Pack the model that the arguments name."""
    check_archive(arguments.folder, arguments.archive)
    # Here, because TensorFlow takes seconds that `--help` and a mistyped argument need not wait.
    from preference.bundle.pack import pack_bundle

    is_tested = pack_bundle(arguments.folder, arguments.archive, DETAILS)
    if not is_tested:
        print(
            f"The card has no figures of the test battles: {DETAILS} has none of these weights. "
            "Run `dvc repro evaluate` before.",
            file=sys.stderr,
        )


def check_archive(folder: Path, archive: Path) -> None:
    """Check that the zip file can be written, outside of what is packed.

    Raises:
        BadInput: it is no name of a zip file, in the folder, or what `check_output_file` refuses.
        OSError: no file can be made there.
    """
    if archive.suffix.lower() != ".zip":
        raise BadInput(f"{archive} is no name of a zip file. Let it end in .zip.")
    # Unlike `Path.resolve`, `realpath` raises nothing where links lead in a circle.
    if Path(os.path.realpath(folder)) in Path(os.path.realpath(archive)).parents:
        raise BadInput(f"{archive} is in the folder that is packed. Give a path outside of it.")
    check_output_file(archive)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what this command reads from the command line."""
    parser.add_argument("folder", type=Path, help="models/<name>")
    parser.add_argument("archive", type=Path, help="the .zip file to write")
