"""Write the text of a prompt and of its answers, one item for each turn."""

from dataclasses import dataclass

import numpy as np

from simulated.draws import NO_REQUEST, STYLES, Draws
from simulated.tasks import Task, draw_task
from simulated.words import LEAD_INS, TOPIC_NAMES, lead_in, sentence_bank

REQUESTS = ("Use plain text.", "Use bullet points.", "Use a numbered list.")
TONES = {-1: "Dunno.", 0: "", 1: "Certainly!"}
REFUSAL = "I am sorry, but as an AI model I cannot help with that."
BANKS = [sentence_bank(topic) for topic in range(len(TOPIC_NAMES))]


@dataclass(frozen=True)
class Prompt:
    """The turns of the user, and the task in each of them."""

    turns: list[str]
    tasks: list[Task]


def write_prompt(random: np.random.Generator, draws: Draws, battle: int) -> Prompt:
    """Write the turns of a prompt; all of its plain sentences are in the first turn."""
    skill, topic = draws.skill[battle], draws.topic[battle]
    tasks = [draw_task(random, skill, topic) for _ in range(draws.turns[battle])]
    request = draws.request[battle]
    ending = [] if request == NO_REQUEST else [REQUESTS[request]]
    context = _sentences(random, topic, draws.prompt_sentences[battle])
    opening = lead_in(topic, int(random.integers(LEAD_INS)))
    turns = [" ".join([*context, opening, tasks[0].question, *ending])]
    turns += [" ".join(["Next:", task.question, *ending]) for task in tasks[1:]]
    return Prompt(turns, tasks)


def write_answer(
    random: np.random.Generator, draws: Draws, battle: int, side: int, tasks: list[Task]
) -> list[str | None]:
    """Write the answer of one side to every turn; None is an answer that is missing."""
    if draws.null[battle, side]:
        return [None] * len(tasks)
    if draws.answers.refused[battle, side]:
        return [REFUSAL] * len(tasks)
    sentences = _sentences(random, draws.answer_topic[battle, side], draws.sentences[battle, side])
    topic = TOPIC_NAMES[draws.answer_topic[battle, side]]
    opening = f"{TONES[int(draws.answers.tone[battle, side])]} About {topic}:".strip()
    correct = draws.answers.correct[battle, side]
    cores = [task.right if correct else task.wrong for task in tasks]
    return [
        _layout(draws.style[battle, side], opening, core, sentences[turn :: len(tasks)])
        for turn, core in enumerate(cores)
    ]


def _sentences(random: np.random.Generator, topic: int, count: int) -> list[str]:
    bank = BANKS[topic]
    return [bank[index] for index in random.integers(len(bank), size=count)]


def _layout(style: int, opening: str, core: str, sentences: list[str]) -> str:
    points = [core, *sentences] if core else sentences
    if STYLES[style] == "bullets":
        points = [f"* {point}" for point in points]
    elif STYLES[style] == "numbered":
        points = [f"{number}. {point}" for number, point in enumerate(points, start=1)]
    separator = " " if STYLES[style] == "plain" else "\n"
    return separator.join([opening, *points])
