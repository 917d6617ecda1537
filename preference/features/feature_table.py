"""The table of dense features; docs/features.md shows it.

Guarantees
1. A feature of an answer reads this answer and the prompt, and never the other answer.
2. A feature of the pair is the same whichever answer is first.
3. No two features of one kind have the same name: bundles name what they read. A feature that is
   measured in another way than before gets another name.
"""

import string
from dataclasses import dataclass
from typing import Literal

from preference.features import text_measures as measure
from preference.features.asked_formats import asked_formats
from preference.features.text_measures import (
    Measure,
    characters_among,
    ends_with,
    fraction,
    log_count,
    matches,
    occurrences,
    phrases,
    starts_with,
    words_among,
)

HEDGES = "may might could perhaps possibly likely generally usually often however although depends"
CONNECTIVES = "because therefore since thus example such first second finally additionally also"
REFUSALS = (
    r"\b(?:sorry|apologi[sz]e|can(?:no|['’])t|unable to|not able to|as an ai|language model)\b"
)
CLOSINGS = r"let me know|feel free|hope th(?:is|at) helps|happy to help"
SUMMARIES = r"\b(?:in conclusion|in summary|to summari[sz]e|overall|ultimately)\b"
CODE = r"```|[{};]|\b(?:def|import) \w"
STOPS = ".!?:;)]\"'”’`*|…。！？"


@dataclass(frozen=True)
class Feature:
    """One dense feature: what it describes, its group in reports, its name, meaning and measure."""

    of: Literal["answer", "pair", "prompt"]
    group: str
    name: str
    meaning: str
    measure: Measure


def _answer(group: str, name: str, meaning: str, of_answer: Measure) -> Feature:
    return Feature("answer", group, name, meaning, of_answer)


def _count(group: str, name: str, counted: str, of_answer: Measure) -> Feature:
    return _answer(group, name, f"log(1 + {counted})", log_count(of_answer))


def _pair(name: str, meaning: str, of_pair: Measure) -> Feature:
    return Feature("pair", "pair", name, meaning, of_pair)


def _prompt(name: str, meaning: str, of_prompt: Measure) -> Feature:
    return Feature("prompt", "prompt", name, meaning, of_prompt)


def _prompt_count(name: str, counted: str, of_prompt: Measure) -> Feature:
    return _prompt(name, f"log(1 + {counted})", log_count(of_prompt))


FEATURES = (
    _count("length", "characters", "characters", measure.length),
    _count("length", "words", "words", measure.word_count),
    _count("length", "sentences", "ends of sentences", matches(r"[.!?](?:\s|\Z)")),
    _count("length", "lines", "lines that are not blank", measure.line_count),
    _count("length", "longest line", "characters of the longest line", measure.longest_line),
    _count("length", "last turn", "characters of the last turn", measure.last_turn),
    _answer(
        "length",
        "line length",
        "characters, divided by lines",
        log_count(fraction(measure.length, measure.line_count)),
    ),
    _answer("length", "blank", "1 where there is nothing but white space", measure.is_blank),
    _answer(
        "vocabulary",
        "distinct words",
        "distinct words, divided by words",
        fraction(measure.distinct_words, measure.word_count),
    ),
    _answer(
        "vocabulary",
        "word length",
        "mean characters of a word",
        fraction(measure.letters_in_words, measure.word_count),
    ),
    _count("vocabulary", "long words", "words of 9 or more characters", measure.long_words),
    _answer(
        "vocabulary",
        "compression",
        "size after zlib, divided by that before",
        measure.compression,
    ),
    _answer(
        "vocabulary",
        "distinct lines",
        "distinct lines, divided by lines",
        fraction(measure.distinct_lines, measure.line_count),
    ),
    _answer(
        "vocabulary",
        "distinct word pairs",
        "distinct pairs of neighbouring words, divided by such pairs",
        fraction(measure.distinct_word_pairs, measure.word_pair_count),
    ),
    _count("format", "code fences", "code fences", occurrences("```")),
    _count("format", "inline code", "pieces of code within a line", matches(r"(?<!`)`[^`\n]+`")),
    _count("format", "bullets", "lines with a bullet", matches(r"^[ \t]*[-*•] ")),
    _count("format", "numbered items", "lines with a number", matches(r"^[ \t]*\d+[.)] ")),
    _count("format", "bold", "marks of bold text", occurrences("**")),
    _count("format", "headings", "headings", matches(r"^#+ ")),
    _count("format", "table rows", "lines of a table", matches(r"^[ \t]*\|")),
    _count("format", "newlines", "newlines", occurrences("\n")),
    _count("format", "blank lines", "blank lines", matches(r"\n\s*\n")),
    _count("format", "links", "links", matches(r"https?://")),
    _count("characters", "digits", "digits", characters_among(string.digits)),
    _count("characters", "capitals", "capitals", characters_among(string.ascii_uppercase)),
    _count("characters", "question marks", "question marks", occurrences("?")),
    _count("characters", "exclamation marks", "exclamation marks", occurrences("!")),
    _count("characters", "commas", "commas", occurrences(",")),
    _count("characters", "colons", "colons", occurrences(":")),
    _count("characters", "brackets", "opening brackets", characters_among("([")),
    _count("characters", "quotes", "straight double quotes", occurrences('"')),
    _count("characters", "mathematics", "= + ^ and backslashes", characters_among("=+^\\")),
    _count("characters", "non-ASCII", "characters outside ASCII", measure.non_ascii),
    _answer(
        "characters",
        "fraction of capitals",
        "capitals, divided by characters",
        fraction(characters_among(string.ascii_uppercase), measure.length),
    ),
    _answer(
        "characters",
        "fraction of non-ASCII",
        "characters outside ASCII, divided by characters",
        fraction(measure.non_ascii, measure.length),
    ),
    _count("tone", "refusals", "phrases such as “sorry” or “as an AI”", phrases(REFUSALS)),
    _count("tone", "hedges", "words such as “may” or “however”", words_among(HEDGES)),
    _count("tone", "negations", "words such as “not” or “never”", words_among("not no never nor")),
    _count("tone", "connectives", "words such as “because” or “also”", words_among(CONNECTIVES)),
    _count("tone", "summaries", "phrases such as “overall”", phrases(SUMMARIES)),
    _count("tone", "closings", "phrases such as “let me know”", phrases(CLOSINGS)),
    _count("tone", "I", "words “I”", words_among("i")),
    _count("tone", "you", "words “you”, “your” and “yours”", words_among("you your yours")),
    _answer(
        "tone",
        "eager start",
        "1 where it begins with a word such as “Sure”",
        starts_with("sure|certainly|of course|absolutely"),
    ),
    _answer(
        "tone",
        "sorry start",
        "1 where it begins with words such as “I'm sorry” or “As an AI”",
        starts_with("i['’]?m sorry|sorry|i apologi[sz]e|as an ai|unfortunately"),
    ),
    _answer(
        "tone",
        "complete",
        "1 where the last character may end a sentence, a quote or code",
        ends_with(STOPS),
    ),
    _answer("tone", "asks at the end", "1 where the last character is “?”", ends_with("?？")),
    _answer(
        "overlap",
        "prompt used",
        "the fraction of the prompt's distinct words that it has",
        fraction(measure.common_words, measure.words_of_other),
    ),
    _answer(
        "overlap",
        "from prompt",
        "the fraction of its distinct words that the prompt has",
        fraction(measure.common_words, measure.distinct_words),
    ),
    _answer(
        "requests",
        "asked formats",
        "requests for a format in the prompt that it follows, minus the others",
        asked_formats,
    ),
    _pair(
        "common words",
        "distinct words of both answers, divided by those of either",
        fraction(measure.common_words, measure.words_of_either),
    ),
    _pair(
        "common word pairs",
        "pairs of neighbouring words of both answers, divided by those of either",
        fraction(measure.common_word_pairs, measure.word_pairs_of_either),
    ),
    _pair(
        "common start",
        "log(1 + words that both answers begin with)",
        log_count(measure.common_start),
    ),
    _pair("length ratio", "absolute difference of log(1 + characters)", measure.length_ratio),
    _pair("identical", "1 where the answers are the same", measure.is_identical),
    _prompt_count("characters", "characters", measure.length),
    _prompt_count("words", "words", measure.word_count),
    _prompt_count("turns", "turns", measure.turn_count),
    _prompt_count("question marks", "question marks", occurrences("?")),
    _prompt_count("newlines", "newlines", occurrences("\n")),
    _prompt_count("digits", "digits", characters_among(string.digits)),
    _prompt_count("capitals", "capitals", characters_among(string.ascii_uppercase)),
    _prompt_count("non-ASCII", "characters outside ASCII", measure.non_ascii),
    _prompt_count("code", "signs of code, such as “{” or “import x”", matches(CODE)),
    _prompt_count(
        "questions",
        "words such as “what” or “why”",
        words_among("what why how who when where which"),
    ),
    _prompt_count(
        "writing",
        "words such as “write” or “poem”",
        words_among("write create generate compose story poem essay email"),
    ),
    _prompt_count(
        "listing",
        "words such as “list” or “ideas”",
        words_among("list ideas suggest recommend name names top example examples"),
    ),
    _prompt_count(
        "coding",
        "words such as “code” or “python”",
        words_among("code python function sql java javascript script program html"),
    ),
    _prompt_count(
        "explaining",
        "words such as “explain” or “compare”",
        words_among("explain describe difference compare summarize summary translate"),
    ),
    _prompt_count(
        "brevity",
        "words such as “short” or “sentence”",
        words_among("short brief only concise sentence sentences word words"),
    ),
    _prompt_count(
        "roles", "words such as “act” or “pretend”", words_among("act pretend roleplay imagine")
    ),
)
