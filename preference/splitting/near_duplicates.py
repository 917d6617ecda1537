"""Find battles whose prompts are nearly the same.

Two prompts are near duplicates if the Jaccard similarity of their shingles is `SIMILAR` or more.
Prompts with the same words in the same order are one text; a prompt without a word has no near
duplicate. Answers are not compared: they are several times as long, and among 1,000 real battles no
two have nearly the same pair of answers.

Guarantees
1. Each pair that is returned has at least this similarity, up to the error of `text_sketches`.
2. Pairs with exactly this similarity are missed at a rate of 2 in 10,000, and more similar pairs at
   a lower rate. In a large set of similar texts, each text is paired with some of the others only.
3. Time and memory grow linearly with the number of texts: in such a set, each text is compared with
   `NEIGHBOURS` texts on either side, until it has as many near duplicates and is in one cluster
   with them.
4. The result does not depend on the order of the rows.

Candidates are texts whose signatures agree in a whole band; each candidate pair is then verified.
Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, section 3.4 (locality-sensitive
hashing).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from preference.splitting.distinct import sort_distinct
from preference.splitting.text_sketches import SHINGLES_KEPT, SIGNATURE

SIMILAR = 0.8
# A band has four places: 1 - (1 - SIMILAR**4)**16 = 0.9998 of the pairs agree in at least one band.
BANDS = 16
# Four standard deviations below SIMILAR. Pairs that agree in fewer places are not verified.
MIN_AGREEING = 0.6 * SIGNATURE
NEIGHBOURS = 8
PAIRS_AT_ONCE = 8192
FACTOR = np.uint64(0x9E3779B97F4A7C15)
LARGEST = np.iinfo(np.uint32).max


@dataclass(frozen=True)
class NearDuplicates:
    """Texts that are near duplicates of each other.

    Attributes:
        texts: the number of each battle's prompt, int64 [n]; prompts with the same words have the
            same number.
        pairs: the numbers of two texts that are near duplicates, int64 [pairs, 2].
    """

    texts: np.ndarray
    pairs: np.ndarray

    def clusters(self) -> np.ndarray:
        """Return the cluster of each battle, int64 [n]; both texts of a pair are in one cluster."""
        return _join(self.pairs, len(self.texts))[self.texts]

    def has_one_among(self, others: np.ndarray) -> np.ndarray:
        """Return whether each battle has a near duplicate, or its own text, among `others`.

        A text with `NEIGHBOURS` near duplicates was not compared with all texts of its cluster, so
        that any text of the cluster counts.

        Args:
            others: which battles to look among, bool [n].

        Returns:
            bool [n].
        """
        count = len(self.texts)
        is_theirs = np.zeros(count, dtype=bool)
        is_theirs[self.texts[others]] = True
        found = is_theirs.copy()
        for one, other in (self.pairs.T, self.pairs.T[::-1]):
            found[one[is_theirs[other]]] = True
        clusters = _join(self.pairs, count)
        has_theirs = np.zeros(count, dtype=bool)
        has_theirs[clusters[is_theirs]] = True
        is_crowded = np.bincount(self.pairs.ravel(), minlength=count) >= NEIGHBOURS
        found |= is_crowded & has_theirs[clusters]
        return found[self.texts]


def find_near_duplicates(sketches: pa.Table) -> NearDuplicates:
    """Compare the prompts of all battles.

    Args:
        sketches: the result of `sketch_prompts`, with one row for each battle.
    """
    has_words = pc.is_valid(sketches["words"]).to_numpy()
    words = sketches["words"].drop_null().to_numpy()
    # `np.unique` sorts by the hash of the words, so that the order of the rows does not matter.
    _, firsts, numbers = np.unique(words, return_index=True, return_inverse=True)
    texts = np.empty(len(sketches), dtype=np.int64)
    texts[has_words] = numbers
    texts[~has_words] = len(firsts) + np.arange(len(sketches) - len(words))
    rows = np.flatnonzero(has_words)[firsts]
    return NearDuplicates(texts, _find_pairs(_Texts(sketches, rows)))


class _Texts:
    """The sketches of `count` texts, which are some rows of a table of sketches.

    No sketch is copied but those of the pairs that are compared: those of a million texts take half
    a gigabyte.
    """

    def __init__(self, sketches: pa.Table, rows: np.ndarray) -> None:
        self.count, self._rows = len(rows), rows
        signature, self._shingles = map(_as_one, (sketches["signature"], sketches["shingles"]))
        self._signatures = signature.values.to_numpy().reshape(-1, SIGNATURE)

    def band(self, number: int) -> np.ndarray:
        """Return a hash of each text's places of one band of the signature, uint64 [count]."""
        halves = self._signatures.view(np.uint64).reshape(-1, BANDS, 2)
        return halves[self._rows, number, 0] * FACTOR + halves[self._rows, number, 1]

    def signatures(self, texts: np.ndarray) -> np.ndarray:
        """Return the signatures of some texts, uint32 [texts, SIGNATURE]."""
        return self._signatures[self._rows[texts]]

    def shingles(self, texts: np.ndarray) -> pa.LargeListArray:
        """Return the shingles of some texts, list<uint32> [texts]."""
        return self._shingles.take(self._rows[texts])


def _as_one(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _find_pairs(texts: _Texts) -> np.ndarray:
    """Return the pairs of near duplicates among the texts, int64 [pairs, 2]."""
    count = texts.count
    found_of_text = np.zeros(count, dtype=np.int64)
    tested, similar = np.empty((2, 0), dtype=np.int64)
    for one, other in _candidates(texts):
        clusters = _join(np.stack(np.divmod(similar, count), axis=1), count)
        is_new = clusters[one] != clusters[other]
        needed = is_new | (np.minimum(found_of_text[one], found_of_text[other]) < NEIGHBOURS)
        pairs = (np.minimum(one, other) * count + np.maximum(one, other))[needed]
        pairs = np.setdiff1d(sort_distinct(pairs), tested, assume_unique=True)
        tested = np.concatenate([tested, pairs])
        found = pairs[_are_similar(*np.divmod(pairs, count), texts)]
        similar = np.concatenate([similar, found])
        found_of_text += np.bincount(np.concatenate(np.divmod(found, count)), minlength=count)
    return np.stack(np.divmod(similar, count), axis=1)


def _join(pairs: np.ndarray, count: int) -> np.ndarray:
    """Return the cluster of each of `count` texts, int64 [count]."""
    links = coo_array((np.ones(len(pairs), dtype=bool), pairs.T), (count, count))
    return connected_components(links, directed=False)[1].astype(np.int64)


def _candidates(texts: _Texts) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield for each band the pairs of texts that agree in it, as two arrays of text numbers.

    Only neighbours are paired; texts that agree in the next band as well are next to each other.
    """
    for number in range(BANDS):
        band = texts.band(number)
        order = np.lexsort((texts.band((number + 1) % BANDS), band))
        ordered = band[order]
        steps = [
            (np.flatnonzero(ordered[step:] == ordered[:-step]), step)
            for step in range(1, NEIGHBOURS + 1)
        ]
        left = np.concatenate([order[places] for places, _ in steps])
        right = np.concatenate([order[places + step] for places, step in steps])
        yield left, right


def _are_similar(left: np.ndarray, right: np.ndarray, texts: _Texts) -> np.ndarray:
    """Return whether pairs of texts are near duplicates, bool [pairs]."""
    similar = np.zeros(len(left), dtype=bool)
    for start in range(0, len(left), PAIRS_AT_ONCE):
        one, other = (side[start : start + PAIRS_AT_ONCE] for side in (left, right))
        agreeing = (texts.signatures(one) == texts.signatures(other)).sum(axis=1)
        likely = np.flatnonzero(agreeing >= MIN_AGREEING)
        similarity = jaccard(texts.shingles(one[likely]), texts.shingles(other[likely]))
        similar[start + likely] = similarity >= SIMILAR
    return similar


def jaccard(left: pa.LargeListArray, right: pa.LargeListArray) -> np.ndarray:
    """Return the Jaccard similarity of sets of shingles [pairs], float64 [pairs].

    A sketch keeps all shingles up to its largest one, so that the sets are compared up to the
    smaller of the two largest shingles.
    """
    limits = np.minimum(_known_up_to(left), _known_up_to(right))
    pairs = np.concatenate([pc.list_parent_indices(side).to_numpy() for side in (left, right)])
    hashes = np.concatenate([side.flatten().to_numpy() for side in (left, right)])
    known = hashes <= limits[pairs]
    ordered = np.sort(pairs[known].astype(np.uint64) << np.uint64(32) | hashes[known])
    owners = (ordered >> np.uint64(32)).astype(np.int64)
    shared = np.bincount(owners[1:][np.diff(ordered) == 0], minlength=len(left))
    return shared / (np.bincount(owners, minlength=len(left)) - shared)


def _known_up_to(shingles: pa.LargeListArray) -> np.ndarray:
    """Return the largest hash up to which all shingles of each text are kept, [n]."""
    sizes = pc.list_value_length(shingles).to_numpy()
    last = shingles.flatten().to_numpy()[np.cumsum(sizes) - 1]
    return np.where(sizes == SHINGLES_KEPT, last, LARGEST)
