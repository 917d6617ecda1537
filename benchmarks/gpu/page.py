"""The results as Markdown. As a command: one page of the rows of several runs.

python -m benchmarks.gpu.page docs/benchmarks-gpu.md first.jsonl second.jsonl
"""

import sys
from pathlib import Path

from benchmarks.gpu.results import Results, read_results
from benchmarks.gpu.task import Found
from benchmarks.report_tables import Columns, markdown_table

NOTE = (
    "Random weights and random tokens. A row is a battle: two sequences. Weights are float32, "
    "computation is bfloat16. Rates are of the median step after a warm-up, with the card waited "
    "for: `ours` and `stock` (keras-hub) train by Keras's `fit` on JAX, which waits after each "
    "step; PyTorch's systems train with the fused AdamW of Hugging Face's Trainer, and are waited "
    "for after each block of steps. TFLOP are those of the model's matrix products "
    "(`benchmarks/flops.py`), the peak is the card's in dense bfloat16. Memory is what was "
    "allocated on the card at most, in training. `compiling` is by how much the first step was "
    "longer. `flashdeberta` has no dropout of attention probabilities."
)


def write_page(runs: list[Results]) -> str:
    """Return the page of some runs, each with its own origin and tables."""
    return "\n\n".join(["# On a graphics card", NOTE, *map(_run, runs)]) + "\n"


def describe_row(row: Found) -> str:
    """Return one line for a person who waits."""
    said = [_rate(row, name) for name in ("train", "predict") if f"{name}_rows_per_s" in row]
    if "train_memory_gib" in row:
        said.append(f"{row['train_memory_gib']:.1f} GiB, compiling {row['compile_s']:.0f} s")
    if "product_tflop_per_s" in row:
        said.append(_card(row))
    if "relative_difference" in row:
        said.append(_same_loss(row))
    if "padded_rows_per_s" in row:
        said.append(_lengths(row))
    if "attention_error" in row:
        said.append(_attention_errors(row))
    if "profile" in row:
        said += [_profile(row)]
    said += [row["note"]] if "note" in row else []
    said += [row["status"]] if row["status"] != "measured" else []
    return "; ".join(said)


def _run(run: Results) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in run.origin.versions.items())
    parts = [
        f"## {run.origin.card}, {run.origin.day}",
        f"Made by `{run.origin.command}`. {versions}.",
    ]
    steps = [row for row in run.rows if "train_rows_per_s" in row]
    compared = [row for row in steps if _is_compared(row)]
    for title, rows, columns in (
        ("### Training", compared, TRAINING),
        ("### Prediction", [row for row in compared if "predict_rows_per_s" in row], PREDICTION),
        ("### Variants of our training", [row for row in steps if row not in compared], VARIANTS),
    ):
        if rows:
            parts += [title, markdown_table(_with_ratio(columns, rows), rows)]
    others = [row for row in run.rows if row not in steps]
    measured = [row for row in others if row["status"] == "measured"]
    parts += [f"**{row['name']}**: {describe_row(row)}." for row in measured]
    missing = [row for row in run.rows if row["status"] != "measured"]
    if missing:
        parts += ["### Not measured, or not to the end"]
        parts += ["\n".join(f"- {row['name']}: {row['status']}" for row in missing)]
    return "\n\n".join(parts)


def _is_compared(row: Found) -> bool:
    return (row["variant"], row["deterministic"], row["batch_factor"]) == ("present", True, 1)


def _with_ratio(columns: Columns, rows: list[Found]) -> Columns:
    """Add to the columns how many times as fast as `transformers` a row is, where it is there."""
    name = "predict" if columns is PREDICTION else "train"
    others = {
        (row["size"], row["seq_len"]): row[f"{name}_rows_per_s"]
        for row in rows
        if row["system"] == "transformers"
    }

    def ratio(row: Found) -> str:
        other = others.get((row["size"], row["seq_len"]))
        return f"{row[f'{name}_rows_per_s'] / other:.2f}" if other else "–"

    return columns | {"× transformers": ratio} if others else columns


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.0%}"


def _rate(row: Found, name: str) -> str:
    share = row[f"{name}_share_of_peak"]
    peak = "" if share is None else f", {share:.0%} of the peak"
    rate = f"{name} {row[f'{name}_rows_per_s']:,.1f} rows/s"
    return f"{rate}, {row[f'{name}_tflop_per_s']:.3g} TFLOP/s{peak}"


def _card(row: Found) -> str:
    width, rate = row["product_width"], row["product_tflop_per_s"]
    share = _percent(row["product_share_of_peak"])
    said = f"bfloat16 product, {width} wide: {rate:.4g} TFLOP/s ({share} of the peak)"
    return f"{said}, copy {row['copy_gb_per_s']:,.0f} GB/s" if "copy_gb_per_s" in row else said


def _same_loss(row: Found) -> str:
    losses = row["losses"]
    return (
        f"float32 loss {losses['ours']:.7f} of ours, {losses['stock']:.7f} of stock with the same "
        f"weights (relative difference {row['relative_difference']:.1e}); logits differ by "
        f"{row['logit_difference']:.1e}, where the largest is {row['largest_logit']:.2g}"
    )


def _lengths(row: Found) -> str:
    said = (
        f"{row['tokens_a_battle']:.0f} tokens a battle; padded to the full length "
        f"{row['padded_rows_per_s']:,.1f} rows/s ({row['padded_padding_share']:.0%} padding)"
    )
    if "bucketed_rows_per_s" not in row:
        return said
    ratio = row["bucketed_rows_per_s"] / row["padded_rows_per_s"]
    return (
        f"{said}, in our batches of {row['widths']} widths "
        f"{row['bucketed_rows_per_s']:,.1f} rows/s "
        f"({row['bucketed_padding_share']:.0%} padding), {ratio:.2f} times as many"
    )


def _attention_errors(row: Found) -> str:
    return (
        f"attention errs by {row['attention_error']:.1e} in outputs and gradients, where the "
        f"present one in bfloat16 errs by {row['present_attention_error']:.1e}"
    )


def _profile(row: Found) -> str:
    cost = ", ".join(f"{value:.3g} {name}" for name, value in row["cost"].items())
    lines = [f"XLA counts {cost} a step and {row['temporary_gib']:.1f} GiB of temporary memory"]
    for table, rows in row["profile"].items():
        lines += [f"\n{table} (ms a step)\n"]
        lines += [f"    {spent:9.3f}  {name}" for name, spent in rows]
    return "\n".join(lines) + "\n"


SHAPE: Columns = {
    "size": lambda row: row["size"].replace("_", "-"),
    "tokens": lambda row: f"{row['seq_len']}",
    "battles a step": lambda row: f"{row['battles_a_step']}",
}
TRAIN_RATES: Columns = {
    "rows/s": lambda row: f"{row['train_rows_per_s']:,.1f}",
    "tokens/s": lambda row: f"{row['train_tokens_per_s']:,.0f}",
    "TFLOP/s": lambda row: f"{row['train_tflop_per_s']:.3g}",
    "of the peak": lambda row: _percent(row["train_share_of_peak"]),
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
    "of the peak": lambda row: _percent(row["predict_share_of_peak"]),
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
