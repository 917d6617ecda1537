"""Draw tasks: a question with a right and a wrong core answer.

A core answer can be judged only with its prompt: the same words are right for one prompt and wrong
for another.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from simulated.words import PEOPLE, topic_things

OPERATIONS = {"adds": "+", "subtracts": "-", "multiplies": "*", "divides": "/"}
LONGEST_LIST = 5


@dataclass(frozen=True)
class Task:
    """A question with a right and a wrong core answer, which are empty for advice."""

    question: str
    right: str
    wrong: str


def _arithmetic(random: np.random.Generator, topic: int) -> Task:
    first, second = random.integers(1, 10, size=2)
    error = random.choice((-2, -1, 1, 2))
    thing = random.choice(topic_things(topic))
    return Task(
        f"One {thing} costs {first}, another {second}. What is the sum?",
        f"The sum is {first + second}.",
        f"The sum is {first + second + error}.",
    )


def _fact(random: np.random.Generator, topic: int) -> Task:
    owner, other = random.choice(PEOPLE, size=2, replace=False)
    owned, lent = random.choice(topic_things(topic), size=2, replace=False)
    facts = [f"{owner} has the {owned}.", f"{other} has the {lent}."]
    random.shuffle(facts)
    return Task(f"{' '.join(facts)} Who has the {owned}?", f"It is {owner}.", f"It is {other}.")


def _list(random: np.random.Generator, topic: int) -> Task:
    wanted, given = 1 + random.choice(LONGEST_LIST, size=2, replace=False)
    things = random.permutation(topic_things(topic))
    return Task(
        f"Name {wanted} things like the {things[-1]}.",
        f"Here you are: {', '.join(things[:wanted])}.",
        f"Here you are: {', '.join(things[:given])}.",
    )


def _code(random: np.random.Generator, topic: int) -> Task:
    wanted, given = random.choice(list(OPERATIONS), size=2, replace=False)
    name = random.choice(topic_things(topic))
    code = "```python\ndef {}(a, b):\n    return a {} b\n```"
    return Task(
        f"Write a function {name} that {wanted} two numbers.",
        code.format(name, OPERATIONS[wanted]),
        code.format(name, OPERATIONS[given]),
    )


def _rewriting(random: np.random.Generator, topic: int) -> Task:
    thing, other = random.choice(topic_things(topic), size=2, replace=False)
    sentences = {
        "a question": f"Would the {thing} need the {other}?",
        "an exclamation": f"How the {thing} needs the {other}!",
        "the past tense": f"The {thing} needed the {other}.",
        "the future tense": f"The {thing} will need the {other}.",
    }
    wanted, given = random.choice(list(sentences), size=2, replace=False)
    return Task(
        f"Rewrite this as {wanted}: the {thing} needs the {other}.",
        sentences[wanted],
        sentences[given],
    )


def _advice(random: np.random.Generator, topic: int) -> Task:
    thing, other = random.choice(topic_things(topic), size=2, replace=False)
    opening = random.choice(("Tell me about", "What should I know about", "Explain"))
    return Task(f"{opening} the {thing} and the {other}.", "", "")


SKILLS: tuple[Callable[[np.random.Generator, int], Task], ...] = (
    _arithmetic,
    _fact,
    _list,
    _code,
    _rewriting,
    _advice,
)
HAS_CORE = np.array([True, True, True, True, True, False])


def draw_task(random: np.random.Generator, skill: int, topic: int) -> Task:
    """Draw one task of a skill (an index in `SKILLS`) about a topic."""
    return SKILLS[skill](random, topic)
