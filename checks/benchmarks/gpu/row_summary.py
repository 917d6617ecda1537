"""Describe each row in one line of text, for the terminal and for the page."""

from checks.benchmarks.gpu.task import Found


def describe_row(row: Found) -> str:
    """Return the results of a row, its note and its status."""
    parts = [_rate(row, name) for name in ("train", "predict") if f"{name}_rows_per_s" in row]
    if "train_memory_gib" in row:
        parts.append(f"{row['train_memory_gib']:.1f} GiB, compiling {row['compile_s']:.0f} s")
    if "product_tflop_per_s" in row:
        parts.append(_card(row))
    if "relative_difference" in row:
        parts.append(_same_loss(row))
    if "padded_rows_per_s" in row:
        parts.append(_lengths(row))
    if "attention_error" in row:
        parts.append(_attention_errors(row))
    if "profile" in row:
        parts.append(_profile(row))
    parts += [row["note"]] if "note" in row else []
    parts += [row["status"]] if row["status"] != "measured" else []
    return "; ".join(parts)


def percent(share: float | None) -> str:
    """Format a fraction, or return a dash where it is unknown."""
    return "–" if share is None else f"{share:.0%}"


def _rate(row: Found, name: str) -> str:
    share = row[f"{name}_share_of_peak"]
    peak = "" if share is None else f", {share:.0%} of the peak"
    rate = f"{name} {row[f'{name}_rows_per_s']:,.1f} rows/s"
    return f"{rate}, {row[f'{name}_tflop_per_s']:.3g} TFLOP/s{peak}"


def _card(row: Found) -> str:
    width, rate = row["product_width"], row["product_tflop_per_s"]
    share = percent(row["product_share_of_peak"])
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
        f"{said}, in our batches {row['bucketed_rows_per_s']:,.1f} rows/s "
        f"({row['bucketed_padding_share']:.0%} padding), {ratio:.2f} times as many; "
        f"{row['widths']} widths, {row['bucketed_battles_share']:.1%} of the battles"
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
