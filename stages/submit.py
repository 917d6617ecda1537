"""Predict the battles of a file, as for the Kaggle competition's test.csv.

    python -m stages.submit

Reads models/<submit.model> and submit.battles; writes data/submission.csv.
"""

from pathlib import Path

import preference.runtime.lean_keras  # noqa: F401
from preference.config.params import load_params
from preference.judge.predict_file import predict_file
from preference.runtime.errors import exit_on_bad_input
from preference.runtime.stage_lock import running_alone

MODELS = Path("models")
SUBMISSION = Path("data/submission.csv")


def main() -> None:
    """Write the submission."""
    params = load_params().submit
    predict_file(
        MODELS / params.model,
        Path(params.battles),
        SUBMISSION,
        both_orders=params.both_orders,
        named_by="submit.battles",
        # With `cache.type: symlink`, DVC has replaced the file by a link into its cache.
        replaces_link=True,
    )


if __name__ == "__main__":
    with exit_on_bad_input(), running_alone("submit"):
        main()
