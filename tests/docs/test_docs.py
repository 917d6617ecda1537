"""Links, paths, make targets and modules that the pages name exist, and blocks can be parsed."""

import importlib.util
import re
from fnmatch import fnmatch
from itertools import pairwise

import pytest
import yaml
from documentation import PAGES, blocks, name_of, tokens_of
from repository import REPOSITORY

PARAMS = yaml.safe_load((REPOSITORY / "params.yaml").read_text())
STAGES = yaml.safe_load((REPOSITORY / "dvc.yaml").read_text())["stages"]
README_LINES = 150
# The folders at the top, but for those that git ignores.
TOP = {path.name for path in REPOSITORY.iterdir() if path.is_dir() and path.name[0] != "."}
TOP = TOP - {"site", "pr-report", "dvc_plots"} | {".github", ".ci"}
ROOT_FILE = r"[A-Za-z][\w-]*\.(md|ya?ml|in|toml|cff|lock)"

every_page = pytest.mark.parametrize("page", PAGES, ids=name_of)


def outputs():
    """The paths that the stages write, of each experiment where there is one stage for each."""
    for stage in STAGES.values():
        template = stage.get("do", stage)
        for kind in ("outs", "metrics", "plots"):
            for out in template.get(kind, []):
                path = out if isinstance(out, str) else next(iter(out))
                for name in PARAMS["experiments"] if "foreach" in stage else [""]:
                    yield path.replace("${key}", name)


OUTPUTS = sorted(set(outputs()))


def commands(page):
    """Return all code in the text, and the blocks for a shell."""
    inline = [token.content for token in tokens_of(page) if token.type == "code_inline"]
    return [*inline, *blocks(page, "sh")]


def slug(heading):
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


def headings(page):
    for before, token in pairwise(tokens_of(page)):
        if before.type == "heading_open":
            yield slug(token.content)


def is_output(path):
    """Whether a path is what a stage writes, in it, or above it; `<name>` stands for any name."""
    parts = re.sub(r"<[^>]*>", "*", path).strip("/").split("/")
    return any(all(map(fnmatch, out.split("/"), parts)) for out in OUTPUTS)


def looks_like_a_path(text):
    top, *rest = text.split("/")
    if not rest:
        return re.fullmatch(ROOT_FILE, text) is not None
    return top in TOP and re.fullmatch(r"[\w./<>*-]+", text) is not None


def test_the_readme_is_one_page():
    assert len((REPOSITORY / "README.md").read_text().splitlines()) <= README_LINES


@every_page
def test_links_lead_somewhere(page):
    for token in tokens_of(page):
        target = token.attrGet("href") if token.type == "link_open" else token.attrGet("src")
        if target and "://" not in target:
            path, _, anchor = target.partition("#")
            linked = page.parent / path if path else page
            assert linked.exists(), target
            assert not anchor or anchor in headings(linked), target


@every_page
def test_paths_exist_or_are_outputs(page):
    inline = [token.content for token in tokens_of(page) if token.type == "code_inline"]
    for path in filter(looks_like_a_path, inline):
        assert any(REPOSITORY.glob(path.strip("/"))) or is_output(path), path


@every_page
def test_targets_are_in_the_makefile(page):
    targets = re.findall(r"^([a-z0-9-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)
    for command in commands(page):
        for target in re.findall(r"(?:^|\s)make ([a-z][a-z0-9-]*)", command):
            assert target in targets, target


@every_page
def test_modules_can_be_run(page):
    for command in commands(page):
        for module in re.findall(r"python3? -m ([\w.]+)", command):
            path = REPOSITORY.joinpath(*module.split("."))
            if path.parent == REPOSITORY and not path.exists():
                # The module of an installed package.
                assert importlib.util.find_spec(module), module
            else:
                assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), module


@every_page
def test_blocks_can_be_read(page):
    for block in blocks(page, "python"):
        compile(block, str(page), "exec")
    for block in blocks(page, "yaml"):
        assert all(document is not None for document in yaml.safe_load_all(block))


def test_the_recipe_adds_a_copy_of_another_stage():
    page = (REPOSITORY / "docs/experiments.md").read_text()
    found = re.findall(r"<!-- recipe: (\S+) -->\n```yaml\n(.*?)```", page, re.DOTALL)
    assert [file for file, _ in found] == ["params.yaml", "dvc.yaml"]
    entry, stage = (yaml.safe_load(block) for _, block in found)
    (name,) = entry
    copied = yaml.safe_load(yaml.safe_dump(STAGES["train_exp3"]).replace("exp3", name))
    assert stage == {f"train_{name}": copied | {"desc": stage[f"train_{name}"]["desc"]}}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("data/split/", True),
        ("models/<name>", True),
        ("models/weights/<name>/seed-<seed>/", True),
        ("data/predictions/<name>/seed-<seed>/", True),
        ("metrics/nothing.json", False),
        ("data/nowhere/<name>", False),
    ],
)
def test_an_output_is_told_from_a_mistyped_one(path, expected):
    assert is_output(path) == expected


@pytest.mark.parametrize("text", ["pyproject.toml", "tests/docs/", "preference/nowhere.py"])
def test_what_looks_like_a_path(text):
    assert looks_like_a_path(text)
    assert not looks_like_a_path(f"not {text}")
