"""Compare the experiments, references and their blend on the test battles.

    python -m stages.evaluate

Reads data/config/index.json, the calibration and test splits, the predictions and temperatures of
each model, data/blend.json and data/known_prompts/; for simulated data also the oracle. Writes
data/scored/, metrics/evaluate.json, metrics/log_loss.json, metrics/evaluation_details.json and
metrics/plots/. No other stage uses test labels.
"""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from preference.battles.predictions import write_predictions
from preference.battles.soft_labels import label_codes, label_columns
from preference.battles.table import BATTLES, FIELDS
from preference.config.experiment import IndexEntry, list_folds, read_index
from preference.config.params import REFERENCES, load_params
from preference.evaluation.battle_digest import digest_table
from preference.evaluation.blend import BLEND, BlendFit
from preference.evaluation.evaluate import evaluate_models, with_oracle
from preference.evaluation.experiment_changes import describe_experiments
from preference.evaluation.inputs import (
    BLEND_FIT,
    FittedModels,
    RawModels,
    hashes_of_weights,
    read_battles,
    read_blends,
    read_models,
    read_targets,
    truncated_battles,
)
from preference.evaluation.known_prompts import mark_known
from preference.evaluation.outputs import log_losses_with_noise, write_hardest, write_plots
from preference.evaluation.processors import compare_with_committed, processors_of
from preference.evaluation.scoring import Model, join_folds, score_models
from preference.evaluation.slices import slice_battles
from preference.evaluation.targets import Targets
from preference.report.best_experiment import best_experiment
from preference.runtime.atomic_write import writing_folder
from preference.runtime.errors import exit_on_bad_input
from preference.runtime.metrics_file import write_metrics
from preference.runtime.provenance import hash_file
from preference.runtime.stage_lock import running_alone
from preference.sources.known_prompts import read_known_prompts

SCORED = Path("data/scored")
METRICS = Path("metrics")


def main() -> None:
    """Score all models, and write predictions, metrics and plots."""
    params, entries = load_params(), read_index()
    test = read_battles("test")
    known = read_known_prompts(params.evaluation.known_prompts)
    targets = read_targets(read_battles("calibration", fields=())), read_targets(test)
    if params.evaluation.known_prompts:
        marks = mark_known(test["prompt"], known.digests)
        targets = targets[0], replace(targets[1], known_prompt=marks)
    folds = list_folds(entries)
    inputs = [read_fold(entries, fold) for fold in folds]
    blends, both_orders = read_blends(params.evaluation, entries), params.evaluation.both_orders
    mixes = [blend.mix(both_orders) for blend in blends]
    weights = {
        name: [mix.weights[name] for mix in mixes] for mix in mixes[:1] for name in mix.weights
    }
    by_fold: list[BlendFit | None] = [*blends] or [None] * len(folds)
    models = join_folds(
        [score_models(*one, both_orders, blend) for one, blend in zip(inputs, by_fold, strict=True)]
    )
    experiments = [name for name in models if name not in REFERENCES]
    labels = label_codes(targets[1].labels)
    slices = slice_battles(test, labels, truncated_battles(entries))
    headline, details = evaluate_models(
        models, experiments, *targets, slices, weights, params.evaluation, params.seed
    )
    details["averages_both_orders"] = both_orders
    # A bundle finds out by these whether the metrics are its own.
    details["weights"] = {
        **hashes_of_weights(entries, folds),
        **({BLEND: [hash_file(BLEND_FIT)]} if blends else {}),
    }
    details["test_battles"] = digest_table(test, (*FIELDS, *label_columns(BATTLES)))
    details["described"] = describe_experiments(entries)
    details["processors"] = processors_of(entries)
    write_metrics(headline, METRICS / "evaluate.json")
    write_metrics(log_losses_with_noise(headline), METRICS / "log_loss.json")
    write_metrics(details, METRICS / "evaluation_details.json")
    other = compare_with_committed(headline, details["processors"])
    for warning in [*known.unreadable, *details["warnings"], *([other] if other else [])]:
        print(f"warning: {warning}", file=sys.stderr)
    log_losses = {name: details["models"][name]["log_loss"]["value"] for name in headline}
    best = best_experiment(details)
    with writing_folder(SCORED) as folder:
        for name, model in models.items():
            write_scored(model, folder, name)
        write_hardest(test, models[best].scored[0].test.probabilities, folder / "hardest.json")
    first_runs = {
        name: model.scored[0].test for name, model in with_oracle(models, *targets).items()
    }
    with writing_folder(METRICS / "plots") as folder:
        write_plots(first_runs, labels, log_losses, folder)


def read_fold(
    entries: Sequence[IndexEntry], fold: int | None
) -> tuple[RawModels, FittedModels, Targets, Targets]:
    """Return the models of a fold as `read_models` does, and targets of calibration and test."""
    calibration, test = (
        read_targets(read_battles(split, fold, fields=())) for split in ("calibration", "test")
    )
    return *read_models(entries, fold, calibration), calibration, test


def write_scored(model: Model, folder: Path, name: str) -> None:
    """Write the calibrated predictions of a model, a file for each seed where there are seeds.

    With folds, it has those of a repetition on all folds, whose first seed names it.
    """
    for run in model.scored:
        file = f"{name}.parquet" if run.seed is None else f"{name}/seed-{run.seed}.parquet"
        write_predictions(run.calibration, folder / "calibration" / file)
        write_predictions(run.test, folder / "test" / file)


if __name__ == "__main__":
    with exit_on_bad_input(), running_alone("evaluate"):
        main()
