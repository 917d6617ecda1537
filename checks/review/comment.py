"""Write the comment as Markdown, short enough for GitHub."""

from collections.abc import Sequence
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined

from checks.review.comparison import Comparison
from checks.review.diffs import DifferingValue, metrics_table, params_table
from checks.review.results import METRICS
from checks.review.revision import Revision
from checks.review.verdict import change_table, explain, judge_change
from preference.rendering.markdown_text import code, escape_markdown

# GitHub refuses a comment of more than 65,536 characters; continuous integration adds a link.
LONGEST = 65_000


@dataclass(frozen=True)
class Review:
    """The content of the comment.

    `verdict` is that of the report on the new version, as Markdown. `stale_stages` have results in
    the workspace that do not belong to its code and parameters. `profile` is the name of the
    profile that both versions were reproduced with, if any; `hidden_params` are the parameters that
    the change sets and the profile overrides.
    """

    base: Revision
    comparison: Comparison
    params: Sequence[DifferingValue]
    metrics: Sequence[DifferingValue]
    verdict: str
    stale_stages: Sequence[str] = ()
    profile: str | None = None
    hidden_params: Sequence[str] = ()


def write_comment(review: Review) -> str:
    """Return the comment; what is too long for GitHub is cut at the end."""
    base = code(review.base.name)
    own = [one for one in review.metrics if one.path == METRICS]
    others = [one for one in review.metrics if one.path != METRICS]
    comment = (
        _environment()
        .get_template("comment.md.j2")
        .render(
            base=base,
            commit=review.base.commit[:7],
            headline=judge_change(review.comparison),
            warnings=_warn(review),
            changes=review.comparison.changes and change_table(review.comparison, base),
            explanation=explain(review.comparison, base),
            params=review.params and params_table(review.params, base),
            headline_metrics=own and metrics_table(own, base, with_path=False),
            other_metrics=others and metrics_table(others, base, with_path=True),
            verdict=review.verdict,
        )
    )
    return comment if len(comment) <= LONGEST else _cut(comment)


def _warn(review: Review) -> list[str]:
    warnings = []
    if review.comparison.other_processor:
        warnings.append(escape_markdown(review.comparison.other_processor))
    if review.stale_stages:
        stages = ", ".join(code(stage) for stage in review.stale_stages)
        warnings.append(
            "the results here are incomplete, or not of the code and parameters here: `dvc repro` "
            f"would run {stages}."
        )
    if review.profile:
        warnings.append(
            f"both versions were reproduced with the profile {code(review.profile)}. With its few "
            "battles, only large changes are significant."
        )
    if review.hidden_params:
        names = ", ".join(code(name) for name in review.hidden_params)
        warnings.append(
            f"the profile sets {names} itself, so what the change does to them is not in the "
            "results."
        )
    return warnings


def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("checks.review"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _cut(comment: str) -> str:
    whole_lines = comment[:LONGEST].rpartition("\n")[0]
    return f"{whole_lines}\n\n… cut here: a comment may be no longer.\n"
