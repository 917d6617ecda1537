"""The model card: the README of a bundle, with metadata for model hubs at its top.

Guarantees
1. The same manifest gives the same bytes.
2. A name from the data is shown as text, even a hostile one, and breaks neither YAML nor Markdown.
   YAML 1.1 and YAML 1.2 give the same metadata.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from preference.bundle.blend_schema import BlendManifest
from preference.bundle.manifest_schema import Manifest
from preference.presets.own_presets import TRAINED_FROM_SCRATCH
from preference.rendering.templates_env import markdown_template
from preference.statistics.cluster_bootstrap import FEWEST_GROUPS, Estimate
from preference.statistics.temperature_scaling import describe_bound

TEMPLATES = Path(__file__).parent / "templates"
# The metrics' names on the Hub, which has no name for the log loss.
HUB_METRICS = {"log_loss": "log_loss", "accuracy": "accuracy", "f1_macro": "f1"}
SHOWN_METRICS = {
    "log_loss": "log loss (nats, lower is better)",
    "accuracy": "accuracy",
    "f1_macro": "macro F1",
    "flip_rate": "flip rate: fraction of winners that change with the order",
}


class QuotingDumper(yaml.SafeDumper):
    """Writes every text in quotes, because some YAML readers would read 1e3 as a number."""


QuotingDumper.add_representer(
    str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"')
)


def render_card(manifest: Manifest | BlendManifest) -> str:
    """Return the content of README.md."""
    shown: dict[str, object] = {
        "bundle": manifest,
        "measures": SHOWN_METRICS,
        "fewest_groups": FEWEST_GROUPS,
        "folds": _count_folds(manifest),
        "bounds": _describe_bounds(manifest),
    }
    template = "blend_card.md.j2"
    if isinstance(manifest, Manifest):
        template = "model_card.md.j2"
        preset = manifest.parameters["model"]["preset"]
        shown["initial"] = manifest.parameters.get("train", {}).get("initial")
        shown["from_scratch"] = preset in TRAINED_FROM_SCRATCH
    metadata = yaml.dump(_metadata(manifest), Dumper=QuotingDumper, sort_keys=False)
    body = markdown_template(TEMPLATES / template).render(shown)
    return f"---\n{metadata}---\n\n{body}"


def _count_folds(manifest: Manifest | BlendManifest) -> object:
    """Return the number of folds of which this is one; None where the battles were split once."""
    if isinstance(manifest, BlendManifest):
        return manifest.folds
    return manifest.parameters.get("split", {}).get("folds")


def _describe_bounds(manifest: Manifest | BlendManifest) -> list[str]:
    """Return a sentence for each temperature that is a bound of the search."""
    calibration = manifest.calibration
    temperatures = {
        "answers as given": calibration.in_order.temperature,
        "both orders averaged": calibration.both_orders.temperature,
    }
    bounds = {order: describe_bound(one) for order, one in temperatures.items()}
    return [f"The temperature for {order} is {bound}." for order, bound in bounds.items() if bound]


def _metadata(manifest: Manifest | BlendManifest) -> dict[str, Any]:
    results = [_result(manifest, "calibration", manifest.calibration.in_order.metrics)]
    if manifest.test:
        results.append(_result(manifest, "test", manifest.test.metrics))
    return {
        "library_name": "keras",
        # The licence of the weights is not recorded anywhere.
        "license": "unknown",
        "pipeline_tag": "text-classification",
        "tags": ["human-preference", "pairwise", *(["simulated"] * manifest.simulated)],
        "metrics": list(HUB_METRICS.values()),
        "model-index": [{"name": manifest.name, "results": results}],
    }


def _result(
    manifest: Manifest | BlendManifest, split: str, metrics: Mapping[str, Estimate]
) -> dict[str, Any]:
    kind = "simulated" if manifest.simulated else "real"
    return {
        "task": {"type": "text-classification", "name": "Human preference between two answers"},
        "dataset": {"type": f"{kind}-battles", "name": f"{kind} battles", "split": split},
        "metrics": [
            {"type": hub_name, "name": SHOWN_METRICS[name], "value": metrics[name].value}
            for name, hub_name in HUB_METRICS.items()
        ],
    }
