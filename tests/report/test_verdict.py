import pytest
from evaluation_example import (
    difference,
    estimate,
    example_details,
    example_training,
    of_few_groups,
)

from preference.report.cost import cost_of
from preference.report.notes import (
    describe_blend,
)
from preference.report.verdict import judge

EXPERIMENTS = ("baseline", "exp1", "exp2", "exp3")
BEATS_REFERENCE = "Compared with tfidf, the best reference on calibration: significantly better"


def verdict(details):
    return judge(details, example_training(details["experiments"]))


def find(sentences, start):
    """The one sentence that starts so."""
    (found,) = [sentence for sentence in sentences if sentence.text.startswith(start)]
    return found


def warnings(sentences):
    return [sentence.text for sentence in sentences if sentence.warning]


def test_a_significant_win_is_reported_with_its_size():
    details = example_details(EXPERIMENTS)
    details["differences"]["baseline"]["exp2"] = difference(-0.0065, 0.004, p_holm=0.012)
    sentences = verdict(details)
    assert sentences[0].text == (
        "Use exp2: significantly better than baseline by 0.0065 log loss, at 3 times the cost; "
        "log loss 0.9367 [0.9087, 0.9647] on 1,199 simulated test battles."
    )
    found = find(sentences, "Compared with baseline")
    against_baseline = found.text.replace("\u00a0", " ")
    assert against_baseline == (
        "Compared with baseline: significantly better (−0.0065 [−0.0105, −0.0025] log loss, "
        "Holm-adjusted p = 0.012)."
    )
    assert sentences[1].text.startswith(BEATS_REFERENCE)
    assert warnings(sentences) == []


@pytest.mark.parametrize(("value", "said"), [(-0.0009, "Keep baseline"), (-0.0011, "Use exp2")])
def test_a_difference_that_does_not_matter_is_neither_better_nor_worse(value, said):
    details = example_details(EXPERIMENTS)
    details["differences"]["baseline"]["exp2"] = difference(value, 0.0001, p_holm=0.001)
    sentences = verdict(details)
    assert sentences[0].text.startswith(said)
    assert ("too small to matter" in sentences[0].text) == (said == "Keep baseline")


def test_nothing_is_called_significant_where_the_noise_of_training_is_unknown():
    details = example_details(EXPERIMENTS)
    details["training_noise"] = None
    for differences in details["differences"].values():
        for each in differences.values():
            each |= {"p": None, "p_holm": None}
    texts = [sentence.text for sentence in verdict(details)]
    assert texts[0].startswith("exp2 has the lowest log loss")
    assert "the noise of training is unknown" in " ".join(texts)
    assert not any(word in " ".join(texts) for word in ("significant", "better", "worse"))


def test_what_is_better_is_used_although_another_has_a_lower_log_loss_by_luck():
    details = example_details(EXPERIMENTS)
    details["differences"]["baseline"] |= {
        "exp1": difference(-0.0032, 0.001, p_holm=0.001),
        "exp2": difference(-0.0065, 0.02, p_holm=0.3),
        "exp3": difference(0.002, 0.02, p_holm=0.9),
    }
    sentences = verdict(details)
    assert sentences[0].text.startswith("Use exp1: significantly better than baseline by 0.0032")
    assert sentences[0].text.endswith(
        " exp2 has a lower one, 0.9367, but is not significantly better."
    )
    assert not any("Keep baseline" in sentence.text for sentence in sentences)
    others = find(sentences, "Not significantly different from baseline").text
    assert "exp2 (" in others and "exp3 (" in others and "exp1 (" not in others


@pytest.mark.parametrize(("p_holm", "significant"), [(0.0499, True), (0.05, False), (0.9, False)])
def test_a_difference_is_significant_below_five_per_cent(p_holm, significant):
    details = example_details(EXPERIMENTS)
    details["differences"]["baseline"]["exp2"] = difference(-0.0065, 0.004, p_holm)
    first, *others = [sentence.text for sentence in verdict(details)]
    assert first.startswith("Use exp2: significantly better") == significant
    assert ("; not significant" in first) != significant
    # The first sentence of a win has no interval.
    assert any(text.startswith("Compared with baseline") for text in others) == significant


@pytest.mark.parametrize(("experiments", "said"), [(EXPERIMENTS, True), (("baseline",), False)])
def test_a_choice_on_the_same_battles_is_mentioned(experiments, said):
    texts = [sentence.text for sentence in verdict(example_details(experiments))]
    assert any("on the battles that it is scored on" in text for text in texts) == said


def test_too_few_groups_are_said_first_and_nothing_is_judged():
    sentences = verdict(of_few_groups(example_details(EXPERIMENTS)))
    best, warning, *_ = sentences
    assert warning.warning and warning.text.startswith("On test, 2 groups of battles are too few")
    assert best.text == (
        "exp2 has the lowest log loss of the experiments: 0.9367 (no interval) on 1,199 simulated "
        "test battles. Its difference was not tested: −0.0065 to baseline and −0.0372 to tfidf."
    )
    texts = " ".join(each.text for each in sentences)
    for claim in ("significant", "worth", "half width"):
        assert claim not in texts


def test_an_experiment_that_predicts_what_the_baseline_does_is_called_the_same():
    details = example_details(EXPERIMENTS, weights={"baseline": 0.2, "exp1": 0.2, "tfidf": 0.6})
    same = difference(0.0, p_holm=1.0) | {"low": None, "high": None}
    details["differences"]["baseline"]["exp1"] = same
    text = find(verdict(details), "Not significantly different from baseline").text
    assert "exp1 (the same log loss on every battle)" in text
    (blend,) = describe_blend(details)
    assert blend.text.endswith(
        "baseline and exp1 predict the same, so that only the sum of their weights matters."
    )


@pytest.mark.parametrize(("value", "p_holm"), [(0.05, 0.001), (-0.05, 0.3)])
def test_an_experiment_that_does_not_beat_the_reference_is_not_worth_its_cost(value, p_holm):
    details = example_details(EXPERIMENTS)
    details["differences"]["reference"]["exp2"] = difference(value, p_holm=p_holm)
    details["differences"]["reference"]["exp3"] = difference(value, p_holm=p_holm)
    best, others = warnings(verdict(details))
    assert best.startswith("Compared with tfidf") and best.endswith(" exp2 is not worth its cost.")
    assert ("significantly worse" in best) == (value > 0)
    assert others.startswith(
        "Not worth the cost, because not significantly better than tfidf: exp3 ("
    )
    assert "exp1" not in others


def test_the_baseline_may_be_the_best():
    details = example_details(EXPERIMENTS)
    details["models"]["baseline"]["log_loss"] = estimate(0.9)
    for name in ("exp1", "exp2", "exp3"):
        details["differences"]["baseline"][name] = difference(0.03, p_holm=0.5)
    details["differences"]["baseline"]["exp3"] = difference(0.05, p_holm=0.001)
    sentences = verdict(details)
    assert sentences[0].text.startswith("Use baseline: log loss 0.9000 [0.8800, 0.9200]")
    assert find(sentences, "Significantly worse than baseline").text.count("exp") == 1
    assert find(sentences, "Not significantly different from baseline").text.count("exp") == 2


def test_a_single_experiment_is_compared_with_the_reference():
    sentences = verdict(example_details(("baseline",)))
    assert sentences[0].text.startswith("Use baseline, the only experiment")
    assert sentences[1].text.startswith(BEATS_REFERENCE)
    texts = " ".join(sentence.text for sentence in sentences)
    assert "Compared with baseline" not in texts
    assert "other" not in texts


def test_real_battles_are_not_called_simulated():
    texts = " ".join(each.text for each in verdict(example_details(EXPERIMENTS, simulated=False)))
    assert "1,199 real test battles" in texts
    assert "simulated" not in texts
    assert "oracle" not in texts


def test_simulated_battles_have_the_closed_gap_to_the_oracle():
    details = example_details(EXPERIMENTS)
    for name, regret in {"prior": 0.25, "exp2": 0.1, "exp1": 0.2}.items():
        details["models"][name]["regret"] = regret
    sentences = verdict(details)
    find(sentences, "These battles are simulated")
    assert find(sentences, "exp2 closes").text.replace("\u00a0", " ") == (
        "exp2 closes 60 % of the gap from prior to the oracle."
    )
    regrets = find(sentences, "Regret").text.replace("\u00a0", " ")
    assert "exp2 0.1000 (60 %)" in regrets
    assert "exp1 0.2000 (20 %)" in regrets
    assert "prior 0.2500 (0 %)" in regrets


def test_an_experiment_significantly_better_than_the_oracle_is_a_leak():
    details = example_details(EXPERIMENTS)
    # Its interval, which is of one comparison alone, leaves out 0.
    details["differences"]["oracle"]["exp1"] = difference(-0.02, 0.019, p_holm=0.06)
    assert warnings(verdict(details)) == []
    details["differences"]["oracle"]["exp1"] = difference(-0.02, 0.019, p_holm=0.04)
    (warning,) = warnings(verdict(details))
    assert warning.startswith("exp1 is significantly better than the oracle")
    assert warning.endswith("look for a leak.")


def details_of_exp1_near_prior(low, high, reference):
    details = example_details(EXPERIMENTS)
    details["models"]["exp1"]["log_loss"] = {"value": 1.04, "low": low, "high": high}
    details["models"]["prior"]["log_loss"] = {"value": 1.09, "low": 1.08, "high": 1.1}
    details["differences"]["reference"]["exp1"] = reference
    return details


def test_an_experiment_that_may_be_no_better_than_prior_is_warned_of():
    """Intervals decide, unless it is significantly better than a reference no worse than prior."""
    no_win, win = difference(-0.01, p_holm=0.5), difference(-0.01, p_holm=0.001)
    overlapping = details_of_exp1_near_prior(1.0, 1.09, no_win)
    start = "exp1 is not shown to be better than prior"
    assert find(verdict(overlapping), start).warning
    for details in (
        details_of_exp1_near_prior(1.0, 1.07, no_win),
        details_of_exp1_near_prior(1.0, 1.09, win),
    ):
        assert not any("prior, which predicts" in text for text in warnings(verdict(details)))


def test_prior_as_the_best_reference_is_compared_battle_by_battle():
    details = details_of_exp1_near_prior(1.0, 1.09, difference(-0.01, p_holm=0.001))
    details["best_reference"] = "prior"
    assert not any("prior, which predicts" in text for text in warnings(verdict(details)))
    details["differences"]["reference"]["exp1"] = difference(-0.01, p_holm=0.2)
    assert any(
        "exp1 is not shown to be better than prior" in text for text in warnings(verdict(details))
    )


def test_the_mean_half_width_of_differences_is_reported():
    details = example_details(("baseline", "exp1", "exp2"))
    details["differences"]["baseline"] = {
        "exp1": difference(0, 0.02),
        "exp2": difference(-0.01, 0.01),
    }
    assert "mean half width of 0.0150 log loss" in find(verdict(details), "The 95").text


def test_cost_is_compared_with_that_of_the_baseline():
    text = find(verdict(example_details(EXPERIMENTS)), "exp2 costs 3").text
    assert text == (
        "exp2 costs 3,000,000 parameters (3 times baseline's); 360 TFLOP to train (3 times "
        "baseline's); 1.5 GFLOP a battle (3 times baseline's)."
    )


def test_a_cost_that_was_not_measured_is_not_made_up():
    details = example_details(EXPERIMENTS)
    sentences = judge(details, {name: {"best_epoch": 3} for name in EXPERIMENTS})
    find(sentences, "The cost of exp2 was not measured.")
    partly = judge(details, {"exp2": {"parameters": 5}, "baseline": {}})
    assert find(partly, "exp2 costs 5").text == "exp2 costs 5 parameters."


def test_a_blend_costs_what_it_mixes():
    weights = {"baseline": 0.5, "exp1": 0.0, "exp2": 0.3, "tfidf": 0.2}
    details = example_details((*EXPERIMENTS, "blend"), weights=weights)
    cost = cost_of("blend", details, example_training(EXPERIMENTS))
    assert cost["parameters"] == 1_000_000 + 3_000_000
    assert cost["train_tflop"] == 120 + 360
    find(verdict(details), "Keep baseline: no experiment")


def test_a_blend_of_one_model_says_so_and_is_not_the_best_beside_it():
    details = example_details((*EXPERIMENTS, "blend"), weights={"exp2": 1.0, "exp1": 0.0})
    losses = {name: details["models"][name]["log_loss"]["value"] for name in details["experiments"]}
    (said,) = describe_blend(details)
    assert said.text.startswith("The blend is exp2 alone")
    # Its own temperature may make it better by a little.
    details["models"]["blend"]["log_loss"]["value"] = min(losses.values()) - 0.0001
    sentences = verdict(details)
    assert "exp2 has the lowest log loss" in sentences[0].text
    find(sentences, "exp2 was chosen as the best")
    # The distance of every model to the oracle is no comparison with another one.
    naming = [each.text for each in sentences if "blend" in each.text]
    assert all("oracle" in text for text in naming)


def test_a_reference_with_a_lower_log_loss_is_named_at_once():
    details = example_details(EXPERIMENTS)
    first = judge(details, {})[0].text
    assert "needs no network" not in first
    details["models"]["tfidf"]["log_loss"]["value"] = 0.5
    first = judge(details, {})[0].text
    assert first.endswith("tfidf, which needs no network, has a lower log loss: 0.5000.")
