"""Compare the experiments and references on the test battles.

    python -m stages.evaluate

Reads the test split, every model under models/ and, of simulated data, the truth; writes
data/predictions/test/, metrics/evaluate.json, metrics/evaluation_details.json,
metrics/summary.md and metrics/plots/.
"""

from pathlib import Path

import numpy as np
import pyarrow as pa

from preference.battles import BATTLES, has_oracle
from preference.errors import exit_on_bad_input
from preference.evaluation import Truth, evaluate_models, with_oracle
from preference.evaluation_plots import write_plots
from preference.evaluation_summary import summarize
from preference.metrics_file import write_metrics
from preference.params import load_params
from preference.prediction import predict_saved
from preference.predictions import write_predictions
from preference.references import BATTLE_COLUMNS, REFERENCES, load_reference, predict_reference
from preference.split_battles import read_split_battles

SPLIT = Path("data/split/test.parquet")
MODELS = Path("models")
REFERENCE_FOLDER = MODELS / "reference"
PREDICTIONS = Path("data/predictions/test")
METRICS = Path("metrics")


def main() -> None:
    """Predict the test battles with every model, and write what came of it."""
    params = load_params()
    truth, battles = read_test_battles()
    predictions = {name: predict_saved(MODELS / name, truth.ids) for name in params.experiments}
    for name in REFERENCES:
        reference = load_reference(name, REFERENCE_FOLDER)
        predictions[name] = predict_reference(reference, battles)
    for name, prediction in predictions.items():
        write_predictions(prediction, PREDICTIONS / f"{name}.parquet")
    headline, details = evaluate_models(predictions, truth)
    write_metrics(headline, METRICS / "evaluate.json")
    write_metrics(details, METRICS / "evaluation_details.json")
    summary = summarize(headline, details, REFERENCES)
    (METRICS / "summary.md").write_text(summary, encoding="utf-8")
    log_losses = {name: figures["log_loss"] for name, figures in headline.items()}
    write_plots(with_oracle(predictions, truth), truth.labels, log_losses, METRICS / "plots")


def read_test_battles() -> tuple[Truth, pa.Table]:
    """Return the truth of the test battles, and what a reference reads of them."""
    simulated = has_oracle(BATTLES)
    columns = (*BATTLE_COLUMNS, "oracle", "oracle_agreement") if simulated else BATTLE_COLUMNS
    battles = read_split_battles(BATTLES, SPLIT, columns)
    truth = Truth(
        ids=battles["id"].to_numpy(),
        labels=battles["label"].to_numpy(),
        groups=battles["group"].to_numpy(),
        oracle=np.array(battles["oracle"].to_pylist()) if simulated else None,
        agreement=battles["oracle_agreement"].to_numpy() if simulated else None,
    )
    return truth, battles


if __name__ == "__main__":
    with exit_on_bad_input():
        main()
