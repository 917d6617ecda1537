"""The task of one process, which it gets as JSON, and its answers."""

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
        deterministic: whether XLA uses deterministic operations, as in a training on JAX; it
        applies
            to `ours` alone.
        batch_factor: a factor for the number of battles in a step.
        limit_s: the seconds after which its process is killed.
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
        """Whether the system uses PyTorch, and not JAX."""
        return self.system in (*TORCH_SYSTEMS, COMPILED)

    def __str__(self) -> str:
        """Name the line."""
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
        tokens_a_step: the tokens of both sequences of all battles of a step.
        warm_up: the steps before the timed ones.
        steps: the training steps that are timed; with PyTorch they are divided into blocks.
        blocks: the blocks of steps, with a wait after each. In prediction with Keras, each block
        has
            `steps` steps.
        product_width: the width of the square matrix product on the GPU.
        copied_mib: the size of the copy on the GPU.
        battles: the number of battles of real length.
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
        line: what is measured.
        scale: how much is measured.
        battles: the number of battles in a step.
        out: the folder for files other than the row.
    """

    line: Line
    scale: Scale
    battles: int
    out: str = ""

    def to_json(self) -> str:
        """Return the task as JSON for `read_task`."""
        return json.dumps(asdict(self), allow_nan=False)


def read_task(text: str) -> Task:
    """Read a task that `Task.to_json` wrote."""
    task = json.loads(text)
    line, scale = Line(**task.pop("line")), Scale(**task.pop("scale"))
    return Task(line, scale, **task)


def answer(measure: Callable[[Task], Iterator[Found]]) -> None:
    """Measure the task of the command line, and print each answer at once.

    Each answer includes the earlier ones. The last one reports it if the memory did not suffice.
    """
    try:
        for found in measure(read_task(sys.argv[1])):
            print(ANSWER + json.dumps(found, allow_nan=False), flush=True)
    # PyTorch and JAX have different classes of errors for it.
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        print(ANSWER + json.dumps({OUT_OF_MEMORY: True}, allow_nan=False), flush=True)


def is_out_of_memory(error: Exception) -> bool:
    """Return whether an error of PyTorch or JAX means that the memory does not suffice."""
    return "RESOURCE_EXHAUSTED" in str(error) or OUT_OF_MEMORY in str(error).lower()


def read_answer(output: str) -> Found:
    """Return the last answer in the output of a process, or {} without an answer."""
    answers = [line for line in output.splitlines() if line.startswith(ANSWER)]
    return json.loads(answers[-1].removeprefix(ANSWER)) if answers else {}
