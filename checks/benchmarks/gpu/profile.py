"""Profile the device time of our training step on JAX, as tables. The runner starts it."""

import gzip
import re
import shutil
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import jax
import keras

from checks.benchmarks.gpu.keras_model import compiled_model, weighted_batches
from checks.benchmarks.gpu.task import Found, Task, answer
from checks.benchmarks.keras_device import device_name

TRACED_STEPS = 3
LARGEST = 25
NANOSECONDS_A_MS = 1e6
# The name of an operation of the compiled program, its kind, and its origin in our code.
INSTRUCTION = re.compile(r"^\s*(?:ROOT )?%?(\S+) = .*?\s([\w-]+)\(.*op_name=\"([^\"]*)\"", re.M)
LAYERS = (
    "self_attention_layer",
    "feedforward_intermediate_dense",
    "feedforward_output_dense",
    "layer_norm",
    "dropout",
    "token_embedding",
    "rel_embedding",
    "head",
    "pool",
)


def measure(task: Task) -> Iterator[Found]:
    """Yield XLA's cost analysis of the compiled step, then with the profile of some steps."""
    model, batch = compiled_model(task.line), weighted_batches(task)[0]
    # Creates the variables of the metrics, as `fit` does before its first step.
    model._symbolic_build(data_batch=batch)
    state = _state(model)
    # The program of Keras's `fit` on JAX.
    step = jax.jit(model.train_step, donate_argnums=0).lower(state, batch).compile()
    memory = step.memory_analysis()
    found = {"device": device_name(), "cost": _cost(step)}
    found["temporary_gib"] = memory.temp_size_in_bytes / 2**30
    yield found
    _, state = step(state, batch)
    jax.block_until_ready(state)
    with TemporaryDirectory() as folder:
        with jax.profiler.trace(folder):
            for _ in range(TRACED_STEPS):
                _, state = step(state, batch)
            jax.block_until_ready(state)
        (trace,) = Path(folder).rglob("*.xplane.pb")
        # Kept for a closer look: `xprof` and TensorBoard read the trace.
        shutil.copyfile(trace, Path(task.out, "profile.xplane.pb"))
    program = step.as_text()
    Path(task.out, "profile-program.txt.gz").write_bytes(gzip.compress(program.encode()))
    data = jax.profiler.ProfileData.from_file(str(Path(task.out, "profile.xplane.pb")))
    yield found | {
        "profile": profile_tables(operation_milliseconds(data), operation_origins(program))
    }


def _state(model: keras.Model) -> tuple[list, ...]:
    groups = (
        model.trainable_variables,
        model.non_trainable_variables,
        model.optimizer.variables,
        model.metrics_variables,
    )
    return tuple([variable.value for variable in group] for group in groups)


def _cost(step: jax.stages.Compiled) -> dict[str, float]:
    cost = step.cost_analysis()
    return {name: cost[name] for name in ("flops", "bytes accessed") if name in cost}


def operation_origins(program: str) -> dict[str, str]:
    """Return the origin of each operation of a compiled program in XLA's text format."""
    return {name: origin for name, _, origin in INSTRUCTION.findall(program)}


def operation_milliseconds(profile: jax.profiler.ProfileData) -> dict[str, float]:
    """Return the milliseconds per step of each operation on the device, by its name in XLA."""
    milliseconds: dict[str, float] = defaultdict(float)
    for plane in profile.planes:
        on_card = plane.name.startswith("/device:")
        for line in plane.lines:
            # On a GPU, the lines of streams have the operations, and other lines have sums.
            if on_card and not line.name.startswith("Stream"):
                continue
            for event in line.events:
                # A kernel, or a function on a CPU, has the name of its operation in its statistics.
                name = dict(event.stats).get("hlo_op") or (event.name if on_card else None)
                if name:
                    milliseconds[str(name)] += event.duration_ns / NANOSECONDS_A_MS / TRACED_STEPS
    return dict(milliseconds)


def profile_tables(milliseconds: dict[str, float], origins: dict[str, str]) -> dict[str, list]:
    """Return tables with rows [name, milliseconds per step], the longest first.

    Args:
        milliseconds: the time of each operation, by its name.
        origins: the result of `operation_origins`.

    Returns:
        `kinds` of operations, `layers` of the model (forward and backward), and the longest
        `operations` with their origins.
    """
    kinds: dict[str, float] = defaultdict(float)
    layers: dict[str, float] = defaultdict(float)
    for name, spent in milliseconds.items():
        kinds[re.sub(r"[._]\d+", "", name)] += spent
        layers[layer_of(origins.get(name, ""))] += spent
    operations = {
        f"{name} ({origins.get(name, 'unknown')[-100:]})": spent
        for name, spent in milliseconds.items()
    }
    return {
        "kinds": _longest(kinds),
        "layers": _longest(layers),
        "operations": _longest(operations),
    }


def layer_of(origin: str) -> str:
    """Return the part of the model of an operation, and whether it is forward or backward."""
    direction = "backward" if "transpose(" in origin else "forward"
    # The innermost layer of the origin.
    found = [(origin.rfind(layer), layer) for layer in LAYERS if layer in origin]
    if found:
        return f"{max(found)[1]}, {direction}"
    return "optimizer, loss and other" if origin else "unknown"


def _longest(spent: dict[str, float]) -> list[list]:
    ordered = sorted(spent.items(), key=lambda item: -item[1])
    return [[name, value] for name, value in ordered[:LARGEST]]


if __name__ == "__main__":
    answer(measure)
