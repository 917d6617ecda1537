"""Run the pipeline with a profile's values, as the DVC experiment of the profile's name.

    make profile NAME=small        # python -m profiles small

It runs in a temporary folder and does not change params.yaml or results in the workspace. `dvc exp
show` lists the experiment, and `dvc exp apply small` brings its values and results into the
workspace. For a profile with real battles, the command first reports what the run needs (downloads,
disk, hours, memory), and asks for `--force` if it takes long without a GPU.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from preference.config.data_params import SIMULATED
from preference.config.params import load_params
from preference.runtime.errors import BadInput, exit_on_bad_input
from profiles.profile_parameters import assignments, check_profile, merged_params
from profiles.untracked_inputs import untracked_inputs

DVC_EXPERIMENT = (sys.executable, "-m", "dvc", "exp")


def main(arguments: argparse.Namespace) -> int:
    """Check the profile, run it, and return DVC's exit status."""
    name = arguments.name
    profile = check_profile(name)
    check_is_new(name)
    with merged_params(profile) as params_file:
        params = load_params(params_file)
        taken_along = untracked_inputs(params)
        if params.data.source != SIMULATED:
            # Imported here, because it loads TensorFlow.
            from profiles.plan import report_plan

            report_plan(params_file, arguments.force)
    command = [*DVC_EXPERIMENT, "run", "--temp", "--name", name]
    for assignment in assignments(profile):
        command += ["--set-param", assignment]
    for path in taken_along:
        command += ["--copy-paths", path]
    # Outside of the temporary folder, because the run after a kill has another one.
    checkpoints = {"PREFERENCE_CHECKPOINTS": str(Path(".checkpoints", name).absolute())}
    return subprocess.run(command, env={**os.environ, **checkpoints}).returncode


def check_is_new(name: str) -> None:
    """Check that the present commit has no experiment of this name, as DVC requires.

    Raises:
        BadInput: it has one.
    """
    listing = [*DVC_EXPERIMENT, "list", "--name-only"]
    known = subprocess.run(listing, text=True, capture_output=True).stdout.split()
    if name in known:
        raise BadInput(
            f"this commit has an experiment {name!r} already: look at it with `dvc exp show`, or "
            f"`dvc exp remove {name}` and run it again (what is unchanged is not run twice)."
        )


def read_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m profiles",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", help="the name of a file profiles/NAME.yaml, and of the experiment")
    parser.add_argument("--force", action="store_true", help="run without a GPU, for hours")
    return parser.parse_args()


if __name__ == "__main__":
    with exit_on_bad_input():
        sys.exit(main(read_arguments()))
