"""Linear references: logistic regression on features of answer A minus those of B.

prior   the fractions of wins and ties in train, with equal probabilities for A and B
length  the lengths of the two answers
tfidf   lengths, formatting, and the TF-IDF of words and of character trigrams

All are the same model, `PairedLogistic`, on more and more features, so that none has a position
bias. Even the prior averages the fractions of A and B, which differ by 0.7 percentage points in the
real data.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Literal

import numpy as np
import pyarrow as pa
import scipy.sparse as sp
from pydantic import Field
from sklearn.feature_extraction.text import TfidfVectorizer

from preference.battles.soft_labels import read_labels, read_weights
from preference.battles.splits import read_has_ties
from preference.config.params import ReferenceParams
from preference.config.validation import Finite, checked
from preference.references.antisymmetric_logistic import PairedLogistic, fit, predict
from preference.references.linear_features import (
    ANALYZERS,
    answer_texts,
    format_features,
    length_features,
    tfidf_vectorizer,
)
from preference.runtime.strict_json import check_values, parse_json, to_json

DENSE_FEATURES = {
    "prior": [],
    "length": [length_features],
    "tfidf": [length_features, format_features],
}


@dataclass(frozen=True)
class LinearReference:
    """A fitted linear reference; `vectorizers` is empty unless `name` is tfidf."""

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
class SavedLinear:
    """The content of `<name>.json`: the weights of p features, and the terms among these."""

    tie: Finite
    signed: list[Finite]
    absolute: list[Finite]
    terms: list[SavedTerms]


def fit_linear(name: str, battles: pa.Table, params: ReferenceParams) -> LinearReference:
    """Fit the reference `name` to battles.

    Raises:
        BadInput: all battles are ties.
    """
    texts = answer_texts(battles["response_a"]) + answer_texts(battles["response_b"])
    analyzers = ANALYZERS if name == "tfidf" else ()
    vectorizers = [tfidf_vectorizer(analyzer, params.max_features) for analyzer in analyzers]
    terms = [vectorizer.fit_transform(texts) for vectorizer in vectorizers]
    differences = _differences(name, texts, terms)
    model = fit(
        differences,
        read_labels(battles),
        params.inverse_regularization,
        read_has_ties(battles),
        read_weights(battles),
    )
    return LinearReference(name, vectorizers, model)


def predict_linear(reference: LinearReference, battles: pa.Table) -> np.ndarray:
    """Return the probabilities of battles, float64 [n, 3]."""
    texts = answer_texts(battles["response_a"]) + answer_texts(battles["response_b"])
    terms = [vectorizer.transform(texts) for vectorizer in reference.vectorizers]
    return predict(reference.model, _differences(reference.name, texts, terms))


def linear_to_bytes(reference: LinearReference) -> bytes:
    """Return the weights, and each term with its inverse document frequency, as JSON."""
    saved = SavedLinear(
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
    return to_json(asdict(saved)).encode()


def linear_from_bytes(name: str, content: bytes) -> LinearReference:
    """Return the reference that `linear_to_bytes` wrote; it predicts the same to the last bit.

    Raises:
        ValueError: the content is damaged, or does not have one weight for each feature.
    """
    saved = check_values(SavedLinear, parse_json(content))
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
    return LinearReference(name, vectorizers, PairedLogistic(signed, absolute, saved.tie))


def _dense_width(name: str) -> int:
    return sum(features([""]).shape[1] for features in DENSE_FEATURES[name])


def _differences(name: str, texts: Sequence[str], terms: Sequence[sp.csr_matrix]) -> sp.csr_array:
    """Return features of A minus those of B, [n, p]; `texts` has n answers A, then n answers B."""
    dense = [sp.csr_array(features(texts)) for features in DENSE_FEATURES[name]]
    battles = len(texts) // 2
    no_features = sp.csr_array((len(texts), 0))
    features = sp.hstack([no_features, *dense, *terms], format="csr")
    return sp.csr_array(features[:battles] - features[battles:])
