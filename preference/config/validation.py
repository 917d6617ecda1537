"""Types of checked values in params.yaml and in JSON files, and dataclasses that check them."""

from typing import Annotated, Literal, TypeVar, cast, dataclass_transform

from pydantic import AfterValidator, ConfigDict, Field
from pydantic.dataclasses import dataclass

Class = TypeVar("Class")


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(Field,))
def checked(cls: type[Class]) -> type[Class]:
    """Make `cls` a frozen dataclass that refuses unknown names and values of another type."""
    config = ConfigDict(extra="forbid", strict=True)
    return cast(type[Class], dataclass(frozen=True, kw_only=True, config=config)(cls))


Number = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[Number, Field(gt=0)]
NonNegative = Annotated[Number, Field(ge=0)]
Fraction = Annotated[Number, Field(ge=0, le=1)]
DropoutRate = Annotated[Number, Field(ge=0, lt=1)]
# A float represents every integer up to this bound.
Count = Annotated[int, Field(ge=1, le=2**53)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
# The cost of attention grows with the square of the length. No preset reads longer sequences.
SequenceLength = Annotated[int, Field(ge=16, le=2**16)]
Turns = Literal["first", "all"]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


def _check_printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("the text has a character that cannot be printed")
    return text


LONGEST_TEXT = 500
Text = Annotated[
    str, Field(min_length=1, max_length=LONGEST_TEXT), AfterValidator(_check_printable)
]
# For plain dataclasses, which are not strict: texts and booleans are refused as numbers.
Finite = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Probability = Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False)]
