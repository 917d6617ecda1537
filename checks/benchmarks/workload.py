"""Write the battles that every system of a table trains on and predicts.

A workload is a folder with `tokens/`, `rows.npy` and `labels.npy` for `preference`, and
`sequences.npz`, the same battles packed, for other systems.
"""

import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from checks.benchmarks.sequences import Sequences, save_sequences
from checks.benchmarks.sizes import SEED, VOCABULARY_SIZE
from checks.benchmarks.stage_runs import DATA_STAGES, run_stage, write_params
from preference.battles.table import FIELDS
from preference.sequences.packing import Packing, full_lengths, pack
from preference.sequences.token_store import SpecialTokens, Tokens, find_tokens, open_tokens
from preference.sequences.token_writer import FieldWriter, save_index

# The simulated tokenizer writes more tokens a character than DeBERTa's: with this scale a response
# has a median of 224 tokens and a mean of 286, where the real ones have 228 and 290.
LENGTH_SCALE = 0.7
ARENA_BATTLES = 2000
# Hugging Face and our code sort within a window of 50 batches of 8 battles.
RUN = 8
RUNS_A_WINDOW = 50
SPECIAL = SpecialTokens(cls=1, sep=2, pad=0, vocabulary_size=VOCABULARY_SIZE)
FIRST_ORDINARY_TOKEN = 5
PROMPT_TOKENS = 20


def write_real_lengths(folder: Path, seq_len: int, runs: int) -> None:
    """Write battles of a simulated arena with lengths like the real ones.

    The battles are runs of 8 neighbours in length, from all lengths of the arena. Few such battles
    can be batched with as little padding as many battles.

    Args:
        folder: the folder of the workload.
        seq_len: the maximum number of tokens of a sequence.
        runs: how many of the 50 runs of a window are written; each has 8 battles.
    """
    arena = folder / "arena"
    write_params(arena, ARENA_BATTLES, LENGTH_SCALE)
    for stage in DATA_STAGES:
        run_stage(stage, arena)
    shutil.copytree(find_tokens(arena / "data/tokens", "deberta_v3_tiny"), folder / "tokens")
    tokens = open_tokens(folder / "tokens")
    battles = pq.read_table(arena / "data/battles.parquet", columns=["id", "label"]).sort_by("id")
    packing = Packing(seq_len=seq_len, turns="all")
    lengths = full_lengths(tokens, np.arange(len(battles)), packing).max(axis=1)
    rows = choose_runs(np.minimum(lengths, seq_len), runs)
    _write(folder, tokens, rows, battles["label"].to_numpy()[rows], packing)


def choose_runs(lengths: np.ndarray, runs: int) -> np.ndarray:
    """Return evenly spaced runs of 8 neighbours among 400 quantiles: positions [8 * runs].

    Args:
        lengths: the length of each of at least 400 battles, [battles].
        runs: the number of runs, at most 50.
    """
    window = RUN * RUNS_A_WINDOW
    quantiles = ((np.arange(window) + 0.5) * len(lengths) / window).astype(int)
    by_length = np.argsort(lengths, kind="stable")[quantiles].reshape(-1, RUN)
    middles = ((np.arange(runs) + 0.5) * RUNS_A_WINDOW / runs).astype(int)
    return np.sort(by_length[middles].ravel())


def write_full_length(folder: Path, seq_len: int, battles: int) -> None:
    """Write battles of random tokens, both sides of each exactly `seq_len` long."""
    random = np.random.default_rng(SEED)
    response = seq_len - 3 - PROMPT_TOKENS
    lengths = dict(zip(FIELDS, (PROMPT_TOKENS, response, response), strict=True))
    (folder / "tokens").mkdir(parents=True)
    for field, length in lengths.items():
        writer = FieldWriter(folder / "tokens", field)
        ids = random.integers(FIRST_ORDINARY_TOKEN, VOCABULARY_SIZE, battles * length)
        writer.append(ids.astype(np.int32), np.full(battles, length))
        writer.save(np.arange(battles))
    save_index(folder / "tokens", np.arange(battles), np.ones(battles, dtype=np.int64), SPECIAL)
    packing = Packing(seq_len=seq_len, turns="all")
    tokens, labels = open_tokens(folder / "tokens"), random.integers(3, size=battles)
    _write(folder, tokens, np.arange(battles), labels, packing)


def _write(
    folder: Path, tokens: Tokens, rows: np.ndarray, labels: np.ndarray, packing: Packing
) -> None:
    np.save(folder / "rows.npy", rows)
    np.save(folder / "labels.npy", labels)
    inputs = pack(tokens, rows, packing, packing.seq_len)
    offsets = np.concatenate([[0], np.cumsum(inputs["padding_mask"].sum(axis=2).ravel())])
    ids = inputs["token_ids"][inputs["padding_mask"].astype(bool)]
    save_sequences(Sequences(ids, offsets, labels), folder / "sequences.npz")
