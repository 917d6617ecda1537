"""The model card: a bundle's README, with the metadata that a model hub reads at its top.

Guarantees
1. The same manifest gives the same bytes.
2. A name from the data, however hostile, is shown as text, and breaks neither YAML nor Markdown.
   Readers of YAML 1.1 and of YAML 1.2 read the same.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from preference.bundle.manifest_schema import Manifest
from preference.presets.own_presets import TRAINED_FROM_SCRATCH
from preference.rendering.templates_env import markdown_template
from preference.statistics.cluster_bootstrap import FEWEST_GROUPS, Estimate
from preference.statistics.temperature_scaling import describe_bound

TEMPLATE = Path(__file__).parent / "templates" / "model_card.md.j2"
# As the Hub calls them; the log loss has no name there.
HUB_METRICS = {"log_loss": "log_loss", "accuracy": "accuracy", "f1_macro": "f1"}
MEASURES = {
    "log_loss": "log loss (nats, lower is better)",
    "accuracy": "accuracy",
    "f1_macro": "macro F1",
    "flip_rate": "share of winners that change with the order",
}


class QuotingDumper(yaml.SafeDumper):
    """Writes every text in quotes, because a name like 1e3 is a number to some of the readers."""


QuotingDumper.add_representer(
    str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"')
)


def render_card(manifest: Manifest) -> str:
    """Return the content of README.md."""
    metadata = yaml.dump(_metadata(manifest), Dumper=QuotingDumper, sort_keys=False)
    body = markdown_template(TEMPLATE).render(
        bundle=manifest,
        measures=MEASURES,
        fewest_groups=FEWEST_GROUPS,
        bounds=_describe_bounds(manifest),
        from_scratch=manifest.parameters["model"]["preset"] in TRAINED_FROM_SCRATCH,
    )
    return f"---\n{metadata}---\n\n{body}"


def _describe_bounds(manifest: Manifest) -> list[str]:
    """Say which temperatures are no best ones."""
    calibration = manifest.calibration
    temperatures = {
        "answers as given": calibration.in_order.temperature,
        "both orders averaged": calibration.both_orders.temperature,
    }
    bounds = {order: describe_bound(one) for order, one in temperatures.items()}
    return [f"The temperature for {order} is {bound}." for order, bound in bounds.items() if bound]


def _metadata(manifest: Manifest) -> dict[str, Any]:
    results = [_result(manifest, "calibration", manifest.calibration.in_order.metrics)]
    if manifest.test:
        results.append(_result(manifest, "test", manifest.test.metrics))
    return {
        "library_name": "keras",
        # No file says under which terms the weights may be used.
        "license": "unknown",
        "pipeline_tag": "text-classification",
        "tags": ["human-preference", "pairwise", *(["simulated"] * manifest.simulated)],
        "metrics": list(HUB_METRICS.values()),
        "model-index": [{"name": manifest.name, "results": results}],
    }


def _result(manifest: Manifest, split: str, metrics: Mapping[str, Estimate]) -> dict[str, Any]:
    kind = "simulated" if manifest.simulated else "real"
    return {
        "task": {"type": "text-classification", "name": "Human preference between two answers"},
        "dataset": {"type": f"{kind}-battles", "name": f"{kind} battles", "split": split},
        "metrics": [
            {"type": hub_name, "name": MEASURES[name], "value": metrics[name].value}
            for name, hub_name in HUB_METRICS.items()
        ],
    }
