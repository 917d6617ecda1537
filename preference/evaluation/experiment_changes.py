"""What each experiment changes against the baseline."""

from collections.abc import Mapping, Sequence
from typing import Any

from preference.config.experiment import IndexEntry
from preference.models.training_record import read_record

Parameters = Mapping[str, Mapping[str, Any]]
# What a record leaves out where it has this value.
LEFT_OUT = {"model.features": False}


def describe_experiments(entries: Sequence[IndexEntry]) -> dict[str, dict[str, Any]]:
    """Return the seeds of each experiment, and the parameters that it changes.

    Args:
        entries: all experiments, the baseline first.

    Returns:
        By experiment, `seeds` and `changes`: by the name of a parameter, such as `model.seq_len`,
        its value in the baseline and in the experiment.
    """
    parameters = {
        entry.name: _flatten(read_record(entry.name, entry.seeds[0]).parameters)
        for entry in entries
    }
    baseline = parameters[entries[0].name]
    return {
        entry.name: {
            "seeds": list(entry.seeds),
            "changes": {
                name: [baseline.get(name), value]
                for name, value in parameters[entry.name].items()
                if value != baseline.get(name)
            },
        }
        for entry in entries
    }


def _flatten(parameters: Parameters) -> dict[str, Any]:
    """Name each parameter by its section, without the seeds, which change no experiment."""
    return LEFT_OUT | {
        f"{section}.{name}": value
        for section, values in parameters.items()
        for name, value in values.items()
        if (section, name) != ("train", "seeds")
    }
