"""Write the results as Markdown. As a command, write one page of the rows of several runs.

python -m checks.benchmarks.gpu.page docs/results/benchmarks-gpu.md first.jsonl second.jsonl
"""

import sys
from pathlib import Path

from checks.benchmarks.gpu.results import Results, read_results
from checks.benchmarks.gpu.row_summary import describe_row, percent
from checks.benchmarks.gpu.runner import MEASURED, NO_TIME
from checks.benchmarks.gpu.task import Found
from checks.benchmarks.report_tables import Columns, markdown_table

NOTE = (
    "Random weights and random tokens. A row is a battle: two sequences. Weights are float32, "
    "computation is bfloat16. Rates are of the median step after a warm-up, with the card waited "
    "for: `ours` and `stock` (keras-hub) train by Keras's `fit` on JAX, which waits after each "
    "step; PyTorch's systems train with the fused AdamW of Hugging Face's Trainer, and are waited "
    "for after each block of steps. TFLOP are those of the model's matrix products "
    "(`checks/benchmarks/flops.py`), the peak is the card's in dense bfloat16. Memory is what was "
    "allocated on the card at most, in training, and on JAX also to compile it. `compiling` is by "
    "how much the first step was longer. `flashdeberta` has no dropout of attention probabilities."
)


def write_page(runs: list[Results]) -> str:
    """Return the page of several runs, each with its own origin and tables."""
    return "\n\n".join(["# On a graphics card", NOTE, *map(_run, runs)]) + "\n"


def _run(run: Results) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in run.origin.versions.items())
    parts = [
        f"## {run.origin.card}, {run.origin.day}",
        f"Made by `{run.origin.command}`. {versions}.",
        *_tables([row for row in run.rows if "train_rows_per_s" in row]),
    ]
    for row in run.rows:
        if "device" in row and "train_rows_per_s" not in row:
            parts.append(f"**{row['name']}**: {describe_row(row)}.")
    notes = [f"- {row['name']}: {note}" for row in run.rows for note in _notes(row)]
    left = [row["name"] for row in run.rows if row["status"] == NO_TIME]
    notes += [f"- {NO_TIME}: {'; '.join(left)}"] if left else []
    return "\n\n".join([*parts, "\n".join(notes)] if notes else parts)


def _tables(rows: list[Found]) -> list[str]:
    compared = [row for row in rows if _is_compared(row)]
    predicted = [row for row in compared if "predict_rows_per_s" in row]
    variants = [row for row in rows if not _is_compared(row)]
    parts = []
    for title, shown, columns, ratio in (
        ("Training", compared, TRAINING, _ratio(compared, "transformers", "train")),
        ("Prediction", predicted, PREDICTION, _ratio(predicted, "transformers", "predict")),
        ("Variants of our training", variants, VARIANTS, _ratio(compared, "ours", "train")),
    ):
        if shown:
            parts += [f"### {title}", markdown_table(columns | ratio, shown)]
    return parts


def _is_compared(row: Found) -> bool:
    return (row["variant"], row["deterministic"], row["batch_factor"]) == ("present", True, 1)


def _ratio(compared: list[Found], system: str, name: str) -> Columns:
    """Return a column with the speed relative to a system of the same size and length."""
    key = f"{name}_rows_per_s"
    others = {
        (row["size"], row["seq_len"]): row[key] for row in compared if row["system"] == system
    }

    def write(row: Found) -> str:
        other = others.get((row["size"], row["seq_len"]))
        return f"{row[key] / other:.2f}" if other else "–"

    return {f"× {system}": write}


def _notes(row: Found) -> list[str]:
    status = [] if row["status"] in (MEASURED, NO_TIME) else [row["status"]]
    return [*status, *([row["note"]] if "note" in row else [])]


SHAPE: Columns = {
    "size": lambda row: row["size"].replace("_", "-"),
    "tokens": lambda row: f"{row['seq_len']}",
    "battles a step": lambda row: f"{row['battles_a_step']}",
}
TRAIN_RATES: Columns = {
    "rows/s": lambda row: f"{row['train_rows_per_s']:,.1f}",
    "tokens/s": lambda row: f"{row['train_tokens_per_s']:,.0f}",
    "TFLOP/s": lambda row: f"{row['train_tflop_per_s']:.3g}",
    "of the peak": lambda row: percent(row["train_share_of_peak"]),
    "memory (GiB)": lambda row: f"{row['train_memory_gib']:.1f}",
    "compiling (s)": lambda row: f"{row['compile_s']:.0f}",
}
TRAINING: Columns = {"system": lambda row: f"`{row['system']}`", **SHAPE, **TRAIN_RATES}
PREDICTION: Columns = {
    "system": lambda row: f"`{row['system']}`",
    **SHAPE,
    "rows/s": lambda row: f"{row['predict_rows_per_s']:,.1f}",
    "tokens/s": lambda row: f"{row['predict_tokens_per_s']:,.0f}",
    "TFLOP/s": lambda row: f"{row['predict_tflop_per_s']:.3g}",
    "of the peak": lambda row: percent(row["predict_share_of_peak"]),
}
VARIANTS: Columns = {
    "variant": lambda row: row["variant"],
    "deterministic": lambda row: "yes" if row["deterministic"] else "no",
    **SHAPE,
    **TRAIN_RATES,
    "error (present)": lambda row: (
        f"{row['attention_error']:.0e} ({row['present_attention_error']:.0e})"
        if "attention_error" in row
        else "–"
    ),
}


if __name__ == "__main__":
    out, *files = map(Path, sys.argv[1:])
    out.write_text(write_page([read_results(file) for file in files]))
