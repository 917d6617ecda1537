"""`train.precision: auto` is bfloat16 where the machine has instructions for its products."""

from types import SimpleNamespace

import jax
import keras
import pytest
import tensorflow as tf

from preference.models.precision import choose_precision
from preference.runtime import processor
from preference.runtime.processor import processor_flags

X86 = "processor\t: 0\nmodel name\t: A\nflags\t\t: {}\n\nprocessor\t: 1\nflags\t\t: none\n"
ARM = "processor\t: 0\nFeatures\t: {}\n\n"


@pytest.fixture
def processor_with(monkeypatch, tmp_path):
    """Return a function after which Linux describes the processor with this text."""

    def describe(text):
        file = tmp_path / "cpuinfo"
        file.write_text(text)
        monkeypatch.setattr(processor, "Path", lambda path: file)

    return describe


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (X86.format("fpu avx2 avx512f amx_bf16 amx_tile"), "mixed_bfloat16"),
        (X86.format("fpu avx2 avx512f avx512_bf16"), "mixed_bfloat16"),
        (X86.format("fpu avx2 avx512f avx512_fp16"), "float32"),
        (ARM.format("fp asimd sve bf16"), "mixed_bfloat16"),
        (ARM.format("fp asimd"), "float32"),
    ],
)
def test_the_processor_decides(processor_with, text, expected):
    processor_with(text)
    assert choose_precision("auto") == expected
    assert processor_flags() == set(text.split("\n\n")[0].split(":")[-1].split())


def test_other_systems_than_linux_compute_in_float32(monkeypatch, tmp_path):
    monkeypatch.setattr(processor, "Path", lambda path: tmp_path / "missing")
    assert choose_precision("auto") == "float32"


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16", "mixed_float16"])
def test_a_named_precision_is_kept(precision):
    assert choose_precision(precision) == precision


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [
        ([(7, 5)], "float32"),
        ([(8, 0)], "mixed_bfloat16"),
        ([(12, 0), (8, 9)], "mixed_bfloat16"),
        ([(9, 0), (7, 0)], "float32"),
    ],
)
@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_all_gpus_decide(monkeypatch, backend, capabilities, expected):
    monkeypatch.setattr(keras.backend, "backend", lambda: backend)
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: capabilities)
    monkeypatch.setattr(
        tf.config.experimental, "get_device_details", lambda gpu: {"compute_capability": gpu}
    )
    gpus = [
        SimpleNamespace(platform="gpu", compute_capability=f"{major}.{minor}")
        for major, minor in capabilities
    ]
    monkeypatch.setattr(jax, "devices", lambda: gpus)
    assert choose_precision("auto") == expected


@pytest.mark.parametrize(("platform", "expected"), [("tpu", "mixed_bfloat16"), ("cpu", "float32")])
def test_jax_without_a_gpu(monkeypatch, processor_with, platform, expected):
    processor_with(X86.format("avx2"))
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    monkeypatch.setattr(jax, "devices", lambda: [SimpleNamespace(platform=platform)])
    assert choose_precision("auto") == expected
