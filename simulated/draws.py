"""Draw the random choices that decide all battles of the arena at once, as arrays."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from simulated.models import MODELS, draw_models
from simulated.tasks import HAS_CORE, SKILLS
from simulated.utility import Answers
from simulated.words import TOPIC_NAMES

# The standard deviation between models of the mean length, in standard deviations of all lengths.
WORDINESS = 0.3
STYLES = ("plain", "bullets", "numbered")
NO_REQUEST = len(STYLES)

# Real battles, in DeBERTa tokens: prompt median 20 and p90 170, response median 228 and p90 583.
PROMPT_MEDIAN, PROMPT_SIGMA = 20, 1.67
RESPONSE_MEDIAN, RESPONSE_SIGMA = 228, 0.73
TOKENS_PER_SENTENCE = 12
# The tokens of a prompt and of an answer without their plain sentences.
QUESTION_TOKENS, CORE_TOKENS = 20, 10

# Among the 57,477 real rows, 6,265 repeat an earlier prompt, often a popular one, 13.1 % have
# several turns, 592 hold a lone surrogate, 111 and 120 a null turn in A and B, 100 are exact
# duplicates.
REPEATED_PROMPT = 6265 / 57477
POPULAR = 0.45
SEVERAL_TURNS, ANOTHER_TURN, MOST_TURNS = 0.131, 0.5, 36
LONE_SURROGATE = 592 / 57477
NULL_TURN = 115 / 57477
IDENTICAL_ANSWERS = 0.003
EXACT_DUPLICATE = 100 / 57477


@dataclass(frozen=True)
class Traits:
    """What distinguishes the models: arrays [MODELS].

    Attributes:
        ability: raises the probabilities to be relevant, right and in the style that is asked for,
            and lowers that of a refusal.
        wordiness: the mean length of the answers, in standard deviations of all lengths.
    """

    ability: np.ndarray
    wordiness: np.ndarray


@dataclass(frozen=True)
class Draws:
    """The choices for all battles: arrays [n], or [n, 2] where there is one for each answer.

    Attributes:
        source: the battle whose prompt is repeated; the battle itself for a new prompt.
        skill: the index in `SKILLS` of the prompt's task.
        topic: the index in `TOPIC_NAMES` of the prompt's topic.
        turns: the number of turns.
        request: the style that the prompt asks for, or `NO_REQUEST`.
        prompt_sentences: the number of plain sentences in the prompt.
        model: the model that writes each answer.
        style: the style of each answer.
        answer_topic: the topic that each answer is about.
        sentences: the number of plain sentences in each answer.
        null: whether the turns of an answer are null.
        identical: whether answer B repeats answer A.
        duplicate: whether the battle repeats the one before.
        surrogate: whether the answers end in half an emoji.
        answers: what decides the utility of each answer.
        traits: of the models.
    """

    source: np.ndarray
    skill: np.ndarray
    topic: np.ndarray
    turns: np.ndarray
    request: np.ndarray
    prompt_sentences: np.ndarray
    model: np.ndarray
    style: np.ndarray
    answer_topic: np.ndarray
    sentences: np.ndarray
    null: np.ndarray
    identical: np.ndarray
    duplicate: np.ndarray
    surrogate: np.ndarray
    answers: Answers
    traits: Traits


def draw_battles(
    random: np.random.Generator, count: int, length_scale: float, traits: Traits | None = None
) -> Draws:
    """Draw the choices for `count` battles.

    Args:
        random: decides all choices.
        count: the number of battles.
        length_scale: multiplies the lengths of real battles.
        traits: of the models; they are drawn too where there are none.
    """
    source = _draw_sources(random, count)
    prompt = {
        "skill": random.integers(len(SKILLS), size=count)[source],
        "topic": random.integers(len(TOPIC_NAMES), size=count)[source],
        "turns": _draw_turns(random, count)[source],
        "request": random.choice(NO_REQUEST + 1, p=(0.2, 0.2, 0.2, 0.4), size=count)[source],
        "prompt_sentences": _draw_prompt_sentences(random, count, length_scale)[source],
    }
    return _draw_sides(random, source, prompt, length_scale, traits)


def _draw_sides(
    random: np.random.Generator,
    source: np.ndarray,
    prompt: dict[str, np.ndarray],
    length_scale: float,
    traits: Traits | None,
) -> Draws:
    """Draw what the answers to the prompts need. The order of the draws decides the rows."""
    count = len(source)
    sides = (count, 2)
    if traits is None:
        traits = Traits(random.normal(size=MODELS), random.normal(scale=WORDINESS, size=MODELS))
    ability, wordiness = traits.ability, traits.wordiness
    model = draw_models(random, count)
    null = random.random(sides) < NULL_TURN
    refused = (random.random(sides) < expit(-3.5 - 0.3 * ability[model])) & ~null
    answered = ~null & ~refused

    style, followed = _draw_styles(random, prompt["request"], ability[model])
    relevant, answer_topic = _draw_topics(random, prompt["topic"], ability[model])
    normal = random.normal(scale=np.sqrt(1 - WORDINESS**2), size=sides) + wordiness[model]
    sentences = np.where(answered, _answer_sentences(normal, length_scale), 0)
    answers = Answers(
        length=_standardised_length(sentences, length_scale),
        formatted=(style != STYLES.index("plain")) & answered,
        tone=np.where(answered, random.choice((-1, 0, 1), p=(0.2, 0.5, 0.3), size=sides), 0),
        refused=refused,
        relevant=relevant & answered,
        correct=(random.random(sides) < expit(0.4 + 0.6 * ability[model]))
        & HAS_CORE[prompt["skill"]][:, None]
        & answered,
        followed=followed & answered,
    )
    return Draws(
        source=source,
        **prompt,
        model=model,
        style=style,
        answer_topic=answer_topic,
        sentences=sentences,
        null=null,
        identical=random.random(count) < IDENTICAL_ANSWERS,
        duplicate=random.random(count) < EXACT_DUPLICATE,
        surrogate=random.random(count) < LONE_SURROGATE,
        answers=answers,
        traits=traits,
    )


def _draw_topics(
    random: np.random.Generator, topic: np.ndarray, ability: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return whether each answer is relevant, and the topic that it is about, both [n, 2]."""
    relevant = random.random(ability.shape) < expit(1.5 + 0.5 * ability)
    shift = random.integers(1, len(TOPIC_NAMES), ability.shape)
    other = (topic[:, None] + shift) % len(TOPIC_NAMES)
    return relevant, np.where(relevant, topic[:, None], other)


def _draw_sources(random: np.random.Generator, count: int) -> np.ndarray:
    """Let some battles repeat the prompt of an earlier one; popular prompts grow more popular."""
    source = np.arange(count)
    repeats = np.flatnonzero(random.random(count) < REPEATED_PROMPT)
    popular = random.random(len(repeats)) < POPULAR
    chance = random.random(len(repeats))
    for number, battle in enumerate(repeats):
        earlier = repeats[:number] if popular[number] and number else range(battle)
        source[battle] = source[earlier[int(chance[number] * len(earlier))]] if battle else 0
    return source


def _draw_turns(random: np.random.Generator, count: int) -> np.ndarray:
    further = np.minimum(random.geometric(1 - ANOTHER_TURN, size=count), MOST_TURNS - 1)
    return np.where(random.random(count) < SEVERAL_TURNS, 1 + further, 1)


def _draw_styles(
    random: np.random.Generator, request: np.ndarray, ability: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    habit = random.choice(len(STYLES), p=(0.6, 0.2, 0.2), size=ability.shape)
    other = (request[:, None] + random.integers(1, len(STYLES), ability.shape)) % len(STYLES)
    asked = request[:, None] != NO_REQUEST
    follows = random.random(ability.shape) < expit(0.4 + 0.6 * ability)
    style = np.where(asked, np.where(follows, request[:, None], other), habit)
    return style, asked & follows


def _draw_prompt_sentences(
    random: np.random.Generator, count: int, length_scale: float
) -> np.ndarray:
    tokens = PROMPT_MEDIAN * np.exp(PROMPT_SIGMA * random.normal(size=count)) * length_scale
    return np.maximum(np.round((tokens - QUESTION_TOKENS) / TOKENS_PER_SENTENCE), 0).astype(int)


def _answer_sentences(normal: np.ndarray, length_scale: float) -> np.ndarray:
    tokens = RESPONSE_MEDIAN * np.exp(RESPONSE_SIGMA * normal) * length_scale
    return np.maximum(np.round((tokens - CORE_TOKENS) / TOKENS_PER_SENTENCE), 1).astype(int)


def _standardised_length(sentences: np.ndarray, length_scale: float) -> np.ndarray:
    typical = _answer_sentences(np.zeros(()), length_scale)
    return np.log((sentences + 1) / (typical + 1)) / RESPONSE_SIGMA
