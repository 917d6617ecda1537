"""Start a training from the network of a bundle (`train.initial`): its backbone, and its head.

Guarantees
1. The head is taken where its layers have the same shapes, its pool is the same and it reads no
   features; else it starts from random weights, and the line that says what was taken says why.
2. The precision is that of the new training. So is the dropout, but where `model.dropout` is null,
   that of the bundle stays.
3. A network that was trained on the same battles, divided otherwise, is refused: it may have
   learned battles that are now in test.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import keras
import keras_nlp

from preference.config.experiment import Experiment
from preference.models.initial_network import INITIAL_NETWORKS, InitialNetwork, read_initial
from preference.models.precision import choose_precision, in_precision
from preference.models.preference_model import FEATURES, backbone_of
from preference.models.pretrained.backbones import replace_dropout
from preference.models.saved_model import load_model
from preference.runtime.errors import BadInput
from preference.training.frozen_layers import unfreeze_layers


@dataclass(frozen=True)
class Start:
    """What a training starts from: the bundle, its network, and its backbone for this training."""

    source: InitialNetwork
    network: keras.Model
    backbone: keras_nlp.models.Backbone

    def give_head(self, model: keras.Model) -> str:
        """Give `model` the weights of the head where they fit, and say in a line what was taken."""
        taken, misfit = f"starts from {self.source.file}: backbone", self._misfit(model)
        if misfit:
            return f"{taken}, but not head, because {misfit}"
        model.get_layer("head").set_weights(self.network.get_layer("head").get_weights())
        return f"{taken} and head"

    def _misfit(self, model: keras.Model) -> str:
        if FEATURES in model.input and FEATURES in self.network.input:
            return "its features are normalised as in its own train"
        pools = [type(one.get_layer("pool")).__name__ for one in (self.network, model)]
        if len(set(pools)) > 1:
            return f"its pool is {pools[0]}, and model.pool makes {pools[1]}"
        heads = [
            [tuple(weight.shape) for weight in one.get_layer("head").weights]
            for one in (self.network, model)
        ]
        if heads[0] != heads[1]:
            return f"its weights have the shapes {heads[0]}, and those of model.head {heads[1]}"
        return ""


def load_start(experiment: Experiment, fold: int | None, data: Mapping[str, str]) -> Start | None:
    """Load the network that an experiment starts from; None where `train.initial` is null.

    Args:
        experiment: the experiment.
        fold: of the training run.
        data: sha256 of the files that it reads.

    Raises:
        BadInput: the network is missing or damaged, or learned the same battles, divided otherwise.
    """
    if experiment.train.initial is None:
        return None
    folder = INITIAL_NETWORKS / experiment.name
    source = read_initial(folder)
    _check_battles(source, fold, data)
    network = load_model(folder)
    backbone = backbone_of(network)
    unfreeze_layers(backbone)
    backbone = in_precision(backbone, choose_precision(experiment.train.precision))
    dropout = experiment.model.dropout
    if dropout is not None:
        backbone = replace_dropout(backbone, dropout)
    return Start(source, network, backbone)


def _check_battles(source: InitialNetwork, fold: int | None, data: Mapping[str, str]) -> None:
    battles, *splits = data
    same_battles = source.data.get(battles) == data[battles]
    same_split = all(source.data.get(split) == data[split] for split in splits)
    if same_battles and not (same_split and source.fold == fold):
        raise BadInput(
            f"params.yaml, train.initial: {source.file} was trained on these battles, but divided "
            "otherwise, so that it may have learned battles that are now in test. Use a bundle "
            "that was trained on other battles, or with the same seed and split."
        )
