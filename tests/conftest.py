import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).parents[1]

# Numba keeps compiled code by the caller's file alone: after a change in a compiled function of another file it
# would run the old one. So the tests keep it by the content of all files; this must stand before the first import.
SOURCES = hashlib.sha256(b"".join(path.read_bytes() for path in sorted((ROOT / "kglm" / "kg").glob("*.py"))))
os.environ.setdefault("NUMBA_CACHE_DIR", str(ROOT / ".cache" / f"numba-{SOURCES.hexdigest()[:12]}"))

from kglm.kg import GraphRecipe, build_graph  # noqa: E402

# Shared machines stall: no deadline, and no complaint about slow generation.
settings.register_profile("kglm", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("kglm")


@pytest.fixture(scope="session")
def data_dir():
    """The external data sets; tests that use them bear the mark ``data``."""
    named = os.environ.get("KGLM_DATA_DIR")
    folder = Path(named) if named else ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"the external data sets are not at '{folder}' (set KGLM_DATA_DIR)")
    return folder


@pytest.fixture(scope="session")
def conceptnet(data_dir, tmp_path_factory):
    """The merged English ConceptNet under the reviewed relation map."""
    recipe = GraphRecipe(
        name="conceptnet",
        source=str(data_dir / "conceptnet" / "conceptnet_en.tsv.gz"),
        relation_map=str(ROOT / "graphs" / "conceptnet" / "relations.tsv"),
    )
    return recipe.compile(tmp_path_factory.mktemp("conceptnet") / "graph")


@pytest.fixture(scope="session")
def graph_of(tmp_path_factory):
    """A function that compiles records into a graph; usable under hypothesis, each graph in its own folder."""
    folder = tmp_path_factory.mktemp("graphs")
    made = 0

    def make(*records, name="test"):
        nonlocal made
        made += 1
        with pytest.MonkeyPatch.context() as patch:
            # Hundreds of graphs need not survive a power cut.
            patch.setattr(os, "fsync", lambda descriptor: None)
            return build_graph(records, folder / str(made), name=name)

    return make
