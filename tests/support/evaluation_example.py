"""A plausible evaluation, and the other files of a report, for tests: its figures are made up."""

import json

from planted_battles import example_leaderboard

LOG_LOSSES = {
    "baseline": 0.9432,
    "exp1": 0.9433,
    "exp2": 0.9367,
    "exp3": 0.9564,
    "blend": 0.9301,
    "prior": 1.0968,
    "length": 1.0561,
    "tfidf": 0.9739,
    "oracle": 0.8365,
}
REFERENCES = ["prior", "length", "tfidf"]
RELIABILITY = [(0.36, 0.35), (0.42, 0.44), (0.48, 0.45), (0.55, 0.57), (0.63, 0.6), (0.76, 0.71)]
SLICES = {
    "turns": {"one": 1043, "several": 156},
    "response length": {"short": 400, "medium": 400, "long": 399},
    "label": {"A": 418, "B": 415, "tie": 366},
    "script": {"Latin": 1176, "other": 23},
}


def estimate(value, half_width=0.02):
    return {"value": value, "low": value - half_width, "high": value + half_width}


def difference(value, half_width=0.01, p_holm=0.5):
    return {
        **estimate(value, half_width),
        "standard_error": half_width / 1.96,
        "p": p_holm / 2,
        "p_holm": p_holm,
        "matters": abs(value) >= 0.001,
    }


def calibration(simulated):
    error = {"value": 0.031, "low": 0.0, "high": 0.042, "if_calibrated": 0.026}
    bins = [
        {"confidence": confidence, **estimate(accuracy, 0.07), "accuracy": accuracy, "rows": 200}
        for confidence, accuracy in RELIABILITY
    ]
    for each in bins:
        del each["value"]
    return {
        "top_label": error,
        "class_wise": error,
        "reliability": bins,
        "truth": 0.018 if simulated else None,
    }


def model(name, simulated, seeds):
    log_loss = LOG_LOSSES.get(name, 0.95)
    figures = {
        "seeds": seeds,
        "log_loss": estimate(log_loss, 0.028),
        "accuracy": estimate(1.48 - log_loss),
        "f1_macro": estimate(1.45 - log_loss),
        "flip_rate": estimate(0, 0) if name in [*REFERENCES, "oracle"] else estimate(0.112),
        "swap_difference": estimate(0.041, 0.002),
        "impossible_labels": 0,
        "is_constant": False,
        "temperature_at_bound": False,
        "seed_sd": 0.0031 if seeds > 1 else None,
        "log_loss_uncalibrated": estimate(log_loss + 0.004, 0.03),
        "calibration": calibration(simulated),
        "classes": {
            label: {"precision": 0.5, "recall": 0.4, "f1": 0.444444, "rows": 400}
            for label in ("A", "B", "tie")
        },
        "confusion": [[258.0, 56.0, 104.0], [61.0, 259.0, 95.0], [118.0, 138.0, 110.0]],
    }
    if name != "oracle":
        figures["temperature"] = [1.12] * seeds
    if name not in [*REFERENCES, "oracle"]:
        gain = estimate(0.0041, 0.003)
        figures["both_orders"] = {"log_loss": estimate(log_loss - 0.0041, 0.028), "gain": gain}
    if simulated:
        figures |= {
            "regret": round(log_loss - LOG_LOSSES["oracle"], 6),
            "regret_covered": True,
            "surface_recovered": 0.91,
            "agreement_recovered": 0.32,
            "log_loss_agreement": log_loss + 0.05,
            "rows_agreement": 527,
        }
    return figures


def slices(models):
    return [
        {
            "slice": name,
            "part": part,
            "rows": rows,
            "groups": rows // 2,
            "few": rows < 100,
            "models": {
                model: {
                    "log_loss": estimate(LOG_LOSSES.get(model, 0.95) + shift, 20 / rows),
                    "accuracy": estimate(0.5, 20 / rows),
                }
                for model in models
            },
        }
        for name, parts in SLICES.items()
        for shift, (part, rows) in zip((-0.02, 0.01, 0.15), parts.items(), strict=False)
    ]


# The value in the baseline, then in the experiment.
CHANGES = {
    "exp1": {"train.optimizer": ["adam", "adamw"], "train.weight_decay": [0.0, 0.01]},
    "exp2": {"model.seq_len": [512, 1024]},
    "exp3": {"model.head_units": [[], [64]]},
}


def example_details(
    experiments=("baseline", "exp1", "exp2", "exp3"), simulated=True, seeds=1, weights=None
):
    """The content of metrics/evaluation_details.json: every experiment but exp3 beats tfidf."""
    names = [*experiments, *REFERENCES]
    differences = {
        "baseline": {
            experiment: difference(LOG_LOSSES.get(experiment, 0.95) - LOG_LOSSES["baseline"])
            for experiment in experiments
            if experiment != "baseline"
        },
        "reference": {
            experiment: difference(
                LOG_LOSSES.get(experiment, 0.95) - LOG_LOSSES["tfidf"], p_holm=0.0004
            )
            for experiment in experiments
        },
    }
    if simulated:
        differences["oracle"] = {
            name: difference(LOG_LOSSES.get(name, 0.95) - LOG_LOSSES["oracle"]) for name in names
        }
    details = {
        "simulated": simulated,
        "rows": 1199,
        "groups": 1068,
        "limits": {
            split: {"too_few_groups": None, "missing_labels": []}
            for split in ("calibration", "test")
        },
        "warnings": [],
        "resamples": 2000,
        "experiments": list(experiments),
        "references": REFERENCES,
        "baseline": "baseline",
        "described": {
            name: {"seeds": [2024], "changes": CHANGES.get(name, {})} for name in experiments
        },
        "best_reference": "tfidf",
        "models": {
            name: model(name, simulated, seeds if name in experiments else 1)
            for name in [*names, *(["oracle"] if simulated else [])]
        },
        "differences": differences,
        "slices": slices(names),
        "near_duplicates": {"rows": 0, "rate": 0.0, "log_loss_without": None},
        "known_prompts": None,
        "blend": {"weights": weights} if weights else None,
        "training_noise": {"deviation": 0.0031, "freedom": 2, "runs": {"baseline": 3}},
    }
    if simulated:
        details["agreement_differences"] = dict(differences["reference"])
    return details


def without_intervals(details):
    """The same details where no figure has an interval, and no difference is tested."""
    missing = dict.fromkeys(("low", "high", "standard_error", "p", "p_holm", "regret_covered"))
    if isinstance(details, dict):
        return {key: missing.get(key, without_intervals(value)) for key, value in details.items()}
    return [without_intervals(each) for each in details] if isinstance(details, list) else details


def of_few_groups(details):
    """What `evaluate` writes of too few groups."""
    said = "2 groups of battles are too few for an interval or a test; at least 30 are needed"
    limits = details["limits"] | {"test": {"too_few_groups": said, "missing_labels": []}}
    return without_intervals(details) | {"limits": limits, "warnings": [f"On test, {said}."]}


def example_training(experiments):
    return {
        experiment: {
            "best_epoch": 3,
            "valid_log_loss": 0.93,
            "sequences_cut": 0.002,
            "padding_share": 0.23,
            "parameters": 1_000_000 * number,
            "train_tflop": 120.0 * number,
            "gflop_per_battle": 0.5 * number,
        }
        for number, experiment in enumerate(experiments, start=1)
    }


def example_data(simulated=True):
    lengths = {"p50": 97.0, "p90": 183.0, "p99": 491.09, "max": 5361}
    return {
        "source": "simulated" if simulated else "battles.csv",
        "simulated": simulated,
        "rows_read": 8003,
        "rows_kept": 8000,
        "rows_quarantined": 3,
        "quarantine_reasons": {"prompt is not a JSON list": 2, "id occurs twice": 1},
        "label_shares": {"A": 0.35, "B": 0.345, "tie": 0.305},
        "turns": {"mean": 1.25, "max": 11, "share_multi_turn": 0.13},
        "share_repeated_prompt": 0.163,
        "rows_with_empty_turn": {"response_a": 18, "response_b": 8},
        "rows_with_identical_answers": 28,
        "characters": {name: lengths for name in ("prompt", "response_a", "response_b")},
    }


def example_split():
    shares = {"A": 0.35, "B": 0.345, "tie": 0.305}
    marks = {"near_duplicates": 7, "near_duplicate_rate": 0.006}
    near = {"train": {}, "valid": marks, "calibration": marks, "test": marks}
    rows = {"train": 5602, "valid": 800, "calibration": 399, "test": 1199}
    return {
        **{
            name: {"rows": count, "groups": count * 8 // 9, "label_shares": shares, **near[name]}
            for name, count in rows.items()
        },
        "shared_groups": 0,
        "shared_prompts": 0,
        "shared_answers": 0,
        "extra": {},
    }


def example_battle(prompt="Sort this list.", response_a="1, 2, 3", response_b="3, 2, 1"):
    return {
        "id": 30192,
        "prompt": [prompt],
        "response_a": [response_a],
        "response_b": [response_b],
        "label": "A",
        "probabilities": [0.04, 0.6, 0.36],
        "log_loss": 3.2189,
    }


def write_example(folder, details, hardest=(), simulated=True):
    """Write every file that the report reads below `folder`, as the stages do."""
    metrics = folder / "metrics"
    trained = [experiment for experiment in details["experiments"] if experiment != "blend"]
    write_json(metrics / "evaluation_details.json", details)
    write_json(metrics / "data.json", example_data(simulated))
    write_json(metrics / "split.json", example_split())
    importance = {"length": 0.0012, "tone": 0.1018, "format": -0.0001}
    train = {"battles": 5200, "battles_read": 5200}
    write_json(metrics / "reference.json", {"features": {"importance": importance}, "train": train})
    judges = (*details["experiments"], "length", "tfidf")
    write_json(metrics / "leaderboard.json", example_leaderboard(judges, simulated))
    write_json(folder / "data/scored/hardest.json", list(hardest))
    for experiment, figures in example_training(trained).items():
        write_json(metrics / "train" / experiment / "metrics.json", figures)
        plots = metrics / "train" / experiment / "plots/metrics"
        write_curve(plots / "train/log_loss.tsv", range(10, 1130, 10))
        write_curve(plots / "eval/log_loss.tsv", range(376, 1130, 376))


def write_curve(path, steps):
    rows = [f"{step}\t{0.9 + 20 / (step + 90)}" for step in steps]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(["step\tlog_loss", *rows]) + "\n")


def write_json(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
