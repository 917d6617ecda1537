"""Kill every stage at random moments, cause faults, and write the results to docs/results/.

make faults                        # 100 kills: docs/results/reliability.md and .json
python -m checks.faults --quick    # one kill a stage: docs/results/reliability-quick.md and .json
python -m checks.faults --kills 20

Ctrl-C during the kills ends them; the results up to then are written.
"""

import argparse
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from checks.faults.catalogue import FAULTS
from checks.faults.fault import try_faults
from checks.faults.kills import kill_stages, time_stage
from checks.faults.page import write_page
from checks.faults.reproduction import reproduce
from checks.faults.result import read_result
from checks.faults.results import summarize
from checks.faults.settings import FULL, PARAMETERS, QUICK, Settings
from checks.faults.workspace import REPOSITORY, commit, copy_repository, read_lock
from preference.runtime.atomic_write import check_can_write, write_text
from preference.runtime.errors import exit_on_bad_input
from preference.runtime.metrics_file import write_metrics


def main(arguments: argparse.Namespace) -> None:
    """Run the pipeline undisturbed, then with every disturbance, and write page and JSON file."""
    settings = QUICK if arguments.quick else FULL
    if arguments.kills is not None:
        settings = replace(settings, kills=arguments.kills)
    out = arguments.out / settings.stem
    check_can_write(out.with_suffix(".md"))
    # In `scratch`, because /tmp may be memory, which the copies would fill.
    with TemporaryDirectory(prefix="faults-", dir=arguments.scratch) as scratch:
        results = disturb(Path(scratch), settings)
    write_metrics(results, out.with_suffix(".json"))
    write_text(write_page(results, _command(arguments)), out.with_suffix(".md"))
    print(f"{results['identical']} of {results['kills']} kills: the same result ({out}.md)")


def disturb(scratch: Path, settings: Settings) -> dict[str, object]:
    """Cause all kills and faults, and return the content of the JSON file."""
    base = scratch / "base"
    copy_repository(base, PARAMETERS)
    print("The undisturbed run", flush=True)
    undisturbed = reproduce(base)
    if not undisturbed.succeeded:
        raise RuntimeError(f"the pipeline fails undisturbed:\n{undisturbed.output[-3000:]}")
    commit(base)
    expected = read_result(base)
    print("Each stage once more", flush=True)
    stages = list(read_lock(base)["stages"])
    seconds = {stage: time_stage(base, scratch, stage, expected) for stage in stages}
    faults = list(try_faults(FAULTS, base, scratch, expected))
    kills = kill_stages(base, scratch, seconds, settings, expected)
    return summarize(kills, faults, settings)


def _command(arguments: argparse.Namespace) -> str:
    """Return the command for the page, without the options that say where to write."""
    quick = " --quick" if arguments.quick else ""
    kills = "" if arguments.kills is None else f" --kills {arguments.kills}"
    return f"python -m checks.faults{quick}{kills}" if quick or kills else "make faults"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Kill and disturb the pipeline, and compare.")
    parser.add_argument("--kills", type=int, help="the number of kills")
    parser.add_argument("--quick", action="store_true", help="one kill a stage")
    parser.add_argument("--out", type=Path, default=REPOSITORY / "docs/results")
    parser.add_argument("--scratch", type=Path, help="where to work; 1 GiB is enough")
    with exit_on_bad_input():
        main(parser.parse_args())
