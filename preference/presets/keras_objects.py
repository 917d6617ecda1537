"""The JSON forms of Keras objects and of calls between layers, as types that pydantic checks."""

from typing import Annotated, Any, Generic, Literal, NotRequired, TypeVar

from pydantic import ConfigDict, Field, StrictBool, with_config
from typing_extensions import TypeAliasType, TypedDict

Strict = with_config(ConfigDict(extra="forbid", strict=True))
# A dimension of a tensor.
Size = Annotated[int, Field(ge=1, lt=2**31)]
Shape = Annotated[list[Size | None], Field(max_length=8)]
DataType = Literal["float32", "bfloat16", "float16", "int32"]
Name = Annotated[str, Field(pattern="^[A-Za-z0-9_.]{1,100}$")]


@Strict
class GeluApproximate(TypedDict):
    """The only function that a model may refer to: the GELU of keras-hub's BERT."""

    module: Literal["builtins"]
    class_name: Literal["function"]
    config: Literal["keras_hub>gelu_approximate", "keras_nlp>gelu_approximate"]
    registered_name: Literal["function"]


PrecisionName = TypeVar("PrecisionName", bound=str)


@Strict
class PolicyConfig(TypedDict, Generic[PrecisionName]):
    """The arguments of a `Policy`."""

    name: PrecisionName


@Strict
class Policy(TypedDict, Generic[PrecisionName]):
    """A precision, where Keras writes it as an object."""

    module: Literal["keras"]
    class_name: Literal["DTypePolicy"]
    config: PolicyConfig[PrecisionName]
    registered_name: None


# A reference to the output of a layer: its name, the number of the call, and that of the output.
TENSOR = "__keras_tensor__"
History = Annotated[list[Name | Annotated[int, Field(ge=0)]], Field(min_length=3, max_length=3)]
Histories = TypeAliasType("Histories", "History | list[Histories] | dict[Name, Histories]")


@Strict
class TensorConfig(TypedDict):
    """A tensor between two layers."""

    shape: Shape
    dtype: DataType
    keras_history: History


@Strict
class Tensor(TypedDict):
    """A tensor as an argument of a call."""

    class_name: Literal["__keras_tensor__"]
    config: TensorConfig


CallArgument = TypeAliasType(
    "CallArgument", "Tensor | StrictBool | list[CallArgument] | dict[Name, CallArgument] | None"
)


@Strict
class Call(TypedDict):
    """One call of a layer in the graph of a model."""

    args: list[CallArgument]
    kwargs: dict[Literal["mask", "padding_mask", "training"], CallArgument]


@Strict
class Build(TypedDict):
    """The shapes for which a layer is built."""

    input_shape: Shape | Annotated[list[Shape], Field(max_length=8)] | None


@Strict
class KerasObject(TypedDict):
    """An object, and the further keys of a layer or model. There is no optimizer."""

    module: str
    class_name: str
    config: dict[str, Any]
    registered_name: NotRequired[str | None]
    shared_object_id: NotRequired[int]
    build_config: NotRequired[Build | None]
    compile_config: NotRequired[Annotated[dict[str, Any], Field(max_length=0)] | None]
    name: NotRequired[Name]
    inbound_nodes: NotRequired[list[Call]]
