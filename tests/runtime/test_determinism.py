import numpy as np

from preference.config.model_params import ModelParams
from preference.models.preference_model import build_model
from preference.models.pretrained.backbones import load_backbone
from preference.runtime.tensorflow_runtime import make_deterministic


def test_logits_of_wide_batches_repeat_to_the_last_bit():
    make_deterministic()
    params = ModelParams(
        dropout=None,
        preset="deberta_v3_tiny",
        seq_len=512,
        pool="mean",
        head="concat",
        head_units=[],
        head_dropout=[],
    )
    model = build_model(load_backbone(params.preset, 100), params)
    model.compile(jit_compile=False)
    # In a batch this wide, threads race to add the three scores of attention, if they can.
    random = np.random.default_rng(1)
    wide = {
        "token_ids": random.integers(4, 100, (16, 2, 512)),
        "padding_mask": np.ones((16, 2, 512), dtype=np.int32),
    }
    narrow = {name: values[:, :, :128] for name, values in wide.items()}
    outputs = []
    for _ in range(12):
        outputs.append(model.predict_on_batch(wide))
        model.predict_on_batch(narrow)
    # The first call is of a graph with known shapes, which may differ from the later ones.
    assert len({values.tobytes() for values in outputs[2:]}) == 1
