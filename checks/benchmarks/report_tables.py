"""The tables of the page: each column has a name and a function that formats a row."""

from collections.abc import Callable

from checks.benchmarks.runner import Row

Columns = dict[str, Callable[[Row], str]]
MILLI = 1000

# What was measured before these were has none of them.
PEAK_COLUMNS: Columns = {
    "train TFLOP/s": lambda row: known(row, "train_tflop_per_s", ".3g"),
    "peak TFLOP/s": lambda row: known(row, "peak_tflops", ".3g"),
    "share of peak": lambda row: known(row, "share_of_peak", ".0%"),
}
LENGTH_COLUMNS: Columns = {
    "tokens": lambda row: f"{row['seq_len']}",
    "system": lambda row: f"`{row['name']}`",
    "precision": lambda row: row["precision"],
    "a step": lambda row: row["batch"],
    "train s/battle": lambda row: f"{1 / row['train_rows_per_s']:.3f}",
    "predict s/battle": lambda row: f"{1 / row['predict_rows_per_s']:.3f}",
    **PEAK_COLUMNS,
    "train memory (GiB)": lambda row: f"{row['train_memory_gib']:.1f}",
    "peak memory (GiB)": lambda row: f"{row['peak_memory_gib']:.1f}",
}
UTILISATION_COLUMNS: Columns = {
    "size": lambda row: row["size"],
    "layers": lambda row: f"{row['layers']}",
    "tokens": lambda row: f"{row['seq_len']}",
    "backend": lambda row: row["backend"],
    "a step": lambda row: row["batch"],
    "train rows/s": lambda row: f"{row['train_rows_per_s']:.2f}",
    **PEAK_COLUMNS,
    "train memory (GiB)": lambda row: f"{row['train_memory_gib']:.1f}",
    "start-up (s)": lambda row: f"{row['startup_s']:.0f}",
}
STAGE_COLUMNS: Columns = {
    "battles": lambda row: f"{row['rows']:,}",
    "stage": lambda row: f"`{row['name']}`",
    "seconds": lambda row: f"{row['seconds']:.1f}",
    "memory (GiB)": lambda row: f"{row['peak_memory_gib']:.2f}",
}

ROOFLINE_COLUMNS: Columns = {
    "phase": lambda row: row["phase"],
    "operation": lambda row: row["operation"],
    "times a step": lambda row: f"{row['times']}",
    "ms a step": lambda row: f"{MILLI * row['seconds']:,.0f}",
    "floor (ms)": lambda row: f"{MILLI * row['floor_seconds']:,.0f}",
    "floor of": lambda row: row["limit"],
    "share": lambda row: f"{row['floor_seconds'] / row['seconds']:.0%}",
}


def quality_columns(ours: Row) -> Columns:
    """Return the columns of the losses; differences are relative to the row `ours`."""
    return {
        "training": lambda row: f"`{row['name']}`",
        "log loss on valid": lambda row: ", ".join(f"{x:.4f}" for x in row["valid_log_losses"]),
        "mean difference": lambda row: f"{row['valid_log_loss'] - ours['valid_log_loss']:+.4f}",
        "seconds": lambda row: f"{row['seconds']:.0f}",
    }


def comparison_columns(study: Row) -> Columns:
    """Return the columns of the comparison; the ratios are relative to the row `study`."""
    return {
        "system": lambda row: f"`{row['name']}`",
        "precision": lambda row: row["precision"],
        "a step": lambda row: row["batch"],
        "train rows/s": lambda row: spread(row, "train_rows_per_s", 2),
        "train × study": lambda row: ratio(row, study, "train_rows_per_s"),
        "predict rows/s": lambda row: spread(row, "predict_rows_per_s", 2),
        "predict × study": lambda row: ratio(row, study, "predict_rows_per_s"),
        "train tokens/s": lambda row: f"{row['train_tokens_per_s']:,.0f}",
        **PEAK_COLUMNS,
        "padding": lambda row: f"{row['padding_share']:.0%}",
        "train memory (GiB)": lambda row: spread(row, "train_memory_gib", 1),
        "peak memory (GiB)": lambda row: spread(row, "peak_memory_gib", 1),
        "start-up (s)": lambda row: spread(row, "startup_s", 0),
    }


def markdown_table(columns: Columns, rows: list[Row]) -> str:
    """Return a table; vertical bars in cells are escaped."""
    lines = [
        list(columns),
        ["---"] * len(columns),
        *([write(row) for write in columns.values()] for row in rows),
    ]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines
    )


def known(row: Row, key: str, form: str) -> str:
    """Format a number of a row, or return a dash where the row has none."""
    return "–" if row.get(key) is None else f"{row[key]:{form}}"


def spread(row: Row, key: str, digits: int) -> str:
    """Return `median (minimum–maximum)`, or the value alone where it was measured once."""
    value = f"{row[key]:.{digits}f}"
    if row["repetitions"] == 1:
        return value
    return f"{value} ({row[f'{key}_min']:.{digits}f}–{row[f'{key}_max']:.{digits}f})"


def ratio(row: Row, other: Row, key: str) -> str:
    """Return the ratio of two rows."""
    return f"{row[key] / other[key]:.2f}"
