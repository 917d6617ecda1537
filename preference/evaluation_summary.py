"""The evaluation in plain words, from the figures of `evaluation` alone.

A difference counts as real when it exceeds `BEYOND_NOISE` paired standard errors. That is a first
look: it does not correct for comparing several models, nor for choosing the best of them.
"""

from collections.abc import Collection, Mapping
from typing import Any

from preference.evaluation import ORACLE

BEYOND_NOISE = 1.96
PRIOR = "prior"

Headline = Mapping[str, Mapping[str, float]]


def summarize(headline: Headline, details: Mapping[str, Any], references: Collection[str]) -> str:
    """Return the verdict as Markdown; `references` names the models that are no experiment."""
    ranked = sorted(headline, key=lambda name: headline[name]["log_loss"])
    arms = [name for name in ranked if name not in references and name != ORACLE]
    lines = ["# Evaluation", "", _describe_data(details), "", *_table(headline, details, ranked)]
    if arms:
        lines += ["", *_judge_arms(arms, details["log_loss_differences"])]
        rivals = [name for name in ranked if name in references]
        if rivals:
            lines += _judge_references(arms, rivals[0], details["log_loss_differences"])
            lines += _judge_agreement(arms, rivals[0], details)
        lines += _judge_against_prior(arms, details["log_loss_differences"])
    if details["simulated"]:
        lines += _judge_against_oracle(details, [name for name in ranked if name != ORACLE])
    return "\n".join(lines) + "\n"


def _describe_data(details: Mapping[str, Any]) -> str:
    rows, groups = details["rows"], details["groups"]
    kind = (
        "**Simulated battles**, whose true probabilities are known"
        if details["simulated"]
        else "Real battles"
    )
    return (
        f"{kind}: {rows:,} test rows in {groups:,} groups. Lower log loss is better; ± is one "
        "standard error over groups."
    )


def _table(headline: Headline, details: Mapping[str, Any], ranked: list[str]) -> list[str]:
    lines = [
        "| model | log loss | accuracy | macro F1 | flip rate |",
        "|---|---|---|---|---|",
    ]
    for name in ranked:
        row, error = headline[name], details["models"][name]["log_loss_standard_error"]
        lines.append(
            f"| {name} | {row['log_loss']:.4f} ± {error:.4f} | {row['accuracy']:.3f} "
            f"| {row['f1_macro']:.3f} | {row['flip_rate']:.3f} |"
        )
    return lines


def _judge_arms(arms: list[str], differences: Mapping[str, Any]) -> list[str]:
    best, *others = arms
    if not others:
        return [f"- The one experiment is {best}."]
    open_ = [name for name in others if not _is_beyond_noise(differences[name][best])]
    verdict = (
        f"{_join(open_)} may be as good: the differences are within noise"
        if open_
        else "it beats every other experiment by more than chance explains"
    )
    return [
        f"- Best experiment: **{best}**; {verdict}.",
        *(f"  - {name}: {_describe(differences[name][best], best)}." for name in others),
        f"- With these rows, a difference between two experiments shows from about "
        f"{_smallest_visible(arms, differences):.4f} on, before any correction for choosing the "
        f"best of {len(arms)}.",
    ]


def _judge_references(arms: list[str], rival: str, differences: Mapping[str, Any]) -> list[str]:
    lines = [f"- Against {rival}, the best reference without a network:"]
    for arm in arms:
        difference = differences[arm][rival]
        if not _is_beyond_noise(difference):
            verdict = "cannot be told apart from it; its cost is not justified by these rows"
        else:
            verdict = "beats it" if difference["mean"] < 0 else "is worse: not worth its cost"
        lines.append(f"  - {arm} {verdict} ({_describe(difference, rival)}).")
    return lines


def _judge_agreement(arms: list[str], rival: str, details: Mapping[str, Any]) -> list[str]:
    """Compare where the rival, which does not read the prompt, cannot know what decides."""
    if "agreement_differences" not in details:
        return []
    rows = details["models"][rival]["rows_agreement"]
    lines = [f"- On the {rows:,} battles that the agreement of prompt and answer decides:"]
    for arm in arms:
        difference = details["agreement_differences"][arm][rival]
        verdict = "beats" if _is_better(difference) else "does not beat"
        lines.append(f"  - {arm} {verdict} {rival} ({_describe(difference, rival)}).")
    return lines


def _judge_against_prior(arms: list[str], differences: Mapping[str, Any]) -> list[str]:
    """Name the arms that guessing the class shares would have matched."""
    if PRIOR not in differences:
        return []
    beaten = [name for name in arms if _is_better(differences[name][PRIOR])]
    idle = [name for name in arms if name not in beaten]
    if not idle:
        return []
    return [
        f"- {_join(idle)} {'do' if len(idle) > 1 else 'does'} not beat guessing the class shares "
        "(prior) by more than noise: more battles, or a pretrained backbone, are needed."
    ]


def _judge_against_oracle(details: Mapping[str, Any], names: list[str]) -> list[str]:
    lines = ["- Against the oracle, which no model can beat but by luck:"]
    models = details["models"]
    for name in names:
        model, gap = models[name], details["log_loss_differences"][name][ORACLE]
        share = _share_closed(model, models.get(PRIOR))
        lines.append(
            f"  - {name}: regret {model['regret']:.4f} (with these labels {gap['mean']:+.4f} ± "
            f"{gap['standard_error']:.4f}){share}; recovers "
            f"{model['surface_recovered']:.2f} of the surface and "
            f"{model['agreement_recovered']:.2f} of the agreement of prompt and answer."
        )
        if gap["mean"] < 0 and _is_beyond_noise(gap):
            lines.append(
                f"    **{name} is better than the truth by more than chance explains "
                f"({_describe(gap, ORACLE)}): look for a leak.**"
            )
    return lines


def _share_closed(model: Mapping[str, float], prior: Mapping[str, float] | None) -> str:
    """Use the regrets: unlike the realised log losses, they are free of the labels' luck."""
    if prior is None or prior["regret"] == 0:
        return ""
    return f", {1 - model['regret'] / prior['regret']:.0%} of the way from prior to oracle"


def _smallest_visible(arms: list[str], differences: Mapping[str, Any]) -> float:
    best, *others = arms
    errors = [differences[name][best]["standard_error"] for name in others]
    return BEYOND_NOISE * sum(errors) / len(errors)


def _is_beyond_noise(difference: Mapping[str, float]) -> bool:
    return abs(difference["mean"]) > BEYOND_NOISE * difference["standard_error"]


def _is_better(difference: Mapping[str, float]) -> bool:
    return difference["mean"] < 0 and _is_beyond_noise(difference)


def _describe(difference: Mapping[str, float], other: str) -> str:
    return (
        f"{difference['mean']:+.4f} ± {difference['standard_error']:.4f} log loss against {other}"
    )


def _join(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1])] * (len(names) > 1) + names[-1:])
