"""The sizes of the full benchmark and of the quick one."""

from dataclasses import dataclass, replace

from checks.benchmarks.quality import VARIANTS


@dataclass(frozen=True)
class Settings:
    """Sizes of one benchmark.

    Args:
        command: the command that runs it.
        stem: the name of the files that it writes, without extension.
        layers: the layers of the backbone in the comparison, and at most in the utilisation.
        length_layers: the layers of the backbone in the comparison of lengths.
        runs: how many of the 50 runs of 8 battles of real length are used.
        repetitions: the repetitions of each comparison; lengths and stages are measured once.
        lengths: the tokens of a sequence in the comparison of lengths.
        utilisation_lengths: the same for the utilisation.
        utilisation_sizes: the keys of `SIZES` for the utilisation.
        tokens_a_step: the tokens of both sides in a step, the same for all lengths: 4,096 are one
            battle of 2,048 tokens a side.
        steps: the steps for each length, and for the utilisation.
        roofline: the size, sequences and their tokens for the floors of operations.
        stage_rows: the battles that `predict` and the stages before the training read.
        quality_rows: the battles where results are compared.
        quality_seeds: the trainings of each variant there.
        quality_variants: the variants there.
    """

    command: str
    stem: str
    layers: int
    length_layers: int
    runs: int
    repetitions: int
    lengths: tuple[int, ...]
    utilisation_lengths: tuple[int, ...]
    utilisation_sizes: tuple[str, ...]
    tokens_a_step: int
    steps: int
    roofline: tuple[str, int, int]
    stage_rows: tuple[int, ...]
    quality_rows: int
    quality_seeds: int
    quality_variants: tuple[str, ...]


FULL = Settings(
    command="make bench",
    stem="benchmarks",
    layers=12,
    length_layers=4,
    runs=4,
    repetitions=3,
    lengths=(128, 256, 512, 1024, 2048),
    utilisation_lengths=(512, 1024),
    utilisation_sizes=("extra_small", "small"),
    tokens_a_step=4096,
    steps=3,
    roofline=("extra_small", 16, 512),
    # The real data has 57,477 battles.
    stage_rows=(1_000, 10_000, 57_477, 100_000, 1_000_000),
    # The value of params.yaml.
    quality_rows=8_000,
    quality_seeds=3,
    quality_variants=VARIANTS,
)
QUICK = Settings(
    command="make bench-quick",
    stem="benchmarks-quick",
    layers=2,
    length_layers=1,
    runs=2,
    repetitions=1,
    lengths=(128, 512),
    utilisation_lengths=(128,),
    utilisation_sizes=("extra_small",),
    tokens_a_step=4096,
    steps=3,
    roofline=("tiny", 2, 64),
    stage_rows=(500, 1_000),
    quality_rows=500,
    quality_seeds=1,
    # One change that is exact, and one that is not.
    quality_variants=("ours", "stock backbone", "mixed_bfloat16"),
)


def for_gpu(settings: Settings) -> Settings:
    """Return settings with enough work to time a GPU."""
    return replace(settings, runs=50, tokens_a_step=32_768, steps=20)
