"""References: models without a network, which an experiment must beat to be worth its cost.

prior   the fractions of wins and ties in train, with equal probabilities for A and B
length  the lengths of the two answers
tfidf   lengths, formatting, and the TF-IDF of words and of character trigrams

All are the same model, `PairedLogistic`, on more and more features of A minus B, so that none has a
position bias. Even the prior averages the fractions of A and B, which differ by 0.7 percentage
points in the real data. References read all turns, whatever `text.turns` says.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import pyarrow as pa
import scipy.sparse as sp
from pydantic import Field
from sklearn.feature_extraction.text import TfidfVectorizer

from preference.battles.predictions import Predictions, check_probabilities
from preference.battles.splits import read_has_ties
from preference.config.params import ReferenceParams
from preference.config.validation import Finite, checked
from preference.references.antisymmetric_logistic import PairedLogistic, fit, predict
from preference.references.features import (
    ANALYZERS,
    answer_texts,
    format_features,
    length_features,
    tfidf_vectorizer,
)
from preference.runtime.strict_json import damaged, read_checked, to_json

DENSE_FEATURES = {
    "prior": [],
    "length": [length_features],
    "tfidf": [length_features, format_features],
}
BATTLE_COLUMNS = ("response_a", "response_b", "label")
STAGE = "train_reference"


@dataclass(frozen=True)
class Reference:
    """A fitted reference; `vectorizers` is empty unless `name` is tfidf."""

    name: str
    vectorizers: Sequence[TfidfVectorizer]
    model: PairedLogistic


@checked
class SavedTerms:
    """The terms of one vectorizer, each with its inverse document frequency."""

    analyzer: Literal["word", "char_wb"]
    vocabulary: list[str]
    idf: list[Annotated[Finite, Field(gt=0)]]

    def __post_init__(self) -> None:
        if not len(set(self.vocabulary)) == len(self.vocabulary) == len(self.idf):
            raise ValueError("vocabulary has a term twice, or not as many terms as idf")


@checked
class SavedReference:
    """The content of `<name>.json`: the weights of p features, and the terms among these."""

    tie: Finite
    signed: list[Finite]
    absolute: list[Finite]
    terms: list[SavedTerms]


def fit_reference(name: str, battles: pa.Table, params: ReferenceParams) -> Reference:
    """Fit the reference `name` to battles that have `BATTLE_COLUMNS`.

    Raises:
        BadInput: all battles are ties.
    """
    texts = answer_texts(battles["response_a"]) + answer_texts(battles["response_b"])
    analyzers = ANALYZERS if name == "tfidf" else ()
    vectorizers = [tfidf_vectorizer(analyzer, params.max_features) for analyzer in analyzers]
    terms = [vectorizer.fit_transform(texts) for vectorizer in vectorizers]
    differences = _differences(name, texts, terms)
    labels, has_ties = battles["label"].to_numpy(), read_has_ties(battles)
    model = fit(differences, labels, params.inverse_regularization, has_ties)
    return Reference(name, vectorizers, model)


def predict_reference(reference: Reference, battles: pa.Table) -> Predictions:
    """Predict battles with the columns `id`, `response_a` and `response_b`.

    Raises:
        BadInput: the predictions are not probabilities.
    """
    texts = answer_texts(battles["response_a"]) + answer_texts(battles["response_b"])
    terms = [vectorizer.transform(texts) for vectorizer in reference.vectorizers]
    probabilities = predict(reference.model, _differences(reference.name, texts, terms))
    check_probabilities(reference.name, probabilities)
    return Predictions(battles["id"].to_numpy(), probabilities, swapped=probabilities)


def save_reference(reference: Reference, folder: Path) -> None:
    """Write `<name>.json`: the weights, and each term with its inverse document frequency."""
    saved = SavedReference(
        tie=reference.model.tie,
        signed=reference.model.signed.tolist(),
        absolute=reference.model.absolute.tolist(),
        terms=[
            SavedTerms(
                analyzer=vectorizer.analyzer,
                vocabulary=vectorizer.get_feature_names_out().tolist(),
                idf=vectorizer.idf_.tolist(),
            )
            for vectorizer in reference.vectorizers
        ],
    )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{reference.name}.json").write_text(to_json(asdict(saved)), encoding="utf-8")


def load_reference(name: str, folder: Path) -> Reference:
    """Load a reference that `save_reference` wrote; its predictions are the same to the last bit.

    Raises:
        BadInput: the file does not exist, or is damaged.
    """
    path = folder / f"{name}.json"
    saved = read_checked(SavedReference, path, STAGE)
    try:
        return build_reference(name, saved)
    except ValueError as error:
        raise damaged(path, error, STAGE) from error


def build_reference(name: str, saved: SavedReference) -> Reference:
    """Return the reference that was saved.

    Raises:
        ValueError: it does not have one weight for each feature.
    """
    vectorizers = []
    for terms in saved.terms:
        vectorizer = tfidf_vectorizer(terms.analyzer)
        vectorizer.set_params(vocabulary=terms.vocabulary)
        vectorizer.idf_ = np.array(terms.idf)
        vectorizers.append(vectorizer)
    features = _dense_width(name) + sum(len(terms.vocabulary) for terms in saved.terms)
    if not len(saved.signed) == len(saved.absolute) == features:
        raise ValueError(f"it does not have one weight for each of {features} features")
    signed, absolute = np.array(saved.signed), np.array(saved.absolute)
    return Reference(name, vectorizers, PairedLogistic(signed, absolute, saved.tie))


def _dense_width(name: str) -> int:
    return sum(features([""]).shape[1] for features in DENSE_FEATURES[name])


def _differences(name: str, texts: Sequence[str], terms: Sequence[sp.csr_matrix]) -> sp.csr_array:
    """Return features of A minus those of B, [n, p]; `texts` has n answers A, then n answers B."""
    dense = [sp.csr_array(features(texts)) for features in DENSE_FEATURES[name]]
    battles = len(texts) // 2
    no_features = sp.csr_array((len(texts), 0))
    features = sp.hstack([no_features, *dense, *terms], format="csr")
    return sp.csr_array(features[:battles] - features[battles:])
