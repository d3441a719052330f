import pytest

from kglm.errors import ConfigError
from kglm.retrieval import VectorIndex, plan_index
from kglm.retrieval.presets import EXACT_UP_TO, choose_preset, hnsw_bytes, machine_memory, number_of_lists


@pytest.mark.parametrize(
    ("count", "memory", "preset"),
    [
        (1, 0, "exact"),
        (EXACT_UP_TO, 0, "exact"),
        (EXACT_UP_TO + 1, 10**9, "hnsw"),
        (EXACT_UP_TO + 1, 1, "ivf_pq"),
        (1_000_000, hnsw_bytes(1_000_000, 384), "hnsw"),
        (1_000_000, hnsw_bytes(1_000_000, 384) - 1, "ivf_pq"),
    ],
)
def test_auto_chooses_by_number_and_memory(count, memory, preset):
    assert choose_preset(count, 384, memory) == preset
    assert plan_index(count, 384, memory=memory).preset == preset


def test_without_a_budget_half_of_the_machine_is_taken():
    fits = machine_memory() // 2 // hnsw_bytes(1, 384)
    assert choose_preset(fits - 1, 384) == "hnsw"
    assert choose_preset(fits + 1, 384) == "ivf_pq"


def test_the_size_of_hnsw_is_what_faiss_writes(vectors, tmp_path):
    VectorIndex.build(vectors, tmp_path / "i", preset="hnsw")
    written = (tmp_path / "i" / "index.faiss").stat().st_size
    assert written == pytest.approx(hnsw_bytes(*vectors.shape), rel=0.05)


@pytest.mark.parametrize("count", [1, 39, 77, 78, 1_000, 20_001, 10**6, 10**8])
def test_lists_are_a_power_of_two_with_enough_points(count):
    lists = number_of_lists(count)
    assert lists & (lists - 1) == 0
    assert lists == 1 or lists * 39 <= count
    assert lists <= 4 * count**0.5


@pytest.mark.parametrize("dim", [1, 3, 7, 16, 384, 385])
def test_ivf_pq_divides_any_dimension(dim):
    plan = plan_index(50_000, dim, preset="ivf_pq")
    parts = int(plan.factory.split("PQ")[1].split("x")[0])
    assert dim % parts == 0
    assert plan.refine == 10


def test_own_factory_and_search_parameters_come_first():
    plan = plan_index(10, 4, preset="hnsw", factory="IVF2,Flat", search="nprobe=2", refine=3)
    assert (plan.preset, plan.factory, plan.search, plan.refine) == ("factory", "IVF2,Flat", "nprobe=2", 3)
    assert plan_index(10, 4, factory="Flat").factory == ""
    assert plan_index(10**5, 4, preset="hnsw", search="efSearch=7").search == "efSearch=7"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"preset": "hsnw"}, "preset is 'hsnw'; allowed: auto, exact, hnsw, ivf_pq"),
        ({"preset": "ivf_pq"}, "needs at least 1,000 vectors; found 10"),
        ({"refine": -1}, "refine is -1; allowed: 0"),
    ],
)
def test_what_is_not_allowed(options, message):
    with pytest.raises(ConfigError, match=message):
        plan_index(10, 4, **options)
