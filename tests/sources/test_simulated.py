"""The simulated arena, read back from its text by a judge that shares no code with the writer."""

import json
import re
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import binomtest, chi2
from simulated_judge import QUESTIONS, judge, judge_core
from sklearn.linear_model import LogisticRegression

from simulated import simulate_rows, utility

COUNT, SCALE, SEED = 20_000, 0.1, 7
REAL_ROWS = 57_477
WINNERS = ("winner_model_a", "winner_model_b", "winner_tie")
KAGGLE = {"id", "model_a", "model_b", "prompt", "response_a", "response_b", *WINNERS}


@pytest.fixture(scope="module")
def rows():
    return list(simulate_rows(COUNT, SCALE, SEED))


@pytest.fixture(scope="module")
def texts(rows):
    return {
        name: [json.loads(row[name]) for row in rows]
        for name in ("prompt", "response_a", "response_b")
    }


@pytest.fixture(scope="module")
def oracle(rows):
    return np.array([row["oracle"] for row in rows])


@pytest.fixture(scope="module")
def judged(texts):
    """What the judge reads off each answer: an array (battles, 2) for each fact."""
    sides = [
        [judge(*battle) for battle in zip(texts["prompt"], texts[side], strict=True)]
        for side in ("response_a", "response_b")
    ]
    return {
        name: np.array([[facts[name] for facts in side] for side in sides]).T
        for name in sides[0][0]
    }


def labels_of(rows):
    return np.array([[int(row[winner]) for winner in WINNERS] for row in rows]).argmax(axis=1)


def difference(values):
    return values[:, 0] - values[:, 1]


def lengths_of(texts, count=len):
    """Return a length of each answer, all turns together: (battles, 2)."""
    return np.array(
        [
            [sum(count(turn or "") for turn in turns) for turns in texts[side]]
            for side in ("response_a", "response_b")
        ]
    ).T


def words(text):
    return len(text.split())


def assert_rate(found, trials, rate):
    """`found` is what so many trials at `rate` may well give, and 1.6 times the rate would not."""
    assert binomtest(found, trials, rate).pvalue > 1e-3
    assert found < 1.6 * rate * trials


def test_seed_decides_the_rows():
    first, same, other = (list(simulate_rows(300, SCALE, seed)) for seed in (1, 1, 2))
    assert first == same
    for column in ("prompt", "response_a", "response_b", "oracle", "model_a"):
        differ = [one[column] != two[column] for one, two in zip(first, other, strict=True)]
        assert np.mean(differ) > 0.8


def test_a_row_has_the_kaggle_columns_and_the_truth(rows):
    assert all(row.keys() == KAGGLE | {"oracle", "oracle_agreement"} for row in rows)
    assert [row["id"] for row in rows] == [str(number) for number in range(COUNT)]
    assert all(sorted(row[winner] for winner in WINNERS) == ["0", "0", "1"] for row in rows)
    assert all(row["model_a"] != row["model_b"] for row in rows)
    assert len({row["model_a"] for row in rows}) == 64


def test_turns_are_aligned(texts):
    for battle in zip(*texts.values(), strict=True):
        assert len({len(turns) for turns in battle}) == 1
        assert all(battle[0])


def test_labels_are_drawn_from_the_oracle(rows, oracle):
    labels = np.eye(3)[labels_of(rows)]
    assert np.allclose(oracle.sum(axis=1), 1)
    for index in range(3):
        bins = np.digitize(
            oracle[:, index], np.quantile(oracle[:, index], np.arange(0.05, 1, 0.05))
        )
        chi_square = 0
        for one in range(20):
            inside, chance = labels[bins == one, index], oracle[bins == one, index]
            chi_square += (inside.sum() - chance.sum()) ** 2 / (chance * (1 - chance)).sum()
        assert chi2.sf(chi_square, df=20) > 1e-3


def test_label_shares_are_the_real_ones(rows, oracle):
    real = np.array([0.3491, 0.3419, 0.3090])
    assert np.abs(np.bincount(labels_of(rows)) / COUNT - real).max() < 0.015
    assert np.abs(oracle.mean(axis=0) - real).max() < 0.015


def test_the_longer_answer_wins_as_often_as_in_the_real_set(rows, texts):
    lengths, labels = lengths_of(texts), labels_of(rows)
    decided = (labels < 2) & (difference(lengths) != 0)
    wins = (difference(lengths) > 0) == (labels == 0)
    assert abs(wins[decided].mean() - 0.61) < 0.03


def test_prompts_repeat_as_often_as_in_the_real_set(rows):
    counts = np.array(list(Counter(row["prompt"] for row in rows).values()))
    assert abs(1 - len(counts) / COUNT - 6265 / REAL_ROWS) < 0.01
    assert abs(counts[counts > 1].sum() / COUNT - 9551 / REAL_ROWS) < 0.015
    assert 20 < counts.max() < 150


def test_conversations_are_as_long_as_the_real_ones(texts):
    turns = np.array([len(prompt) for prompt in texts["prompt"]])
    assert abs((turns > 1).mean() - 0.131) < 0.015
    assert abs((turns < 6).mean() - 0.992) < 0.005
    assert turns.max() <= 36


def test_odd_rows_are_as_frequent_as_in_the_real_set(rows, texts):
    null = [sum(None in turns for turns in texts[side]) for side in ("response_a", "response_b")]
    assert_rate(sum(null), 2 * COUNT, (111 + 120) / (2 * REAL_ROWS))
    assert min(null) > 0
    surrogate = sum("\\ud83d" in row["response_a"] for row in rows)
    assert_rate(surrogate, COUNT, 592 / REAL_ROWS)


def test_a_lone_surrogate_is_not_utf8(rows):
    broken = next(row for row in rows if "\\ud83d" in row["response_a"])
    broken["response_a"].encode()
    with pytest.raises(UnicodeEncodeError):
        json.loads(broken["response_a"])[0].encode()


def test_an_exact_duplicate_repeats_the_row_before_and_its_label(rows):
    columns = ("prompt", "response_a", "response_b")
    pairs = [
        (earlier, row)
        for earlier, row in pairwise(rows)
        if all(row[column] == earlier[column] for column in columns)
    ]
    assert 100 / REAL_ROWS / 2 < len(pairs) / COUNT < 200 / REAL_ROWS
    for earlier, row in pairs:
        assert {**row, "id": None} == {**earlier, "id": None}


def test_identical_answers_have_equal_utilities(rows, texts, oracle):
    same = np.array([a == b for a, b in zip(texts["response_a"], texts["response_b"], strict=True)])
    assert 0.001 < same.mean() < 0.008
    log_odds = np.log(oracle[:, 0] / oracle[:, 1])
    np.testing.assert_allclose(log_odds[same], utility.POSITION_BIAS, atol=1e-12)
    assert not np.any(np.array([row["oracle_agreement"] for row in rows])[same])
    # As in the real set, people do not always call them a tie.
    assert set(labels_of(rows)[same]) == {0, 1, 2}


def test_every_row_obeys_davidson(oracle):
    np.testing.assert_allclose(
        oracle[:, 2] / np.sqrt(oracle[:, 0] * oracle[:, 1]), utility.TIE_WORTH
    )


def test_agreement_is_what_the_judge_reads_in_prompt_and_answer(rows, judged):
    worth = (
        utility.RELEVANT * judged["relevant"]
        + utility.CORRECT * judged["correct"]
        + utility.FOLLOWED * judged["followed"]
    )
    stated = [row["oracle_agreement"] for row in rows]
    np.testing.assert_allclose(stated, difference(worth), atol=1e-9)
    for name in ("relevant", "correct", "followed"):
        assert 0.1 < judged[name].mean() < 0.9


def test_the_rest_of_the_oracle_is_what_the_judge_reads_in_the_answers(rows, judged, oracle):
    """Length counts by the logarithm of the sentences, in the deviations of `RESPONSE_SIGMA`."""
    surface = (
        utility.LENGTH * np.log(judged["sentences"] + 1) / 0.73
        + utility.FORMAT * judged["formatted"]
        + utility.TONE * judged["tone"]
        + utility.REFUSAL * judged["refused"]
    )
    agreement = np.array([row["oracle_agreement"] for row in rows])
    np.testing.assert_allclose(
        np.log(oracle[:, 0] / oracle[:, 1]),
        difference(surface) + agreement + utility.POSITION_BIAS,
        atol=1e-9,
    )


@pytest.mark.parametrize("skill", QUESTIONS)
def test_tasks_of_every_skill_are_solved_and_failed(texts, skill):
    """The judge works each task out from its words; both outcomes are common."""
    verdicts = [
        judge_core(prompt[0], answer[0])[0]
        for prompt, answer in zip(texts["prompt"], texts["response_a"], strict=True)
        if re.search(QUESTIONS[skill], prompt[0])
        and answer[0] is not None
        and not answer[0].startswith("I am sorry")
    ]
    assert len(verdicts) > COUNT / 10
    assert 0.4 < np.mean(verdicts) < 0.75


def test_relevant_answers_share_the_words_of_the_prompt_and_others_do_not(texts, judged):
    """Told apart by nouns, not by the name of the topic that the judge reads."""
    kept = [
        n for n in range(2000) if judged["sentences"][n, 0] >= 3 and len(texts["prompt"][n]) == 1
    ]
    share = {0: [], 1: []}
    for number in kept:
        prompt = set(re.findall(r"[a-z]{4,}", texts["prompt"][number][0].lower()))
        _, answer = judge_core(texts["prompt"][number][0], texts["response_a"][number][0])
        nouns = re.findall(r"(?:a|the|any|more|other) ([a-z]{4,})", answer.split(":", 1)[1].lower())
        share[judged["relevant"][number, 0]].append(np.mean([noun in prompt for noun in nouns]))
    assert np.mean(share[1]) > 0.1 > 10 * np.mean(share[0])


def test_scale_one_has_the_real_lengths():
    """At 1.3 tokens a word; the real medians are 228 tokens of response and 20 of prompt."""
    rows = list(simulate_rows(2000, 1.0, SEED))
    texts = {
        name: [json.loads(row[name]) for row in rows]
        for name in ("prompt", "response_a", "response_b")
    }
    responses = lengths_of(texts, words).ravel()
    assert abs(np.median(responses) / (228 / 1.3) - 1) < 0.25
    assert abs(np.quantile(responses, 0.9) / (583 / 1.3) - 1) < 0.25
    prompts = [sum(map(words, prompt)) for prompt in texts["prompt"]]
    assert abs(np.quantile(prompts, 0.9) / (170 / 1.3) - 1) < 0.25


def test_scale_changes_lengths_and_hardly_the_labels(texts, oracle):
    rows = list(simulate_rows(3000, 1.0, SEED))
    long = {side: [json.loads(row[side]) for row in rows] for side in ("response_a", "response_b")}
    assert np.median(lengths_of(long)) > 5 * np.median(lengths_of(texts))
    shares = np.mean([row["oracle"] for row in rows], axis=0)
    assert np.abs(shares - oracle.mean(axis=0)).max() < 0.02


def test_length_and_format_alone_are_far_from_the_oracle(rows, texts, judged, oracle):
    """In expectation over the oracle, so that no luck of the labels enters."""
    lengths = np.log1p(lengths_of(texts))
    features = np.column_stack(
        [
            difference(lengths),
            np.abs(difference(lengths)),
            difference(judged["formatted"]),
            np.abs(difference(judged["formatted"])),
        ]
    )
    half = COUNT // 2
    model = LogisticRegression(max_iter=1000).fit(features[:half], labels_of(rows)[:half])
    predicted = model.predict_proba(features[half:])

    def log_loss(probabilities):
        return -(oracle[half:] * np.log(probabilities)).sum(axis=1).mean()

    prior = np.broadcast_to(np.bincount(labels_of(rows)[:half]) / half, predicted.shape)
    assert log_loss(oracle[half:]) + 0.1 < log_loss(predicted) < log_loss(prior) - 0.01


def test_answers_alone_and_their_agreement_with_the_prompt_both_matter(rows, oracle):
    """Knowing one part of the utility leaves much of the other unexplained."""
    agreement = np.array([row["oracle_agreement"] for row in rows])
    log_odds = np.log(oracle[:, 0] / oracle[:, 1])
    explained = np.corrcoef(agreement, log_odds)[0, 1] ** 2
    assert 0.2 < explained < 0.8
