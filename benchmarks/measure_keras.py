"""Measure one Keras system in this process. The runner calls it.

python -m benchmarks.measure_keras study --precision float32 --seq-len 512 --workload ...
"""

from benchmarks.measurement import parse_measurement
from benchmarks.ours import measure_ours
from benchmarks.result import print_result
from benchmarks.steps import STEPS, measure_step

if __name__ == "__main__":
    wanted = parse_measurement((*STEPS, "ours"))
    print_result(measure_ours(wanted) if wanted.name == "ours" else measure_step(wanted))
