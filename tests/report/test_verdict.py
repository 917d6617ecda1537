import pytest
from evaluation_example import (
    difference,
    estimate,
    example_details,
    example_training,
    of_few_groups,
    without_intervals,
)

from preference.report.cost import cost_of
from preference.report.notes import (
    describe_blend,
    describe_calibration,
    describe_slices,
    describe_truth,
)
from preference.report.verdict import judge

ARMS = ("baseline", "exp1", "exp2", "exp3")
BEATS_REFERENCE = "Against tfidf, the best reference without a network: better"


def verdict(details):
    return judge(details, example_training(details["arms"]))


def find(sentences, start):
    """The one sentence that starts so."""
    (found,) = [sentence for sentence in sentences if sentence.text.startswith(start)]
    return found


def warnings(sentences):
    return [sentence.text for sentence in sentences if sentence.warning]


def test_a_real_win_says_by_how_much():
    details = example_details(ARMS)
    details["differences"]["baseline"]["exp2"] = difference(-0.0065, 0.004, p_holm=0.012)
    sentences = verdict(details)
    assert sentences[0].text == (
        "The best experiment is exp2: log loss 0.9367 [0.9087, 0.9647] on 1,199 simulated "
        "test battles."
    )
    against_baseline = sentences[1].text.replace("\u00a0", " ")
    assert against_baseline == (
        "Against baseline: better, and the difference is real (−0.0065 [−0.0105, −0.0025] log "
        "loss, Holm-corrected p = 0.012)."
    )
    assert sentences[2].text.startswith(BEATS_REFERENCE)
    assert warnings(sentences) == []


@pytest.mark.parametrize(("p_holm", "real"), [(0.0499, True), (0.05, False), (0.9, False)])
def test_a_difference_is_real_below_five_per_cent(p_holm, real):
    details = example_details(ARMS)
    details["differences"]["baseline"]["exp2"] = difference(-0.0065, 0.004, p_holm)
    against_baseline = find(verdict(details), "Against baseline").text
    assert ("the difference is real" in against_baseline) == real
    assert ("these battles cannot tell the two apart" in against_baseline) != real


@pytest.mark.parametrize(("arms", "said"), [(ARMS, True), (("baseline",), False)])
def test_a_choice_on_the_same_battles_is_admitted(arms, said):
    texts = [sentence.text for sentence in verdict(example_details(arms))]
    assert any("on these same battles, which flatters" in text for text in texts) == said


def test_too_few_groups_are_said_first_and_nothing_is_judged():
    sentences = verdict(of_few_groups(example_details(ARMS)))
    warning, best, *_ = sentences
    assert warning.warning and warning.text.startswith("On test, 2 groups of battles are too few")
    assert best.text == (
        "exp2 has the lowest log loss of the experiments: 0.9367 (no interval) on 1,199 simulated "
        "test battles. Its difference was not tested: −0.0065 to baseline and −0.0372 to tfidf."
    )
    texts = " ".join(each.text for each in sentences)
    for claim in ("real", "really", "worth", "cannot tell", "begins to show", "do not show"):
        assert claim not in texts.replace("real chatbots", "")


def test_an_experiment_that_predicts_what_the_baseline_does_is_called_the_same():
    details = example_details(ARMS, weights={"baseline": 0.2, "exp1": 0.2, "tfidf": 0.6})
    same = difference(0.0, p_holm=1.0) | {"low": None, "high": None}
    details["differences"]["baseline"]["exp1"] = same
    text = find(verdict(details), "These battles cannot tell apart from baseline").text
    assert "exp1 (the same log loss on every battle)" in text
    (blend,) = describe_blend(details)
    assert blend.text.endswith(
        "baseline and exp1 predict the same: any other division of their weights is as good."
    )


@pytest.mark.parametrize("change", [without_intervals, of_few_groups])
def test_without_intervals_the_notes_claim_nothing(change):
    details = change(example_details(ARMS))
    (calibration,) = describe_calibration(details)
    assert calibration.text.startswith("Whether chance explains it is unknown: baseline 0.031 (no")
    (slices,) = describe_slices(details)
    assert slices.text.startswith("No part stands out")
    assert not any("beat" in each.text for each in describe_truth(details))


def test_no_part_with_enough_battles_is_said():
    details = example_details(ARMS)
    for part in details["slices"]:
        part["few"] = True
    (text,) = [each.text for each in describe_slices(details)]
    assert text == "No part has enough battles to be judged by."


def test_battles_that_agreement_never_decides_are_said_to_be_too_few():
    details = example_details(ARMS)
    details["agreement_differences"] = {}
    details["models"]["exp2"] |= {"rows_agreement": 0, "agreement_recovered": None}
    details["models"]["exp2"]["surface_recovered"] = None
    first, *_ = describe_truth(details)
    assert first.text.startswith("On the 0 battles that agreement decides, which are too few")


def test_a_cost_that_buys_nothing_visible_is_said():
    text = "What exp2 costs beyond baseline buys nothing that these battles can show."
    details = example_details(ARMS)
    assert text in [sentence.text for sentence in verdict(details)]
    details["differences"]["baseline"]["exp2"] = difference(-0.0065, p_holm=0.01)
    assert text not in [sentence.text for sentence in verdict(details)]
    details["differences"]["baseline"]["exp2"] = difference(-0.0065, p_holm=0.5)
    same_cost = {name: {"parameters": 7} for name in ARMS}
    assert text not in [sentence.text for sentence in judge(details, same_cost)]


@pytest.mark.parametrize(("value", "p_holm"), [(0.05, 0.001), (-0.05, 0.3)])
def test_an_experiment_that_does_not_beat_the_reference_is_not_worth_its_cost(value, p_holm):
    details = example_details(ARMS)
    details["differences"]["reference"]["exp2"] = difference(value, p_holm=p_holm)
    details["differences"]["reference"]["exp3"] = difference(value, p_holm=p_holm)
    best, others = warnings(verdict(details))
    assert best.startswith("Against tfidf") and best.endswith("It is not worth its cost.")
    assert ("worse, and the difference is real" in best) == (value > 0)
    assert others.startswith("Not worth the cost, because not really better than tfidf: exp3 (")
    assert "exp1" not in others


def test_the_baseline_may_be_the_best():
    details = example_details(ARMS)
    details["models"]["baseline"]["log_loss"] = estimate(0.9)
    for name in ("exp1", "exp2", "exp3"):
        details["differences"]["baseline"][name] = difference(0.03, p_holm=0.5)
    details["differences"]["baseline"]["exp3"] = difference(0.05, p_holm=0.001)
    sentences = verdict(details)
    assert sentences[0].text.startswith("The best experiment is baseline")
    assert sentences[1].text == "No experiment improves on baseline."
    assert find(sentences, "Really worse than baseline").text.count("exp") == 1
    assert find(sentences, "These battles cannot tell apart from baseline").text.count("exp") == 2


def test_one_arm_alone_is_compared_with_the_reference():
    sentences = verdict(example_details(("baseline",)))
    assert sentences[0].text.startswith("The only experiment is baseline")
    assert sentences[1].text.startswith(BEATS_REFERENCE)
    texts = " ".join(sentence.text for sentence in sentences)
    assert "Against baseline" not in texts
    assert "other" not in texts


def test_real_battles_are_not_called_simulated():
    texts = " ".join(each.text for each in verdict(example_details(ARMS, simulated=False)))
    assert "1,199 real test battles" in texts
    assert "simulated" not in texts
    assert "oracle" not in texts


def test_simulated_battles_tell_the_way_to_the_oracle():
    details = example_details(ARMS)
    for name, regret in {"prior": 0.25, "exp2": 0.1, "exp1": 0.2}.items():
        details["models"][name]["regret"] = regret
    sentences = verdict(details)
    find(sentences, "These battles are simulated")
    assert find(sentences, "exp2 goes").text.replace("\u00a0", " ") == (
        "exp2 goes 60 % of the way from prior to the oracle."
    )
    regrets = find(sentences, "Regret").text.replace("\u00a0", " ")
    assert "exp2 0.1000 (60 %)" in regrets
    assert "exp1 0.2000 (20 %)" in regrets
    assert "prior 0.2500 (0 %)" in regrets


def test_better_than_the_oracle_by_more_than_chance_is_a_leak():
    details = example_details(ARMS)
    details["differences"]["oracle"]["exp1"] = difference(-0.02, 0.03)
    assert warnings(verdict(details)) == []
    details["differences"]["oracle"]["exp1"] = difference(-0.02, 0.019)
    (warning,) = warnings(verdict(details))
    assert warning.startswith("exp1 is better than the oracle by more than chance")
    assert warning.endswith("look for a leak.")


def details_of_exp1_near_prior(low, high, reference):
    details = example_details(ARMS)
    details["models"]["exp1"]["log_loss"] = {"value": 1.04, "low": low, "high": high}
    details["models"]["prior"]["log_loss"] = {"value": 1.09, "low": 1.08, "high": 1.1}
    details["differences"]["reference"]["exp1"] = reference
    return details


def test_an_arm_that_may_be_no_better_than_prior_is_warned_of():
    """Intervals decide unless the arm really beats a reference that is no worse than prior."""
    no_win, win = difference(-0.01, p_holm=0.5), difference(-0.01, p_holm=0.001)
    overlapping = details_of_exp1_near_prior(1.0, 1.09, no_win)
    start = "These battles do not show that exp1 does better than prior"
    assert find(verdict(overlapping), start).warning
    for details in (
        details_of_exp1_near_prior(1.0, 1.07, no_win),
        details_of_exp1_near_prior(1.0, 1.09, win),
    ):
        assert not any("prior, which guesses" in text for text in warnings(verdict(details)))


def test_prior_as_the_best_reference_is_compared_battle_by_battle():
    details = details_of_exp1_near_prior(1.0, 1.09, difference(-0.01, p_holm=0.001))
    details["best_reference"] = "prior"
    assert not any("guesses" in text for text in warnings(verdict(details)))
    details["differences"]["reference"]["exp1"] = difference(-0.01, p_holm=0.2)
    assert any("that exp1 does better than prior" in text for text in warnings(verdict(details)))


def test_seeds_are_told():
    once = find(verdict(example_details(ARMS)), "Each experiment was trained once").text
    assert "noise of a training comes on top" in once
    details = example_details(ARMS, seeds=3)
    several = find(verdict(details), "Figures are means over trainings").text
    assert "baseline 0.0031 (of 3)" in several
    assert "Without that noise" not in several and "Two trainings" not in several
    details["models"]["exp1"] |= {"seeds": 1, "seed_sd": None}
    details["models"]["exp2"] |= {"seeds": 2}
    mixed = find(verdict(details), "Figures are means over trainings").text
    assert "Without that noise are the figures of exp1." in mixed
    assert "Two trainings tell little about their noise" in mixed


def test_the_smallest_visible_difference_is_the_mean_half_width():
    details = example_details(("baseline", "exp1", "exp2"))
    details["differences"]["baseline"] = {
        "exp1": difference(0, 0.02),
        "exp2": difference(-0.01, 0.01),
    }
    assert "about 0.0150 log loss" in find(verdict(details), "With these battles").text


def test_cost_is_told_beside_the_baseline():
    text = find(verdict(example_details(ARMS)), "exp2 costs").text
    assert text == (
        "exp2 costs 3,000,000 parameters (3 times baseline's); 360 TFLOP to train (3 times "
        "baseline's); 1.5 GFLOP a battle (3 times baseline's)."
    )


def test_a_cost_that_was_not_measured_is_not_made_up():
    details = example_details(ARMS)
    sentences = judge(details, {name: {"best_epoch": 3} for name in ARMS})
    find(sentences, "The cost of exp2 was not measured.")
    partly = judge(details, {"exp2": {"parameters": 5}, "baseline": {}})
    assert find(partly, "exp2 costs").text == "exp2 costs 5 parameters."


def test_a_blend_costs_what_it_mixes():
    weights = {"baseline": 0.5, "exp1": 0.0, "exp2": 0.3, "tfidf": 0.2}
    details = example_details((*ARMS, "blend"), weights=weights)
    cost = cost_of("blend", details, example_training(ARMS))
    assert cost["parameters"] == 1_000_000 + 3_000_000
    assert cost["train_tflop"] == 120 + 360
    find(verdict(details), "The best experiment is blend")


def test_only_parts_that_lie_apart_and_have_battles_stand_out():
    details = example_details(ARMS)
    for part in details["slices"]:
        part["models"]["exp2"]["log_loss"] = estimate(0.9367, 0.05)
    assert [each.text for each in describe_slices(details)] == [
        "No part stands out for exp2, of 9 with enough battles."
    ]
    hard, few = details["slices"][1], details["slices"][-1]
    hard["models"]["exp2"]["log_loss"] = estimate(1.2, 0.05)
    few["models"]["exp2"]["log_loss"] = estimate(1.2, 0.05)
    _, found = describe_slices(details)
    assert found.text == "turns, several (156 battles): harder, log loss 1.2000 [1.1500, 1.2500]."


def test_calibration_is_judged_by_what_chance_would_show():
    details = example_details(("baseline", "exp1"))
    error = details["models"]["exp1"]["calibration"]["top_label"]
    details["models"]["exp1"]["calibration"]["top_label"] = {**error, "low": 0.004}
    off, fine = describe_calibration(details)
    assert off.text.startswith("Calibration error beyond") and "exp1 0.031" in off.text
    assert "baseline 0.031" in fine.text and "exp1" not in fine.text
