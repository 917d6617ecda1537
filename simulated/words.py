"""The topics of the simulated people and models, and banks of plain sentences about them."""

from itertools import product

# Each topic has nouns, adjectives and verbs. No word is in two topics.
TOPICS = {
    "cooking": (
        "soup bread sauce oven recipe salad butter onion",
        "salty crisp tender spicy",
        "simmers browns thickens bakes",
    ),
    "gardening": (
        "tomato soil seed hedge compost tulip lawn rake",
        "leafy damp sunny ripe",
        "sprouts blooms withers grows",
    ),
    "space": (
        "planet rocket comet orbit moon telescope galaxy crater",
        "distant icy frozen stellar",
        "orbits launches glows rotates",
    ),
    "music": (
        "guitar melody drum choir piano chord singer violin",
        "loud acoustic gentle rhythmic",
        "plays echoes hums resonates",
    ),
    "travel": (
        "train airport hotel passport luggage island ferry ticket",
        "foreign coastal scenic crowded",
        "departs arrives waits travels",
    ),
    "sports": (
        "football coach goal referee stadium racket marathon medal",
        "athletic fast competitive winning",
        "scores wins runs trains",
    ),
    "computers": (
        "server laptop database keyboard network compiler browser backup",
        "digital encrypted offline compatible",
        "crashes boots compiles restarts",
    ),
    "animals": (
        "dog parrot whale tiger rabbit horse beetle owl",
        "furry wild tame hungry",
        "hunts barks hides swims",
    ),
}
TOPIC_NAMES = tuple(TOPICS)

PEOPLE = ("Anna", "Ben", "Chloe", "David", "Elena", "Frank")

SENTENCES_PER_TOPIC = 256
LEAD_INS = 32 * len(PEOPLE)
PATTERNS = (
    "The {quality} {thing} often {verb} near the {other}.",
    "In most cases a {thing} {verb} and the {other} stays {quality}.",
    "People say that the {thing} {verb} because it is {quality}.",
    "A {quality} {thing} is better than any {other}.",
    "When the {thing} {verb}, look at the {other} first.",
    "You can compare the {thing} with a {quality} {other}.",
    "It helps to know why the {thing} {verb}.",
    "Another {other} and one more {thing} make it {quality}.",
)


def topic_things(topic: int) -> list[str]:
    """Return the nouns of a topic, by the topic's index in `TOPIC_NAMES`."""
    return TOPICS[TOPIC_NAMES[topic]][0].split()


def sentence_bank(topic: int) -> list[str]:
    """Return `SENTENCES_PER_TOPIC` different sentences about a topic, always the same ones."""
    things, qualities, verbs = (words.split() for words in TOPICS[TOPIC_NAMES[topic]])
    combinations = list(product(PATTERNS, range(len(things)), range(len(qualities))))
    bank = [
        pattern.format(
            thing=things[index],
            other=things[(index + 1 + shift) % len(things)],
            quality=qualities[shift],
            verb=verbs[(index + shift) % len(verbs)],
        )
        for pattern, index, shift in combinations
    ]
    return bank[:SENTENCES_PER_TOPIC]


def lead_in(topic: int, number: int) -> str:
    """Return the few words that open a prompt; `number` below `LEAD_INS` selects among them."""
    things, qualities, _ = (words.split() for words in TOPICS[TOPIC_NAMES[topic]])
    number, person = divmod(number, len(PEOPLE))
    quality, thing = divmod(number, len(things))
    return f"{PEOPLE[person]} on {TOPIC_NAMES[topic]}, {qualities[quality]} {things[thing]}:"
