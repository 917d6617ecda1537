"""The list of faults that are caused."""

from functools import partial

from checks.faults import disturbances, dvc_files
from checks.faults.fault import Fault
from checks.faults.hub import downloading

NOTHING = "nothing"
ROOM = "makes room"

FAULTS = (
    Fault(
        "The disk is full where the data is",
        "`data/` on a tmpfs with 8 KiB to spare, `fetch` has not run",
        "fetch",
        ROOM,
        partial(disturbances.full_disk, folder="data", left=2**13),
    ),
    Fault(
        "The disk is full where the tokens are",
        "`data/` on a tmpfs with 64 KiB to spare, `preprocess` has not run",
        "preprocess",
        ROOM,
        partial(disturbances.full_disk, folder="data", left=2**16),
    ),
    Fault(
        "The disk is full where the models are",
        "`models/` on a tmpfs with 1 MiB to spare, `train_exp1` has not run",
        "train_exp1",
        ROOM,
        partial(disturbances.full_disk, folder="models", left=2**20),
    ),
    Fault(
        "The disk is full where the metrics are",
        "`metrics/` on a tmpfs with 8 KiB to spare, `evaluate` has not run",
        "evaluate",
        ROOM,
        partial(disturbances.full_disk, folder="metrics", left=2**13),
    ),
    Fault(
        "The disk is full where checkpoints are",
        "`.checkpoints/` on a tmpfs with 64 KiB, `train_exp1` has not run",
        "train_exp1",
        NOTHING,
        partial(disturbances.full_disk, folder=".checkpoints", left=2**16),
    ),
    Fault(
        "The disk is full where DVC's cache is",
        "`.dvc/cache/` on a tmpfs with 4 KiB to spare, `train_reference` has not run",
        "train_reference",
        ROOM,
        partial(disturbances.full_disk, folder=".dvc/cache", left=2**12),
    ),
    Fault(
        "A download is cut",
        "`data.source: arena55k` from a hub on this machine, which breaks the connection after "
        "10 MiB and answers 503 when it is asked for the rest",
        None,
        NOTHING,
        disturbances.cut_download,
        source=downloading,
        targets=["fetch"],
    ),
    Fault(
        "A program writes into DVC's cache",
        "`data/battles.parquet` changed in `.dvc/cache/`, where it is no longer protected, and "
        "deleted in the workspace",
        None,
        NOTHING,
        partial(dvc_files.changed_cache, out="data/battles.parquet"),
    ),
    Fault(
        "A file in DVC's cache is damaged by the disk",
        "a bit of `data/battles.parquet` flipped in `.dvc/cache/`, while its time and protection "
        "say that nothing has happened, and the file deleted in the workspace; `dvc repro`",
        None,
        "runs `make check-cache`",
        partial(dvc_files.damaged_cache, out="data/battles.parquet"),
    ),
    Fault(
        "A checkpoint is damaged",
        "`train_exp1` killed, its checkpoint cut in the middle",
        "train_exp1",
        NOTHING,
        partial(disturbances.damaged_checkpoint, name="exp1-seed-2024.npz"),
    ),
    Fault(
        "Two `dvc repro` at once",
        "a second one started while the first runs `train_reference`",
        "train_reference",
        "waits for the first",
        partial(disturbances.two_at_once, stage="train_reference"),
    ),
    Fault(
        "DVC alone is killed",
        "SIGKILL to `dvc` while `train_exp1` runs, which goes on; then `dvc repro` at once",
        "train_exp1",
        NOTHING,
        partial(disturbances.orphan, stage="train_exp1"),
    ),
    Fault(
        "A kill while DVC writes `dvc.lock`",
        "`dvc.lock` cut off in its last entry, `report` has not run",
        "report",
        NOTHING,
        dvc_files.half_a_record,
    ),
    Fault(
        "A kill while DVC writes which paths it locks",
        "`.dvc/tmp/rwlock` cut off, `report` has not run",
        "report",
        NOTHING,
        dvc_files.half_a_lock,
    ),
    Fault(
        "A kill while DVC writes its memory of runs",
        "a folder in `.dvc/cache/runs/` without its file, `predict_reference` has not run",
        None,
        NOTHING,
        # DVC remembers no run of a stage with an output that is in no cache, and no metric or plot.
        partial(dvc_files.half_a_run, stage="predict_reference"),
    ),
)
