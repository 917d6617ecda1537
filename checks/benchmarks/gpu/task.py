"""What one process measures, how it is told, and how it answers."""

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

from checks.benchmarks.measurement import TORCH_SYSTEMS

ANSWER = "measured: "
OUT_OF_MEMORY = "out of memory"
COMPILED = "transformers, compiled"

Found = dict[str, object]


@dataclass(frozen=True)
class Line:
    """One line of the results.

    Args:
        kind: `card`, `steps`, `same loss`, `lengths` or `profile`.
        system: `ours`, `stock` (keras-hub), one of `TORCH_SYSTEMS`, or `COMPILED`.
        size: one of `checks.benchmarks.sizes.SIZES`.
        seq_len: tokens of each of the two sequences of a battle.
        variant: of our model, see `checks.benchmarks.gpu.variants`.
        deterministic: whether XLA's operations are, as in a training on JAX; those of ours alone.
        batch_factor: how many times as many battles a step as the other lines have.
        limit_s: seconds after which its process is ended.
    """

    kind: str
    system: str = "ours"
    size: str = "small"
    seq_len: int = 512
    variant: str = "present"
    deterministic: bool = True
    batch_factor: int = 1
    limit_s: float = 120

    @property
    def is_torch(self) -> bool:
        """Whether PyTorch computes it, and not JAX."""
        return self.system in (*TORCH_SYSTEMS, COMPILED)

    def __str__(self) -> str:
        """Name it."""
        if self.kind == "card":
            return "card"
        parts = [self.system, self.size, f"{self.seq_len} tokens"]
        if self.kind != "steps":
            parts.insert(0, self.kind)
        if self.variant != "present":
            parts.append(self.variant)
        if not self.deterministic:
            parts.append("not deterministic")
        if self.batch_factor != 1:
            parts.append(f"{self.batch_factor} times the batch")
        return ", ".join(parts)


@dataclass(frozen=True)
class Scale:
    """How much is measured.

    Args:
        tokens_a_step: of both sequences of all battles of a step.
        warm_up: steps before the timed ones.
        steps: of training that are timed; PyTorch's in blocks, with a wait after each.
        blocks: of PyTorch's steps, and of prediction, where Keras's have `steps` each.
        product_width: of the card's square matrix product.
        copied_mib: of the card's copy.
        battles: of real length.
    """

    tokens_a_step: int
    warm_up: int
    steps: int
    blocks: int
    product_width: int
    copied_mib: int
    battles: int


@dataclass(frozen=True)
class Task:
    """A line, at a scale.

    Args:
        line, scale: what is measured, and how much.
        battles: a step.
        out: folder of the files that a line leaves beside its row.
    """

    line: Line
    scale: Scale
    battles: int
    out: str = ""

    def to_json(self) -> str:
        """Return what `read_task` reads."""
        return json.dumps(asdict(self), allow_nan=False)


def read_task(text: str) -> Task:
    """Read what `Task.to_json` wrote."""
    task = json.loads(text)
    line, scale = Line(**task.pop("line")), Scale(**task.pop("scale"))
    return Task(line, scale, **task)


def answer(measure: Callable[[Task], Iterator[Found]]) -> None:
    """Measure the task of the command line, and print what is found as soon as it is known.

    Each answer holds the ones before it. Where memory does not suffice, the last one says so.
    """
    try:
        for found in measure(read_task(sys.argv[1])):
            print(ANSWER + json.dumps(found, allow_nan=False), flush=True)
    # PyTorch and JAX each have an error of their own for it.
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        print(ANSWER + json.dumps({OUT_OF_MEMORY: True}, allow_nan=False), flush=True)


def is_out_of_memory(error: Exception) -> bool:
    """Return whether an error of PyTorch or JAX says that the card's memory does not suffice."""
    return "RESOURCE_EXHAUSTED" in str(error) or OUT_OF_MEMORY in str(error).lower()


def read_answer(output: str) -> Found:
    """Return the last answer in the output of a process, which may have been cut: {} for none."""
    answers = [line for line in output.splitlines() if line.startswith(ANSWER)]
    return json.loads(answers[-1].removeprefix(ANSWER)) if answers else {}
