"""Pack a trained model into one zip file.

    python -m preference package models/exp2 exp2.zip

The same model gives the same bytes. The card gets the metrics on the test battles if
metrics/evaluation_details.json has those of this model's weights.
"""

import argparse
import sys
from pathlib import Path

from preference.runtime.errors import BadInput
from preference.runtime.output_path import check_is_not_read, check_output_file
from preference.runtime.terminal_text import printable

DETAILS = Path("metrics/evaluation_details.json")


def main(arguments: argparse.Namespace) -> None:
    """Pack the model that the arguments name."""
    check_archive(arguments.folder, arguments.archive)
    # Imported here, so that `--help` and a mistyped argument do not wait for TensorFlow.
    from preference.bundle.pack import pack_bundle

    is_tested = pack_bundle(arguments.folder, arguments.archive, DETAILS)
    print(f"{printable(arguments.archive)}: {arguments.archive.stat().st_size:,} bytes")
    if not is_tested:
        print(
            f"The card has no metrics on the test battles: {DETAILS} does not have those of these "
            "weights. Run `dvc repro evaluate` first.",
            file=sys.stderr,
        )


def check_archive(folder: Path, archive: Path) -> None:
    """Check that the zip file can be written, outside of the folder that is packed.

    Raises:
        BadInput: the name does not end in .zip, the file is in the folder, or `check_output_file`
            refuses it.
        OSError: the file cannot be written.
    """
    if archive.suffix.lower() != ".zip":
        raise BadInput(f"{archive} is not the name of a zip file. Give a name that ends in .zip.")
    check_is_not_read(archive, folder)
    check_output_file(archive)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("folder", type=Path, help="models/<name>")
    parser.add_argument("archive", type=Path, help="the .zip file to write")
