"""The notes of the report: calibration, slices and the truth of simulated battles."""

import pytest
from evaluation_example import estimate, example_details, of_few_groups, without_intervals

from preference.report.notes import describe_calibration, describe_slices, describe_truth

EXPERIMENTS = ("baseline", "exp1", "exp2", "exp3")


@pytest.mark.parametrize("change", [without_intervals, of_few_groups])
def test_without_intervals_the_notes_claim_nothing(change):
    details = change(example_details(EXPERIMENTS))
    (calibration,) = describe_calibration(details)
    assert calibration.text.startswith("Not tested for a calibration error: baseline 0.031 (no")
    (slices,) = describe_slices(details)
    assert slices.text.startswith("No slice stands out")
    assert not any("better" in each.text for each in describe_truth(details))


def test_no_slice_with_enough_battles_is_reported():
    details = example_details(EXPERIMENTS)
    for part in details["slices"]:
        part["few"] = True
    (text,) = [each.text for each in describe_slices(details)]
    assert text == "No slice has enough battles."


def test_battles_that_agreement_never_decides_are_said_to_be_too_few():
    details = example_details(EXPERIMENTS)
    details["agreement_differences"] = {}
    details["models"]["exp2"] |= {"rows_agreement": 0, "agreement_recovered": None}
    details["models"]["exp2"]["surface_recovered"] = None
    first, *_ = describe_truth(details)
    assert first.text.startswith(
        "On the 0 battles that agreement decides, exp2 and tfidf were not compared"
    )


def test_only_slices_that_lie_apart_and_have_battles_stand_out():
    details = example_details(EXPERIMENTS)
    for part in details["slices"]:
        part["models"]["exp2"]["log_loss"] = estimate(0.9367, 0.05)
    assert [each.text for each in describe_slices(details)] == [
        "No slice stands out for exp2, out of 6 with enough battles."
    ]
    hard, few = details["slices"][1], details["slices"][-1]
    # The labels lie apart for every model, whatever it has learned.
    (tie,) = (part for part in details["slices"] if part["part"] == "tie")
    tie["models"]["exp2"]["log_loss"] = estimate(1.2, 0.05)
    hard["models"]["exp2"]["log_loss"] = estimate(1.2, 0.05)
    few["models"]["exp2"]["log_loss"] = estimate(1.2, 0.05)
    (found,) = describe_slices(details)
    assert found.text.endswith(
        "0.9367): turns, several (156 battles): harder, log loss 1.2000 [1.1500, 1.2500]."
    )


def test_calibration_is_judged_by_what_chance_would_show():
    details = example_details(("baseline", "exp1"))
    error = details["models"]["exp1"]["calibration"]["top_label"]
    details["models"]["exp1"]["calibration"]["top_label"] = {**error, "low": 0.004}
    off, fine = describe_calibration(details)
    assert off.text.startswith("Significant calibration error") and "exp1 0.031" in off.text
    assert "baseline 0.031" in fine.text and "exp1" not in fine.text


def test_no_calibration_error_is_called_significant_where_the_noise_of_training_is_unknown():
    details = example_details(EXPERIMENTS)
    details["training_noise"] = None
    error = details["models"]["exp1"]["calibration"]["top_label"]
    details["models"]["exp1"]["calibration"]["top_label"] = {**error, "low": 0.004}
    (only,) = describe_calibration(details)
    assert only.text.startswith("Calibration errors, without the noise of training: baseline 0.031")
    assert "exp1 0.031 [0.004" in only.text
