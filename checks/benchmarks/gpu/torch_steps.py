"""Time training and prediction of Hugging Face's DeBERTa in PyTorch. The runner starts it.

It computes in bfloat16 by autocast, with float32 weights and the fused AdamW of Hugging Face's
Trainer.
"""

import time
from collections.abc import Callable, Iterator
from itertools import cycle
from statistics import median

import torch

from checks.benchmarks.gpu.rates import prediction_rates, random_batches, training_rates
from checks.benchmarks.gpu.task import COMPILED, Found, Task, answer
from checks.benchmarks.hugging_face import PreferenceModel, build_optimizer
from checks.benchmarks.measure_torch import DEVICE, peak_memory_gib
from checks.benchmarks.sizes import LABEL_SMOOTHING, SEED, SIZES

TorchBatch = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


def measure(task: Task) -> Iterator[Found]:
    """Yield the rates of training, then these with the rates of prediction."""
    torch.manual_seed(SEED)
    line = task.line
    system = "transformers" if line.system == COMPILED else line.system
    model = PreferenceModel(system, SIZES[line.size]["num_layers"], line.size).to(DEVICE)
    optimizer = build_optimizer(model)
    if line.system == COMPILED:
        model.compile(dynamic=False)
    batches = _batches(task)
    device = "cpu" if DEVICE.type == "cpu" else torch.cuda.get_device_name()
    model.train()
    seconds, compile_s = time_steps(task, batches, lambda batch: train(model, optimizer, batch))
    found = {"device": device} | training_rates(task, seconds, device)
    found |= {"compile_s": compile_s, "train_memory_gib": peak_memory_gib()}
    yield found
    model.eval()
    seconds, _ = time_steps(task, batches, lambda batch: predict(model, batch))
    found |= prediction_rates(task, seconds, device)
    yield found | {"peak_memory_gib": peak_memory_gib()}


def train(model: PreferenceModel, optimizer: torch.optim.Optimizer, batch: TorchBatch) -> None:
    """Take one step."""
    token_ids, padding_mask, labels = batch
    with torch.autocast(DEVICE.type, dtype=torch.bfloat16):
        logits = model(token_ids, padding_mask)
    loss = torch.nn.functional.cross_entropy(
        logits.float(), labels, label_smoothing=LABEL_SMOOTHING
    )
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()


def predict(model: PreferenceModel, batch: TorchBatch) -> None:
    """Compute the logits, and copy them to the host."""
    with torch.inference_mode(), torch.autocast(DEVICE.type, dtype=torch.bfloat16):
        model(*batch[:2]).float().cpu()


def time_steps(
    task: Task, batches: list[TorchBatch], step: Callable[[TorchBatch], None]
) -> tuple[float, float]:
    """Return the median seconds of a step, and by how much the first step was longer."""
    stream, scale = cycle(batches), task.scale
    first = _time_block(1, stream, step)
    _time_block(scale.warm_up, stream, step)
    steps = max(scale.steps // scale.blocks, 1)
    seconds = median(_time_block(steps, stream, step) for _ in range(scale.blocks)) / steps
    return seconds, first - seconds


def _time_block(
    steps: int, stream: Iterator[TorchBatch], step: Callable[[TorchBatch], None]
) -> float:
    _wait()
    began = time.perf_counter()
    for _ in range(steps):
        step(next(stream))
    _wait()
    return time.perf_counter() - began


def _batches(task: Task) -> list[TorchBatch]:
    return [
        tuple(
            torch.from_numpy(array).to(DEVICE).long()
            for array in (inputs["token_ids"], inputs["padding_mask"], labels)
        )
        for inputs, labels in random_batches(task)
    ]


def _wait() -> None:
    if DEVICE.type == "cuda":
        torch.cuda.synchronize()


if __name__ == "__main__":
    answer(measure)
