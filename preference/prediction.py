"""Predict battles with a trained model, in both orders, longest battles first."""

from pathlib import Path

import keras
import numpy as np
from scipy.special import softmax
from tqdm import tqdm

from preference.batches import make_inputs, packed_lengths, padded_widths, sorted_batches
from preference.battles import A_WINS, B_WINS, LABELS, TIE
from preference.determinism import make_deterministic
from preference.model import score_both_orders
from preference.packing import Packing
from preference.predictions import Predictions
from preference.saved_model import load_model
from preference.tokens import Tokens, open_tokens

# 4 battles at 1,024 tokens: with 12 heads, 400 MB a tensor of float32 scores.
TOKENS_PER_BATCH = 8192


def predict_battles(
    model: keras.Model, tokens: Tokens, ids: np.ndarray, packing: Packing, name: str
) -> Predictions:
    """Predict the battles `ids`, int64 [n]; `name` stands beside the progress bar."""
    scorer = score_both_orders(model)
    # Keras compiles a model that nobody compiled with XLA: once for each width of batch.
    scorer.compile(jit_compile=False)
    rows = tokens.rows_of(ids)
    lengths = packed_lengths(tokens, rows, packing)
    widths = padded_widths(lengths, packing.seq_len)
    logits = np.empty((len(rows), 2, len(LABELS)))
    with tqdm(total=len(rows), desc=f"predict {name}", unit=" battles") as progress:
        for batch in sorted_batches(lengths, widths, TOKENS_PER_BATCH):
            scores = scorer.predict_on_batch(make_inputs(tokens, rows[batch], packing))
            logits[batch, 0], logits[batch, 1] = scores["logits"], scores["swapped"]
            progress.update(len(batch))
    probabilities = softmax(logits, axis=-1)
    return Predictions(
        ids=ids,
        probabilities=probabilities[:, 0],
        swapped=probabilities[:, 1][:, [B_WINS, A_WINS, TIE]],
    )


def predict_saved(folder: Path, ids: np.ndarray) -> Predictions:
    """Predict the battles `ids` with the model saved in `folder`."""
    make_deterministic()
    saved = load_model(folder)
    tokens = open_tokens(Path(saved.tokens))
    return predict_battles(saved.model, tokens, ids, saved.packing, folder.name)
