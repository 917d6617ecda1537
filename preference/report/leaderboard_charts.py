"""Charts of the leaderboard: ratings by votes, and those by the best judge against them."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from preference.rendering.numbers import number, with_interval
from preference.report.svg import WIDTH, Chart, Plot, Theme, draw, sized

ROW_HEIGHT, AXIS_HEIGHT, SCATTER_HEIGHT = 18, 64, 360
MOST_MODELS = 25
VOTES, TRUTH = "votes", "truth"
RATING = "rating (points)"

Rows = Sequence[Mapping[str, Any]]


def leaderboard_charts(leaderboard: Mapping[str, Any], best: str) -> list[Chart]:
    """Draw the first models by their rating, and the judge `best` against the votes."""
    if leaderboard["reason"]:
        return []
    ranked = [row for row in leaderboard["models"] if row["rank"] is not None][:MOST_MODELS]
    charts = [_ratings_chart(ranked)] if ranked else []
    judge = leaderboard["judged"]["judges"].get(best, {"differences": {}})
    if judge["differences"]:
        charts.append(_judge_chart(best, judge["differences"], leaderboard["judged"]["votes"]))
    return charts


def _ratings_chart(ranked: Rows) -> Chart:
    texts = [f"{row['model']} {with_interval(row['rating'], 0)}" for row in ranked]
    return draw(
        f"Ratings by votes, the first {len(ranked)} models",
        f"Ratings with 95 % interval: {'; '.join(texts)}.",
        lambda theme: _plot_ratings(ranked, theme),
    )


def _plot_ratings(ranked: Rows, theme: Theme) -> Plot:
    rows = [{"model": row["model"], "kind": VOTES, **row["rating"]} for row in ranked]
    known = [row for row in ranked if row["true_rating"] is not None]
    truth = [{"model": row["model"], "kind": TRUTH, "value": row["true_rating"]} for row in known]
    kinds = [VOTES, TRUTH] if truth else [VOTES]
    colours = alt.Scale(domain=kinds, range=[theme.experiment, theme.oracle][: len(kinds)])
    legend = alt.Legend() if truth else None
    axis, scale = alt.Y("model:N", sort=None, title=None), alt.Scale(zero=False)

    def based(values: Rows) -> alt.Chart:
        return alt.Chart(alt.Data(values=values)).encode(
            y=axis, color=alt.Color("kind:N", scale=colours, legend=legend)
        )

    position = alt.X("value:Q", scale=scale, title=RATING)
    shape = alt.Shape("kind:N", scale=alt.Scale(domain=kinds), legend=legend)
    bars = (
        based(rows)
        .mark_rule(strokeWidth=2)
        .encode(x=alt.X("low:Q", scale=scale, title=RATING), x2="high:Q")
    )
    dots = based([*rows, *truth]).mark_point(filled=True, size=40, opacity=1)
    layers = alt.layer(bars, dots.encode(x=position, shape=shape))
    return sized(layers, WIDTH, ROW_HEIGHT * len(ranked) + AXIS_HEIGHT)


def _judge_chart(best: str, differences: Mapping[str, Any], votes: Mapping[str, Any]) -> Chart:
    rows = [
        {"votes": votes[name]["value"], "judge": votes[name]["value"] + difference["value"]}
        for name, difference in differences.items()
    ]
    texts = [
        f"{name} {number(row['votes'], 0)} and {number(row['judge'], 0)}"
        for name, row in zip(differences, rows, strict=True)
    ]
    return draw(
        f"Ratings by {best} against those by votes",
        f"Ratings by votes and by {best} on the same battles: {'; '.join(texts)}.",
        lambda theme: _plot_judge(rows, best, theme),
    )


def _plot_judge(rows: Rows, best: str, theme: Theme) -> Plot:
    values = [value for row in rows for value in row.values()]
    scale = alt.Scale(domain=[min(values), max(values)], nice=True, zero=False)
    ends = [{"votes": end, "judge": end} for end in (min(values), max(values))]
    x = alt.X("votes:Q", scale=scale, title="rating by votes (points)")
    y = alt.Y("judge:Q", scale=scale, title=f"rating by {best} (points)")
    line = alt.Chart(alt.Data(values=ends)).mark_line(
        color=theme.reference, strokeDash=[3, 3], strokeWidth=1
    )
    dots = alt.Chart(alt.Data(values=rows)).mark_point(
        color=theme.experiment, filled=True, size=40, opacity=1
    )
    return sized(alt.layer(line.encode(x=x, y=y), dots.encode(x=x, y=y)), WIDTH, SCATTER_HEIGHT)
