"""The section `Verdict`, which the report and the comment on a pull request share."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from preference.rendering.numbers import Sentence
from preference.rendering.templates_env import markdown_template
from preference.report.cost import TrainingMetrics
from preference.report.data_card import find_leaks
from preference.report.inputs import read_training_metrics
from preference.report.verdict import judge
from preference.runtime.strict_json import read_json

TEMPLATES = Path(__file__).parent / "templates"


def list_verdict(
    details: Mapping[str, Any], split: Mapping[str, Any], training: TrainingMetrics
) -> list[Sentence]:
    """Return the sentences of the verdict, warnings of leakage first.

    Args:
        details: the content of `metrics/evaluation_details.json`.
        split: the content of `metrics/split.json`.
        training: the content of `metrics/train/<experiment>/metrics.json`, by experiment.
    """
    return [*find_leaks(split), *judge(details, training)]


def read_verdict(metrics: Path) -> list[Sentence]:
    """Return the sentences of the verdict, from the files in the folder `metrics`.

    Raises:
        BadInput: a file does not exist; the message names the stage that makes it.
    """
    details = read_json(metrics / "evaluation_details.json", "evaluate")
    split = read_json(metrics / "split.json", "split")
    return list_verdict(details, split, read_training_metrics(metrics, details))


def render_verdict(sentences: Sequence[Sentence]) -> str:
    """Return the verdict as a Markdown list."""
    return markdown_template(TEMPLATES / "verdict.md.j2").render(verdict=sentences)
