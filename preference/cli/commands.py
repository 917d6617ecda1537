"""The command line of the library: `python -m preference COMMAND`."""

import argparse

from preference.cli import evaluate, join, package, predict
from preference.runtime.errors import exit_on_bad_input

COMMANDS = {"predict": predict, "join": join, "evaluate": evaluate, "package": package}


def main() -> None:
    """Run the command that the command line names."""
    arguments = read_arguments()
    with exit_on_bad_input():
        COMMANDS[arguments.command].main(arguments)


def read_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m preference", description=__doc__)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, module in COMMANDS.items():
        command = commands.add_parser(
            name,
            help=(module.__doc__ or "").partition("\n")[0],
            description=module.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(command)
    return parser.parse_args()
