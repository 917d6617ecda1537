"""Measure one Keras system in this process. The runner starts it.

python -m checks.benchmarks.measure_keras study --precision float32 --seq-len 512 --workload ...
"""

from checks.benchmarks.measurement import parse_measurement
from checks.benchmarks.ours import measure_ours
from checks.benchmarks.result import print_result
from checks.benchmarks.steps import STEPS, measure_step

if __name__ == "__main__":
    wanted = parse_measurement((*STEPS, "ours"))
    print_result(measure_ours(wanted) if wanted.name == "ours" else measure_step(wanted))
