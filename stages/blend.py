"""Fit the weights of the blend on calibration, and make its bundle.

    python -m stages.blend

Reads data/config/index.json, the calibration split, the predictions and temperatures of each model,
models/weights/, data/tokens/ and models/reference/; writes the weights to data/blend.json, which
`evaluate` reads, and the bundle models/blend/. Where `evaluation.blend` is empty, both say so.

With folds, the blend is fitted on calibration of each, and the bundle is that of the first fold.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from preference.battles.predictions import Predictions
from preference.battles.soft_labels import (
    label_columns,
    label_prior,
    read_labels,
    read_weights,
)
from preference.battles.splits import (
    fold_folder,
    read_has_ties,
    read_split_battles,
    split_file,
)
from preference.battles.table import BATTLES, LABELS, has_oracle
from preference.bundle.blend_saving import write_blend, write_no_blend
from preference.bundle.blend_schema import (
    BLEND_FORMAT,
    BlendedReference,
    BlendManifest,
    MixWeights,
    member_folder,
)
from preference.bundle.manifest_schema import Manifest, describe_bundle
from preference.config.experiment import IndexEntry, list_folds, read_index, seeds_of
from preference.config.params import REFERENCES, load_params
from preference.evaluation.blend import BLEND, BlendFit, Mix, choose_models
from preference.evaluation.inputs import (
    BLEND_FIT,
    hashes_of_weights,
    read_battles,
    read_calibrations,
    read_models,
    read_targets,
)
from preference.evaluation.scoring import fit_blend_weights
from preference.evaluation.targets import Targets
from preference.models.training_record import read_record, run_folder
from preference.references.files import reference_files
from preference.runtime.atomic_write import write_text, writing_folder
from preference.runtime.errors import exit_on_bad_input
from preference.runtime.provenance import hash_file, hash_files, hash_text
from preference.runtime.stage_lock import running_alone
from preference.runtime.strict_json import to_json
from preference.sequences.token_store import find_trained_tokens
from preference.statistics.calibration import (
    Calibration,
    Temperatures,
    calibrate_run,
    find_warnings,
)

MODELS = Path("models")
REFERENCE_FILES = MODELS / "reference"
SPLIT, TRAIN = split_file("calibration"), split_file("train")


@dataclass(frozen=True)
class FittedBlend:
    """The blend of a fold, its calibration, and the temperatures `fitted` of all models."""

    fold: int | None
    fit: BlendFit
    calibration: Calibration
    fitted: Mapping[str, Sequence[Temperatures]]


def main() -> None:
    """Write the fitted weights, and the bundle of the blend."""
    params, entries = load_params(), read_index()
    chosen = choose_models(params.evaluation, [*(entry.name for entry in entries), *REFERENCES])
    if not chosen:
        write_text(to_json([]), BLEND_FIT)
        with writing_folder(MODELS / BLEND) as folder:
            write_no_blend(folder)
        return
    folds = list_folds(entries)
    blends = [fit_blend(chosen, entries, fold, params.seed) for fold in folds]
    text = to_json([asdict(blend.fit) for blend in blends], indent=2)
    bundle_blend(blends[0], hash_text(text), entries)
    write_text(text, BLEND_FIT)


def fit_blend(
    chosen: Sequence[str], entries: Sequence[IndexEntry], fold: int | None, seed: int
) -> FittedBlend:
    """Fit the weights and the temperature of the chosen models on calibration of a fold."""
    targets = read_targets(read_battles("calibration", fold, fields=()))
    raw, fitted = read_models(entries, fold, targets)
    mixed = {name: raw[name] for name in chosen}
    in_order, both_orders = (
        fit_blend_weights(mixed, fitted, targets, averaged) for averaged in (False, True)
    )
    calibration = calibrate(targets, in_order[1], both_orders[1], seed)
    references = fold_folder(REFERENCE_FILES, fold)
    hashes = {
        **hashes_of_weights(entries, [fold]),
        **{
            name: [hash_file(references / file) for file in reference_files(name)]
            for name in REFERENCES
        },
    }
    fit = BlendFit(
        models={name: hashes[name] for name in mixed},
        in_order=Mix(weights=in_order[0], temperature=calibration.in_order.temperature),
        both_orders=Mix(weights=both_orders[0], temperature=calibration.both_orders.temperature),
    )
    return FittedBlend(fold, fit, calibration, fitted)


def calibrate(
    targets: Targets, in_order: Predictions, both_orders: Predictions, seed: int
) -> Calibration:
    """Fit the temperature of each mix, and estimate its metrics on calibration."""
    decided = targets.labels, targets.groups
    calibration = replace(
        calibrate_run(*decided, in_order, seed, targets.weights),
        both_orders=calibrate_run(*decided, both_orders, seed, targets.weights).both_orders,
    )
    for warning in find_warnings(BLEND, *decided, in_order, calibration, targets.weights):
        print(f"warning: {warning}", file=sys.stderr)
    return calibration


def bundle_blend(blend: FittedBlend, digest: str, entries: Sequence[IndexEntry]) -> None:
    """Write the bundle of the blend, without the models that have no weight.

    Args:
        blend: what was fitted.
        digest: the sha256 of the file with the weights of all folds.
        entries: all experiments.
    """
    fit, fold = blend.fit, blend.fold
    weights = {name: weights_of(name, fit) for name in fit.models}
    weights = {name: one for name, one in weights.items() if one.in_order or one.both_orders}
    members: dict[str, tuple[Path, Path, Manifest]] = {}
    shares: dict[str, MixWeights] = {}
    for entry in entries:
        if entry.name in weights:
            found = find_members(entry, fold)
            members |= found
            shares |= dict.fromkeys(found, share(weights[entry.name], len(found)))
    train = read_split_battles(BATTLES, TRAIN, label_columns(BATTLES), fold)
    manifest = BlendManifest(
        kind="blend",
        format=BLEND_FORMAT,
        name=BLEND,
        fit=digest,
        labels=list(LABELS),
        simulated=has_oracle(BATTLES),
        prior=label_prior(read_labels(train), read_has_ties(train), read_weights(train)),
        members=shares,
        references={
            name: BlendedReference(weight=weights[name], temperature=blend.fitted[name][0])
            for name in REFERENCES
            if name in weights
        },
        calibration=blend.calibration,
        data=hash_files([BATTLES, TRAIN, SPLIT]),
        files={},
        test=None,
        folds=None if fold is None else len(list_folds(entries)),
    )
    with writing_folder(MODELS / BLEND) as folder:
        write_blend(members, fold_folder(REFERENCE_FILES, fold), manifest, folder)


def find_members(entry: IndexEntry, fold: int | None) -> dict[str, tuple[Path, Path, Manifest]]:
    """Return the model, tokens and manifest of each run on a fold, by its folder in the bundle."""
    members = {}
    for run in read_calibrations(entry):
        if run.seed not in seeds_of(entry, fold):
            continue
        record = read_record(entry.name, run.seed)
        manifest = describe_bundle(record, run.calibration, hash_files([SPLIT]))
        tokens = find_trained_tokens(record.tokens, entry.name)
        model = run_folder(entry.name, run.seed)
        members[member_folder(entry.name, run.seed)] = model, tokens, manifest
    return members


def weights_of(name: str, fit: BlendFit) -> MixWeights:
    """Return the weights of a model."""
    return MixWeights(
        in_order=fit.in_order.weights[name], both_orders=fit.both_orders.weights[name]
    )


def share(weights: MixWeights, runs: int) -> MixWeights:
    """Return the weights of each of several training runs of an experiment."""
    return MixWeights(in_order=weights.in_order / runs, both_orders=weights.both_orders / runs)


if __name__ == "__main__":
    with exit_on_bad_input(), running_alone("blend"):
        main()
