"""Compute the dense features of every battle, once for all experiments that use them.

    python -m stages.featurize

Reads data/config/features.json and data/battles.parquet, but no labels; writes
data/features/<experiment>.npy, without rows where the experiment uses none.
"""

import shutil

import numpy as np

from preference.battles.table import BATTLES, FIELDS, read_battles, scan_battles
from preference.config.experiment import read_features
from preference.features.feature_rows import write_rows
from preference.runtime.atomic_write import writing_folder
from preference.runtime.errors import exit_on_bad_input
from preference.runtime.stage_lock import running_alone
from preference.sequences.feature_store import FEATURES, ID, STAGE, UNUSED, features_file


def main() -> None:
    """Write the features that each experiment uses."""
    uses = read_features()
    count = len(read_battles(BATTLES, [ID]))
    with writing_folder(FEATURES) as folder:
        computed = None
        for name, is_used in uses.items():
            path = folder / features_file(name).name
            if not is_used:
                np.save(path, UNUSED)
            elif computed:
                shutil.copyfile(computed, path)
            else:
                write_rows(scan_battles(BATTLES, [ID, *FIELDS], STAGE), count, path)
                computed = path


if __name__ == "__main__":
    with exit_on_bad_input(), running_alone(STAGE):
        main()
