"""Write the results as a page of Markdown, with the machine and the command of each part."""

from dataclasses import dataclass

from checks.benchmarks.report_tables import (
    LENGTH_COLUMNS,
    ROOFLINE_COLUMNS,
    STAGE_COLUMNS,
    UTILISATION_COLUMNS,
    comparison_columns,
    markdown_table,
    quality_columns,
)
from checks.benchmarks.runner import Row

SYSTEMS = {
    "study": "the study's recipe: stock keras-nlp, every sequence padded, batches in random order. "
    "From here to `compilation`, `tf.data`'s tuner may sleep at the end of a prediction, at most "
    "as long as it took (`preference/sequences/tf_data.py` says why); the fastest "
    "repetition slept least",
    "attention": "`study` with our backbone: its attention, and in training GELU, layer "
    "normalization and dropout in one loop each",
    "batching": "`attention` with our batches of battles of like length",
    "packing": "`attention` on the same tokens in full rows, without padding: a bound for packing "
    "several sequences into a row, which would mask the others besides",
    "precision": "`batching` in mixed precision",
    "compilation": "`precision`, compiled by XLA, as `train.jit: auto` does on a GPU",
    "ours": "what the stages run, `train_model` and `Predictor`: besides one graph for all shapes, "
    "a fused Adam, memory that is kept, and in prediction each side beside others of its length",
    "transformers": "Hugging Face DeBERTa v2/v3 in PyTorch, AdamW, padded to the batch's longest "
    "sequence, grouped by length",
    "flashdeberta": "`transformers` with its attention in Triton, without dropout there",
    "disentangled-flash": "`transformers` with its attention in Triton, on padded batches",
}
NOTE = (
    "The texts are **simulated** at about the lengths of real Chatbot Arena battles, and the "
    "weights are random. Every system reads the same battles, in a process of its own; repetitions "
    "are interleaved, figures are medians (least–most). A row is a battle, both sides. Rates leave "
    "the start-up out, which runs from the start of the process to the end of its first training "
    "step. TFLOP are those of the model's matrix products without padding, forward and twice that "
    "backward (`checks/benchmarks/flops.py`). Their peak is what this machine reached just before "
    "in one large product of the same precision, with all threads; rows without it are older. "
    "Memory is the process's resident memory at most, or what it allocated on a GPU, of training "
    "alone and with prediction."
)

# What a picture shows, and the end of its name, by part.
PICTURES = {
    "comparison": ("Battles a second", ""),
    "roofline": ("Milliseconds of each operation, and its floor", "-roofline"),
}


@dataclass(frozen=True)
class Origin:
    """The origin of the rows of one part; `failed` names measurements that are not among them."""

    command: str
    day: str
    machine: dict[str, str]
    failed: list[str]


@dataclass(frozen=True)
class Part:
    """The rows of one table, and their origin."""

    rows: list[Row]
    origin: Origin


def write_report(parts: dict[str, Part], stem: str) -> str:
    """Return the page of the parts that have rows; its pictures have the name `stem`, too."""
    page = ["# Benchmarks", NOTE]
    for name, write in SECTIONS.items():
        if name in parts and parts[name].rows:
            title, *rest = write(parts[name].rows)
            page += [title, _origin(parts[name].origin)]
            if name in PICTURES:
                title, suffix = PICTURES[name]
                page += [f"![{title}]({stem}{suffix}.svg)"]
            page += rest
    return "\n\n".join(page) + "\n"


def _origin(origin: Origin) -> str:
    machine = ", ".join(f"{key} {value}" for key, value in origin.machine.items())
    failed = f" Failed, and not in the table: {'; '.join(origin.failed)}." if origin.failed else ""
    return f"Made by `{origin.command}` on {origin.day}. Machine: {machine}.{failed}"


def _comparison(rows: list[Row]) -> list[str]:
    first = rows[0]
    sizes = (
        f"{_layers(first)}, at most {first['seq_len']} tokens a sequence, {first['rows']} battles, "
        f"on {first['device']}. `× {first['name']}` is relative to the first row."
    )
    systems = "\n".join(
        f"- `{name}`: {SYSTEMS[name]}." for name in dict.fromkeys(row["name"] for row in rows)
    )
    table = markdown_table(comparison_columns(first), rows)
    return ["## The same battles", sizes, table, systems]


def _quality(rows: list[Row]) -> list[str]:
    sizes = (
        f"The baseline of params.yaml on {rows[0]['rows']:,} simulated battles, as `ours` trains "
        "it, and without one of its speed-ups. Log loss on valid with each seed, and the mean "
        "difference to `ours` with the same seeds."
    )
    return ["## The same result", sizes, markdown_table(quality_columns(rows[0]), rows)]


def _lengths(rows: list[Row]) -> list[str]:
    sizes = (
        f"{_layers(rows[0])}. Every sequence has the full length, and every step as many tokens: "
        "nothing is padded, so that the attention alone differs. Measured once."
    )
    return ["## Cost against length", sizes, markdown_table(LENGTH_COLUMNS, rows)]


def _utilisation(rows: list[Row]) -> list[str]:
    sizes = (
        f"`ours` in {rows[0]['precision']} on {rows[0]['device']}, every sequence of the full "
        "length. Measured once."
    )
    return ["## Utilisation", sizes, markdown_table(UTILISATION_COLUMNS, rows)]


def _roofline(rows: list[Row]) -> list[str]:
    first = rows[0]
    sizes = (
        f"Each kind of operation of {first['size']} in {first['precision']}, alone, with "
        f"{first['sequences']} sequences of {first['length']} tokens, as in a step of training "
        "(forward and backward) or prediction. Its floor is that of the roofline model: the longer "
        "of the time of its matrix products at the peak, and the time to read its inputs and to "
        "write its outputs once at the rate of a copy; backward counts as twice forward. What a "
        "whole layer takes beyond the sum of its parts are transposes, sums of gradients and the "
        "projection of the relative embeddings. The fastest of several repetitions."
    )
    return ["## Operations and their floors", sizes, markdown_table(ROOFLINE_COLUMNS, rows)]


def _stages(rows: list[Row]) -> list[str]:
    sizes = (
        "Simulated battles of real length; `fetch` simulates them, too. `predict` is `python -m "
        "preference predict` on the battles that `fetch` wrote, with one model for all sizes: "
        "`deberta_v3_tiny`, trained for one epoch on the smallest, which reads at most 128 tokens "
        "a sequence. From the start of the process to its end, measured once. Texts are held a "
        "batch at a time. What grows is what `fetch` and `split` keep of each battle, its id and "
        "digests of its texts, and, until it is full, oneDNN's cache of operations: one for each "
        "shape of the batches of `predict`."
    )
    return ["## Cost against rows", sizes, markdown_table(STAGE_COLUMNS, rows)]


def _layers(row: Row) -> str:
    return f"DeBERTa v3 extra-small, {row['layers']} of its 12 layers"


SECTIONS = {
    "comparison": _comparison,
    "quality": _quality,
    "lengths": _lengths,
    "utilisation": _utilisation,
    "roofline": _roofline,
    "stages": _stages,
}
