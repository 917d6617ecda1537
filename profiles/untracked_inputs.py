"""Files that git does not track, which a run in a temporary folder lacks unless they are named."""

import subprocess
from pathlib import Path

from preference.config.params import Params
from preference.runtime.errors import BadInput
from preference.sources.open_sources import NAMED_SOURCES


def untracked_inputs(params: Params) -> list[str]:
    """Return the paths in the repository that the parameters name and git does not track.

    Raises:
        BadInput: a path is relative, and outside of the repository.
    """
    experiments = [params.experiment(name) for name in params.experiments]
    named = [
        *({params.data.source} - {*NAMED_SOURCES}),
        *params.data.extra,
        *params.evaluation.known_prompts,
        *filter(None, (one.train.initial for one in experiments)),
        # `model.preset` is the path of a folder, or a name, which is no path here.
        *(one.model.preset for one in experiments),
    ]
    return [path for path in dict.fromkeys(named) if _is_untracked(path)]


def _is_untracked(path: str) -> bool:
    # An absolute path is the same in every folder.
    if Path(path).is_absolute() or not Path(path).exists():
        return False
    listed = subprocess.run(["git", "ls-files", "--", path], capture_output=True, text=True)
    if listed.returncode:
        raise BadInput(
            f"a profile runs in a temporary folder, where {path} is not found "
            f"({listed.stderr.strip()}). Write it as an absolute path."
        )
    return not listed.stdout
