"""Write pr-report/: comment.md, and as pages report.html and plots/index.html.

    make pr-report BASE=main                  # python -m checks.review main
    make pr-report BASE=main PROFILE=small    # python -m checks.review main --profile small

The first command compares the present results of the workspace and of the revision, and runs no
stages. The second reproduces both with a profile, in a temporary folder, and needs no earlier
results.
"""

import argparse
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from checks.review.comment import Review, write_comment
from checks.review.comparison import compare_versions
from checks.review.diffs import diff_headline, find_stale_stages, read_diff
from checks.review.evaluation import describe_verdict, write_pages
from checks.review.reproduction import Compared, reproduce_both, reproduce_workspace
from checks.review.results import LOG_LOSSES, open_version, read_metrics
from checks.review.revision import Revision, find_revision
from preference.runtime.atomic_write import check_can_write, writing_folder
from preference.runtime.errors import exit_on_bad_input
from preference.runtime.terminal_text import printable_lines
from profiles.profile_parameters import flatten, read_profile

OUT = Path("pr-report")
SMALL = "small"


def main(arguments: argparse.Namespace) -> None:
    """Write the comment and the pages, and show the comment."""
    workspace = Path()
    check_can_write(OUT / "comment.md")
    base = find_revision(arguments.base, workspace)
    with prepare_versions(arguments, base, workspace) as compared:
        comment = write_comment(make_review(base, compared, workspace))
        with writing_folder(OUT) as folder:
            (folder / "comment.md").write_text(comment, encoding="utf-8")
            pages = write_pages(compared.base, compared.folder, folder)
    written = [OUT / "comment.md", *(OUT / page.relative_to(folder) for page in pages)]
    print(printable_lines(comment))
    print(f"Written to {', '.join(map(str, written))}.")


def prepare_versions(
    arguments: argparse.Namespace, base: Revision, workspace: Path
) -> AbstractContextManager[Compared]:
    """Return what to compare, after reproducing it where that was asked for."""
    profile = arguments.profile
    if arguments.reproduce and not reproduce_workspace(workspace):
        profile = SMALL
    if profile:
        return reproduce_both(base, profile, workspace)
    return nullcontext(Compared(workspace, base))


def make_review(base: Revision, compared: Compared, workspace: Path) -> Review:
    """Gather the content of the comment.

    Parameters are those of the change itself, because a profile sets the same ones in both
    versions.
    """
    old, new = (
        open_version(base.name, compared.folder, compared.base),
        open_version("the workspace", compared.folder),
    )
    params = read_diff("params", base, workspace)
    overridden = dict(flatten(read_profile(compared.profile))) if compared.profile else {}
    comparison = compare_versions(old, new)
    headline = diff_headline(read_metrics(old), read_metrics(new), comparison.same)
    others = read_diff("metrics", compared.base, compared.folder)
    return Review(
        base=base,
        comparison=comparison,
        params=params,
        # The log losses are among the headline metrics.
        metrics=[*headline, *(one for one in others if one.path != LOG_LOSSES)],
        verdict=describe_verdict(compared.folder),
        stale_stages=[] if compared.profile else find_stale_stages(workspace),
        profile=compared.profile,
        hidden_params=[one.key for one in params if one.key in overridden],
    )


def read_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m checks.review",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("base", help="a branch, tag, commit or DVC experiment")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--profile", help="reproduce both versions with profiles/PROFILE.yaml")
    how.add_argument(
        "--reproduce",
        action="store_true",
        help="dvc pull and dvc repro; both versions with the small profile if there is no remote",
    )
    return parser.parse_args()


if __name__ == "__main__":
    with exit_on_bad_input():
        sys.exit(main(read_arguments()))
