"""One process of a training run on JAX, and its communication with the others.

Guarantees
1. All processes train the same model: different parameters, data, code or weights are an error.
2. All resume at the same step, although only the first process has the checkpoint.
3. When one process is lost, the others end: at once if its connections break, otherwise after
   `HEARTBEAT_SECONDS` without a message from it.
"""

import io
import os
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import jax
import keras
import numpy as np
import tensorflow as tf
from jax.experimental import multihost_utils

from preference.runtime.errors import BadInput
from preference.runtime.terminal_text import one_line
from preference.training.checkpoint_file import Checkpoint, read_checkpoint
from preference.training.checkpointing import find_checkpoint
from preference.training.distributed.launcher import ProcessGroup
from preference.training.distributed.shard import Shard

# How long processes wait for each other to start.
START_SECONDS = 300
# 30 seconds were too few on an overloaded machine.
HEARTBEAT_SECONDS = 100
# A checkpoint is sent in chunks of this size.
CHUNK_BYTES = 2**26


@contextmanager
def joined_processes(group: ProcessGroup, distribution: str) -> Iterator[Shard]:
    """Connect to the other processes, and yield the rows of every batch that this one reads.

    On an error the process ends at once: an orderly shutdown would wait for the other processes,
    which wait for this one.
    """
    try:
        yield _join(group, distribution)
    except BadInput as error:
        print(f"error: {one_line(error)}", file=sys.stderr, flush=True)
        os._exit(1)
    except Exception as error:
        if group.size > 1 and isinstance(error, jax.errors.JaxRuntimeError):
            # Usually another process was lost, which a traceback into Keras would not show.
            reason = one_line(str(error).splitlines()[0])
            print(
                f"process {group.ranks[0]} of {group.size}: {reason}", file=sys.stderr, flush=True
            )
        else:
            traceback.print_exc()
        os._exit(1)
    jax.distributed.shutdown()


def _join(group: ProcessGroup, distribution: str) -> Shard:
    # Otherwise sums on a GPU, such as the gradient of an embedding, have no fixed order.
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_gpu_deterministic_ops=true"
    # TensorFlow only makes the batches, but would reserve all memory of a GPU.
    tf.config.set_visible_devices([], "GPU")
    if group.size > 1:
        jax.config.update("jax_cpu_collectives_implementation", "gloo")
        # Otherwise a process does not end on SIGTERM.
        jax.config.update("jax_enable_preemption_service", False)
        jax.distributed.initialize(
            coordinator_address=group.coordinator,
            num_processes=group.size,
            process_id=group.ranks[0],
            initialization_timeout=START_SECONDS,
            heartbeat_timeout_seconds=HEARTBEAT_SECONDS,
            cluster_detection_method="deactivate",
        )
    if distribution == "none":
        return Shard()
    keras.distribution.set_distribution(keras.distribution.DataParallel(auto_shard_dataset=False))
    return Shard(jax.process_index(), jax.process_count(), jax.device_count())


def find_same_checkpoint(path: Path, identity: Mapping[str, str]) -> Checkpoint | None:
    """Return the checkpoint that `find_checkpoint` returns in the first process, in every process.

    Raises:
        BadInput: the identities of the processes differ; raised in every process.
    """
    _check_same(identity)
    found = find_checkpoint(path, identity) if jax.process_index() == 0 else None
    if jax.process_count() == 1:
        return found
    content = _send(path.read_bytes() if found else b"")
    return read_checkpoint(io.BytesIO(content)) if content else None


def _check_same(identity: Mapping[str, str]) -> None:
    digests = [list(sha256(part.encode()).digest()) for part in identity.values()]
    everywhere = multihost_utils.process_allgather(np.array([digests], np.uint8), tiled=True)
    for rank, theirs in enumerate(everywhere):
        differs = (theirs != everywhere[0]).any(axis=1)
        other = [name for name, differ in zip(identity, differs, strict=True) if differ]
        if other:
            raise BadInput(
                f"process {rank} has other {' and '.join(other)} than process 0: let both have "
                "the same commit, params.yaml, environment and data."
            )


def _send(content: bytes) -> bytes:
    """Return the `content` of the first process, in every process."""
    chunks, last = divmod(len(content), CHUNK_BYTES)
    chunks, last = multihost_utils.broadcast_one_to_all(np.array([chunks, last], np.int32))
    values = np.frombuffer(content, np.uint8)
    received: list[np.ndarray] = []
    for size in [CHUNK_BYTES] * int(chunks) + [int(last)] * bool(last):
        first = len(received) * CHUNK_BYTES
        mine = values[first : first + size] if len(values) else np.zeros(size, np.uint8)
        received.append(np.asarray(multihost_utils.broadcast_one_to_all(mine)))
    return b"".join(chunk.tobytes() for chunk in received)
