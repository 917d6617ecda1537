"""What `evaluate` reads, in the working folder and without a network that learns.

Battles, weights and predictions are made up; the rest is what the stages make of them.
"""

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from repository import REPOSITORY
from training_metrics import METRICS

from preference.battles.predictions import Origin, Predictions, write_raw_predictions
from preference.battles.soft_labels import (
    SOFT_FIELDS,
    label_codes,
    label_columns,
    label_prior,
    read_labels,
    read_weights,
)
from preference.battles.splits import read_has_ties, read_split_battles
from preference.battles.table import BATTLE_SCHEMA, SIMULATED_SCHEMA
from preference.config.experiment import (
    digest_of,
    read_experiment,
    read_index,
    shown_parameters,
    write_experiments,
)
from preference.config.params import ReferenceParams, TreesParams, load_params
from preference.models.model_files import ARCHITECTURE, WEIGHTS
from preference.models.training_record import (
    RunRecord,
    TrainingMetrics,
    run_folder,
    write_record,
)
from preference.references.models import fit_references, save_reference
from preference.runtime.provenance import hash_file
from preference.sequences.packing import Packing
from preference.tokenizers.tokenizer_files import ASSETS, SETTINGS
from stages import blend, bundle, predict_reference

TOKENS = "abc"
BATTLES, SPLITS = Path("data/battles.parquet"), Path("data/split")


def write_battles(targets):
    """Write the battles of `targets` in reverse, so that an order that is taken for granted shows.

    The first half is the calibration split, the second the test split.
    """
    count = len(targets.ids)
    columns = {
        "id": targets.ids,
        "prompt": [["a question"]] * count,
        "response_a": [["yes " * (number % 7)] for number in range(count)],
        "response_b": [["no " * (number % 5)] for number in range(count)],
        "label": pa.array(label_codes(targets.labels), pa.int8()),
        "model_a": [None] * count,
        "model_b": [None] * count,
        "source": ["drawn"] * count,
        **{name: [None] * count for name in ("source_id", "language", "subset")},
    }
    schema = BATTLE_SCHEMA
    if targets.oracle is not None:
        columns["oracle"] = targets.oracle.probabilities.tolist()
        columns["oracle_agreement"] = targets.oracle.agreement
        schema = SIMULATED_SCHEMA
    battles = mark_soft(pa.table(columns, schema=schema), targets.labels, targets.weights)
    SPLITS.mkdir(parents=True)
    pq.write_table(battles.take(np.arange(count)[::-1]), BATTLES)
    near = np.arange(count) == count - 1
    split = pa.table({"id": targets.ids, "group": targets.groups, "near_duplicate": near})
    if not targets.has_ties.all():
        split = split.append_column("has_ties", pa.array(targets.has_ties))
    pq.write_table(split.slice(0, count // 2), SPLITS / "train.parquet")
    pq.write_table(split.slice(0, count // 2), SPLITS / "calibration.parquet")
    pq.write_table(split.slice(count // 2), SPLITS / "test.parquet")
    return battles


def mark_soft(battles, labels, weights):
    """Return battles with the columns of soft labels and weights that they need."""
    shares, weight = SOFT_FIELDS
    if labels.ndim == 2:
        column = pa.FixedSizeListArray.from_arrays(pa.array(labels.ravel()), 3)
        battles = battles.append_column(shares, column)
    if weights is not None:
        battles = battles.append_column(weight, pa.array(weights, pa.float64()))
    return battles


def write_params(seeds=()):
    """Write the repository's parameters, with seeds of each experiment, and configure them."""
    text = (REPOSITORY / "params.yaml").read_text()
    for written in ("seeds: 2", "seeds: 4"):
        text = text.replace(written, f"seeds: {list(seeds)}")
    # The made-up training runs have no normalization of features.
    text = text.replace("features: true", "features: false")
    Path("params.yaml").write_text(text)
    write_experiments(load_params())


def write_references(battles):
    """Let the references predict what they have learned from all battles."""
    trees = TreesParams(number=5, min_leaf=8, max_features=0.1)
    params = ReferenceParams(
        most_battles=60000, max_features=50, inverse_regularization=0.1, trees=trees
    )
    for reference in fit_references(battles, battles, params, seed=1).values():
        save_reference(reference, Path("models/reference"))
    predict_reference.main()


def write_training(name, seed, content=None, save=None):
    """Write what a training run leaves; `content` is that of its weights, or `save` writes it.

    Nothing before a judge reads weights, so that any content will do.
    """
    experiment, folder = read_experiment(name), run_folder(name, seed)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ARCHITECTURE).write_text("{}")
    (folder / WEIGHTS).write_text(content or f"{name} {seed}")
    if save:
        save(folder)
    train = read_split_battles(BATTLES, SPLITS / "train.parquet", label_columns(BATTLES))
    record = RunRecord(
        name=name,
        seed=seed,
        experiment=digest_of(experiment),
        weights=hash_file(folder / WEIGHTS),
        simulated=True,
        packing=Packing(seq_len=experiment.model.seq_len, turns=experiment.text.turns),
        tokens=TOKENS,
        prior=label_prior(read_labels(train), read_has_ties(train), read_weights(train)),
        training=TrainingMetrics(**METRICS),
        parameters=shown_parameters(experiment),
        data={},
        versions={},
    )
    write_record(record, folder)
    return record


def write_tokenizer():
    """Write the files that a bundle copies."""
    folder = Path("data/tokens", TOKENS)
    (folder / ASSETS).mkdir(parents=True)
    (folder / SETTINGS).write_text("{}")
    (folder / ASSETS / "vocabulary.spm").write_text("words")


def write_predictions(record, model, cut=(), seq_len=None):
    """Write what a training run predicts: of both splits, what `model` does of all battles.

    `cut` are ids of battles of which a side was cut.
    """
    seq_len = seq_len or record.packing.seq_len
    origin = Origin(experiment=record.experiment, weights=record.weights, seq_len=seq_len)
    for split in ("calibration", "test"):
        ids = pq.read_table(SPLITS / f"{split}.parquet")["id"].to_numpy()
        rows = np.searchsorted(model.ids, ids)
        predictions = Predictions(ids, model.probabilities[rows], model.swapped[rows])
        path = Path("data/predictions", record.name, f"seed-{record.seed}", f"{split}.parquet")
        write_raw_predictions(predictions, np.isin(ids, cut), origin, path)


def write_inputs(targets, model, seeds=(), cut=()):
    """Write everything, with experiments that all predict what `model` does."""
    battles = write_battles(targets)
    write_params(seeds)
    write_references(battles.append_column("has_ties", pa.array(targets.has_ties)))
    write_tokenizer()
    for entry in read_index():
        for seed in entry.seeds:
            write_predictions(write_training(entry.name, seed), model, cut)
        bundle.main(entry.name)
    blend.main()


def edit_json(path, change):
    """Change the content of a JSON file in its place."""
    values = json.loads(path.read_text())
    change(values)
    path.write_text(json.dumps(values))


def remove(path):
    """Remove a file or a folder."""
    shutil.rmtree(path) if path.is_dir() else path.unlink()
