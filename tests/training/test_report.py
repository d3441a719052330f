import time

import torch
from toy_choice import DIM, ToyModel

from kglm.training.report import Stopwatch, environment, parameter_counts, peak_memory


def test_times_of_earlier_parts_are_added():
    watch = Stopwatch(seconds=100, cpu_seconds=50)
    while time.process_time() % 0.05 < 0.04:
        pass
    assert 100 < watch.seconds < 110
    assert 50 <= watch.cpu_seconds < 60


def test_parameters_are_counted():
    model = ToyModel()
    model.head.requires_grad_(False)
    encoder = DIM * 8 + 8 + 16
    assert parameter_counts(model) == {"all": encoder + 9, "trainable": encoder, "encoder": encoder}


def test_memory_and_environment():
    cpu = torch.device("cpu")
    assert 50 < peak_memory(cpu)["process_mb"] < 50_000
    assert environment(cpu)["versions"]["torch"] == torch.__version__
