"""One process of a training on JAX, and what it does together with the others.

Guarantees
1. All processes train the same: other parameters, data, code or weights are refused.
2. All go on at the same step, though the first alone has the checkpoint.
3. Where one is lost, the others end: at once where its connections break, or after
   `HEARTBEAT_SECONDS` without a word from it.
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

# How long the first process waits for the others to start, and they for it.
START_SECONDS = 300
# On a machine with too much to do, 30 were too few.
HEARTBEAT_SECONDS = 100
# Of a checkpoint that is sent, at a time.
CHUNK_BYTES = 2**26


@contextmanager
def joined_processes(group: ProcessGroup, distribution: str) -> Iterator[Shard]:
    """Meet the other processes, and yield this one's share of every batch.

    On an error the process ends at once: to leave in order, it would wait for the others, which
    wait for it.
    """
    try:
        yield _join(group, distribution)
    except BadInput as error:
        print(f"error: {one_line(error)}", file=sys.stderr, flush=True)
        os._exit(1)
    except Exception as error:
        if group.size > 1 and isinstance(error, jax.errors.JaxRuntimeError):
            # Most often another process was lost, and a traceback into Keras says nothing of it.
            reason = one_line(str(error).splitlines()[0])
            print(
                f"process {group.ranks[0]} of {group.size}: {reason}", file=sys.stderr, flush=True
            )
        else:
            traceback.print_exc()
        os._exit(1)
    jax.distributed.shutdown()


def _join(group: ProcessGroup, distribution: str) -> Shard:
    # Else sums on a GPU, as those of an embedding's gradient, have no fixed order.
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_gpu_deterministic_ops=true"
    # It only makes the batches, and would take all memory of a GPU.
    tf.config.set_visible_devices([], "GPU")
    if group.size > 1:
        jax.config.update("jax_cpu_collectives_implementation", "gloo")
        # Else a process that is told to end by SIGTERM does not.
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
    """Return what `find_checkpoint` finds for the first process, which sends it to the others.

    Raises:
        BadInput: some part of the identity differs, in every process.
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
    """Return what the first process gives."""
    chunks, last = divmod(len(content), CHUNK_BYTES)
    chunks, last = multihost_utils.broadcast_one_to_all(np.array([chunks, last], np.int32))
    values = np.frombuffer(content, np.uint8)
    received = []
    for size in [CHUNK_BYTES] * int(chunks) + [int(last)] * bool(last):
        first = len(received) * CHUNK_BYTES
        mine = values[first : first + size] if len(values) else np.zeros(size, np.uint8)
        received.append(np.asarray(multihost_utils.broadcast_one_to_all(mine)))
    return b"".join(chunk.tobytes() for chunk in received)
