"""A small params.yaml that is good, and ways to spoil it."""

from copy import deepcopy

import yaml

from preference.config.params import load_params
from preference.runtime.yaml_file import write_yaml

GOOD = yaml.safe_load(
    """
seed: 2024
data:
  source: simulated
  extra: []
  hub: ""
  max_quarantined: 0.01
  simulated: {battles: 8000, length_scale: 0.1}
split: {train: 0.7, valid: 0.1, calibration: 0.05, test: 0.15, folds: 1, near_duplicates: count}
tokenizer: {vocabulary_size: 2000}
text: {turns: all}
model:
  preset: deberta_v3_tiny
  seq_len: 512
  dropout: null
  pool: mean
  head: concat
  head_units: []
  head_dropout: []
  features: false
train:
  seeds: []
  backend: tensorflow
  distribution: none
  optimizer: adam
  learning_rate: 0.003
  weight_decay: 0.0
  warmup_share: 0.1
  label_smoothing: 0.02
  head_learning_rate_factor: 1.0
  clip_norm: null
  freeze: none
  lora_rank: null
  weight_average: null
  tokens_per_batch: 2048
  epochs: 3
  patience: 2
  precision: float32
  jit: auto
  initial: null
  threads: null
  checkpoint_minutes: 15
reference:
  most_battles: 60000
  max_features: 20000
  inverse_regularization: 0.1
  trees: {number: 300, min_leaf: 8, max_features: 0.1}
evaluation: {resamples: 2000, both_orders: false, blend: [baseline], smallest_difference: 0.001,
             known_prompts: []}
submit: {model: baseline, battles: test.csv, both_orders: false}
experiments:
  baseline: {}
  exp1: {train: {optimizer: adamw, weight_decay: 0.01}}
"""
)
MISSING = object()


def changed(changes):
    """Return the repository's parameters with some keys set, or removed where MISSING."""
    params = deepcopy(GOOD)
    for key, value in changes.items():
        *sections, last = key.split(".")
        section = params
        for name in sections:
            section = section.setdefault(name, {})
        if value is MISSING:
            del section[last]
        else:
            section[last] = value
    return params


def load(folder, text):
    file = folder / "params.yaml"
    if isinstance(text, str):
        file.write_text(text)
    else:
        write_yaml(file, text)
    return load_params(file)
