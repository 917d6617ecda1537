"""Compare the experiments, references and their blend on the test battles.

    python -m stages.evaluate

Reads the calibration and test splits, every model under models/ and, of simulated data, the truth;
writes data/predictions/, metrics/evaluate.json, metrics/evaluation_details.json and metrics/plots/.
"""

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa

from preference.battles.predictions import are_probabilities, write_predictions
from preference.battles.splits import read_split_battles, split_file
from preference.battles.table import BATTLES, SEGMENTS, has_oracle
from preference.bundle.manifest import weights_hash
from preference.config.params import Params, load_params
from preference.evaluation.evaluate import evaluate_models, with_oracle
from preference.evaluation.outputs import write_hardest, write_plots
from preference.evaluation.scoring import Model, Training, Truth, score_models
from preference.evaluation.slices import slice_battles
from preference.judge.judge import predict_saved
from preference.references.models import REFERENCES, load_reference, predict_reference
from preference.runtime.atomic_write import writing_folder
from preference.runtime.errors import BadInput, exit_on_bad_input
from preference.runtime.metrics_file import write_metrics
from preference.runtime.stage_lock import running_alone
from preference.sequences.packing import Packing, full_lengths
from preference.sequences.token_store import TOKENS, find_tokens, open_tokens

MODELS = Path("models")
PREDICTIONS = Path("data/predictions")
METRICS = Path("metrics")


def main() -> None:
    """Predict both splits with every model, and write what came of it."""
    params = load_params()
    calibration, test = (read_battles(split) for split in ("calibration", "test"))
    truths = read_truth(calibration), read_truth(test)
    raw = {name: predict_arm(name, params, truths) for name in params.experiments}
    for name in REFERENCES:
        reference = load_reference(name, MODELS / "reference")
        split_predictions = [predict_reference(reference, part) for part in (calibration, test)]
        raw[name] = [Training(*split_predictions)]
    models, weights = score_models(raw, *truths, params.evaluation)
    arms = [name for name in models if name not in REFERENCES]
    slices = slice_battles(test, truths[1].labels, is_truncated(test, params))
    headline, details = evaluate_models(
        models, arms, *truths, slices, params.evaluation, params.seed
    )
    details["blend"] = {"weights": weights} if weights else None
    details["averages_both_orders"] = params.evaluation.both_orders
    # By which a model can tell that the figures are its own.
    details["weights"] = {
        name: [weights_hash(folder) for folder in folders_of(name, params)]
        for name in params.experiments
    }
    write_metrics(headline, METRICS / "evaluate.json")
    write_metrics(details, METRICS / "evaluation_details.json")
    for warning in details["warnings"]:
        print(f"warning: {warning}", file=sys.stderr)
    best = min(arms, key=lambda name: headline[name]["log_loss"])
    predicted = models[best].scored[0].test.probabilities
    with writing_folder(PREDICTIONS) as folder:
        write_scored(models, folder)
        write_hardest(test, predicted, folder / "hardest.json")
    first = {name: one.scored[0].test for name, one in with_oracle(models, *truths).items()}
    log_losses = {name: figures["log_loss"] for name, figures in headline.items()}
    with writing_folder(METRICS / "plots") as folder:
        write_plots(first, truths[1].labels, log_losses, folder)


def read_battles(split: str) -> pa.Table:
    """Return the battles of a split, with their texts and, of simulated data, the truth."""
    columns = (*SEGMENTS, "label")
    if has_oracle(BATTLES):
        columns += ("oracle", "oracle_agreement")
    return read_split_battles(BATTLES, split_file(split), columns)


def read_truth(battles: pa.Table) -> Truth:
    """Return what is true of the battles."""
    simulated = "oracle" in battles.column_names
    oracle = np.array(battles["oracle"].to_pylist()) if simulated else None
    if simulated and not are_probabilities(oracle):
        raise BadInput(
            f"{BATTLES}: some of its true probabilities are none. Run `dvc repro fetch`."
        )
    if "near_duplicate" not in battles.column_names:
        raise BadInput("data/split/ is of older code: run `dvc repro split`.")
    return Truth(
        ids=battles["id"].to_numpy(),
        labels=battles["label"].to_numpy(),
        groups=battles["group"].to_numpy(),
        near_duplicate=battles["near_duplicate"].to_numpy(),
        oracle=oracle,
        agreement=battles["oracle_agreement"].to_numpy() if simulated else None,
    )


def predict_arm(name: str, params: Params, truths: tuple[Truth, Truth]) -> list[Training]:
    """Return what each training of an experiment predicts of the calibration and test battles."""
    ids = [truth.ids for truth in truths]
    seeds = params.experiment(name).training_seeds()
    return [
        Training(*predict_saved(folder, ids, name), seed)
        for folder, seed in zip(folders_of(name, params), seeds, strict=True)
    ]


def folders_of(name: str, params: Params) -> list[Path]:
    """Return the folder of each training of an experiment."""
    _, *others = params.experiment(name).training_seeds()
    return [MODELS / name, *(MODELS / name / f"seed-{seed}" for seed in others)]


def is_truncated(battles: pa.Table, params: Params) -> np.ndarray:
    """Return which battles have a side that is longer than `model.seq_len`: bool [n]."""
    tokens = open_tokens(find_tokens(TOKENS, params.model.preset))
    packing = Packing(seq_len=params.model.seq_len, turns=params.text.turns)
    lengths = full_lengths(tokens, tokens.rows_of(battles["id"].to_numpy()), packing)
    return lengths.max(axis=1) > params.model.seq_len


def write_scored(models: dict[str, Model], folder: Path) -> None:
    """Write the predictions as they are scored; those of further seeds beside the first's."""
    for name, model in models.items():
        for number, training in enumerate(model.scored):
            file = f"{name}.parquet" if number == 0 else f"{name}-{number + 1}.parquet"
            write_predictions(training.calibration, folder / "calibration" / file)
            write_predictions(training.test, folder / "test" / file)


if __name__ == "__main__":
    with exit_on_bad_input(), running_alone("evaluate"):
        main()
