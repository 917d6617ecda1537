"""Compare the results of two versions in the terminal.

    make compare A=longer             # python -m checks.review.compare longer
    make compare A=HEAD~1 B=longer    # python -m checks.review.compare HEAD~1 longer

A version is a DVC experiment, a branch, a tag or a commit; without B, it is the workspace. No stage
runs, and no file is written.
"""

import argparse
from pathlib import Path

from checks.review.comparison import compare_versions
from checks.review.results import open_version
from checks.review.revision import find_revision
from checks.review.verdict import change_table, explain, judge_change
from preference.rendering.markdown_text import code
from preference.runtime.errors import exit_on_bad_input
from preference.runtime.terminal_text import printable_lines

WORKSPACE = "the workspace"


def main(old_name: str, new_name: str | None) -> None:
    """Print the verdict, the table of changed models, and how they were judged."""
    folder = Path()
    old = open_version(old_name, folder, find_revision(old_name, folder))
    revision = find_revision(new_name, folder) if new_name else None
    new = open_version(new_name or WORKSPACE, folder, revision)
    comparison = compare_versions(old, new)
    base, here = code(old_name), code(new_name) if new_name else WORKSPACE
    paragraphs = [f"# {here} against {base}", judge_change(comparison)]
    if comparison.other_processor:
        paragraphs.append(f"Warning: {comparison.other_processor}")
    if comparison.changes:
        paragraphs += ["Test log loss, lower is better:", change_table(comparison, base, here)]
    paragraphs.append("\n".join(f"- {line}" for line in explain(comparison, base, f"in {here}")))
    print(printable_lines("\n\n".join(paragraphs)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="python -m checks.review.compare",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("a", help="an experiment, branch, tag or commit")
    parser.add_argument("b", nargs="?", help="another; by default the workspace")
    arguments = parser.parse_args()
    with exit_on_bad_input():
        main(arguments.a, arguments.b)
