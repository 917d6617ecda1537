"""A bundle of a tiny random model whose head reads features."""

import functools

import keras
from small_bundle import PARAMETERS, bundle_of, small_manifest, small_tokenizer
from small_model import make_backbone, model_params

from preference.models.preference_model import build_model
from preference.sequences.feature_normalization import Normalization, Scale

FILE = "features.json"
SCALES = [
    Scale(name="answer: characters", mean=5.0, deviation=1.5),
    Scale(name="answer: bullets", mean=0.25, deviation=0.0),
    Scale(name="prompt: words", mean=2.0, deviation=0.5),
]
NORMALIZATION = Normalization(features=SCALES)


@functools.cache
def network():
    keras.backend.clear_session()
    keras.utils.set_random_seed(3)
    backbone = make_backbone(small_tokenizer().vocabulary_size())
    return build_model(backbone, model_params("equivariant"), len(SCALES))


def manifest_with(**features):
    return small_manifest(parameters={**PARAMETERS, "model": PARAMETERS["model"] | features})


def write_bundle_with_features(folder):
    manifest = manifest_with(features=True)
    return bundle_of(network(), small_tokenizer(), manifest, folder, NORMALIZATION)
