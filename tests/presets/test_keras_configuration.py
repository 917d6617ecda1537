"""Configurations that need more time or memory than a model of ours are refused, unbuilt."""

import json

import keras
import pytest

from preference.models.heads import OrderEquivariant
from preference.presets.keras_arguments import ALL_LAYERS
from preference.presets.keras_configuration import check_depth, check_object
from preference.runtime.errors import BadInput

MANY_VARIABLES = 1000


def einsum_dense(equation):
    """The configuration of such a layer, as a file holds it."""
    layer = keras.layers.EinsumDense(equation, output_shape=(None, 2, 4), bias_axes="de")
    return json.loads(json.dumps(keras.saving.serialize_keras_object(layer)))


def equations_of_attention():
    """Those of the layer that keras-hub's encoders have."""
    attention = keras.layers.MultiHeadAttention(num_heads=2, key_dim=4)
    attention.build((None, 3, 8), (None, 3, 8))
    names = ("query", "key", "value", "output")
    return {getattr(attention, f"{name}_dense").equation for name in names}


def test_the_equations_of_attention_are_those_that_are_allowed():
    equations = equations_of_attention()
    assert len(equations) == 2
    for equation in equations:
        check_object(einsum_dense(equation), ALL_LAYERS)


@pytest.mark.parametrize(
    "equation", ["ab,bc->ac", "abc,cde->abdec", "abc,defgh->abcdefgh", "...a,ab->...b", "", None]
)
def test_another_equation_is_refused(equation):
    config = einsum_dense("abc,cde->abde")
    config["config"]["equation"] = equation
    with pytest.raises(BadInput, match=r"EinsumDense\.equation: Input should be 'abc,cde->abde'"):
        check_object(config, ALL_LAYERS)


def order_equivariant(depth):
    """Layers in each other, of which each calls the next one twice."""
    layer = keras.layers.Dense(2)
    for _ in range(depth):
        layer = OrderEquivariant(layer)
    config = keras.saving.serialize_keras_object(layer)
    check_object(config, ALL_LAYERS)
    return config


def test_one_layer_that_calls_another_twice_is_allowed_and_nested_ones_are_not():
    check_depth(order_equivariant(1), MANY_VARIABLES)
    for depth in (2, 10):
        with pytest.raises(BadInput, match="it calls a layer more often than a model of ours does"):
            check_depth(order_equivariant(depth), MANY_VARIABLES)


def test_two_such_layers_beside_each_other_are_refused_too():
    layers = [keras.Input((2, 4)), *(OrderEquivariant(keras.layers.Dense(2)) for _ in range(2))]
    config = {"layers": [keras.saving.serialize_keras_object(layer) for layer in layers]}
    with pytest.raises(BadInput, match="more often"):
        check_depth(config, MANY_VARIABLES)
