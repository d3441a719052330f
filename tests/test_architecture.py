"""Who may import whom, as the table in the design says."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "kglm"

# Each room may import itself, the two files at the bottom, and the rooms named here.
BOTTOM = {"errors", "files"}
ROOMS = {
    "errors": set(),
    "files": set(),
    "kg": set(),
    "nn": set(),
    "encoders": {"nn"},
    "embeddings": {"kg", "nn", "encoders"},
    "retrieval": {"kg", "encoders"},
    "linking": {"kg", "nn", "encoders", "embeddings", "retrieval"},
    "models": {"nn", "encoders"},
    # The collator gathers rows of the entity table, which is of the room "embeddings".
    "data": {"kg", "linking", "nn", "encoders", "embeddings", "retrieval"},
    "training": {"models", "data"},
    "inference": {"kg", "nn", "encoders", "embeddings", "retrieval", "linking", "models", "data", "training"},
    # Coverage links questions of a data set to a graph, as the models do.
    "inspection": {"kg", "linking", "data", "inference"},
    "cli": {
        "kg", "nn", "encoders", "embeddings", "retrieval", "linking", "models", "data", "training", "inference",
        "inspection",
    },
    "testing": {
        "kg", "nn", "encoders", "embeddings", "retrieval", "linking", "models", "data", "training", "inference",
        "inspection",
    },
}  # fmt: skip
WITHOUT_TORCH = {"errors", "files", "kg"}
STANDARD_LIBRARY_ONLY = {"errors", "files"}
HYDRA = {"hydra", "omegaconf"}


def room_of(path):
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imported_modules(source):
    """Return the full names of all modules that a source imports, at its top or inside functions."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise AssertionError(f"line {node.lineno}: a relative import hides which room it reaches")
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def violations(room, source):
    """Return what a source in ``room`` imports but may not."""
    found = []
    for name in sorted(imported_modules(source)):
        top, *rest = name.split(".")
        closed_rooms = set(ROOMS) - ROOMS[room] - BOTTOM - {room}
        if (
            (top == "kglm" and rest and rest[0] in closed_rooms)
            or (top == "torch" and room in WITHOUT_TORCH)
            or (top in HYDRA and room != "cli")
            or (top not in {"kglm", *sys.stdlib_module_names} and room in STANDARD_LIBRARY_ONLY)
        ):
            found.append(name)
    return found


SOURCES = [path for path in sorted(PACKAGE.rglob("*.py")) if path != PACKAGE / "__init__.py"]


def test_each_room_is_in_the_table():
    assert {room_of(path) for path in SOURCES} <= set(ROOMS)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_file_imports_only_what_its_room_may(path):
    assert violations(room_of(path), path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("room", "source", "found"),
    [
        ("kg", "import torch", ["torch"]),
        ("kg", "def f():\n    from torch import nn", ["torch", "torch.nn"]),
        ("kg", "import torch.nn as nn", ["torch.nn"]),
        ("kg", "from kglm.nn.ragged import x", ["kglm.nn.ragged", "kglm.nn.ragged.x"]),
        ("kg", "from kglm import nn", ["kglm.nn"]),
        ("nn", "import kglm.kg", ["kglm.kg"]),
        ("data", "from omegaconf import DictConfig", ["omegaconf", "omegaconf.DictConfig"]),
        ("models", "from kglm.testing import graphs", ["kglm.testing", "kglm.testing.graphs"]),
        ("files", "import numpy", ["numpy"]),
        ("errors", "from kglm.kg import graph", ["kglm.kg", "kglm.kg.graph"]),
        ("cli", "import hydra\nfrom kglm.training import loop\nimport torch", []),
        ("linking", "from kglm.kg.graph import KnowledgeGraph\nfrom kglm.errors import DataError", []),
    ],
)
def test_the_check_sees_what_breaks_the_table_and_nothing_else(room, source, found):
    assert violations(room, source) == found


def loaded_after(statement):
    """Return the modules that a fresh interpreter has loaded after a statement."""
    code = f"import sys; {statement}; print('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_kglm_loads_neither_torch_nor_numpy():
    loaded = loaded_after("import kglm")
    assert "kglm" in loaded
    assert loaded & {"torch", "numpy", "numba", "rdflib", "transformers", "hydra"} == set()
    assert {name for name in loaded if name.startswith("kglm.")} == set()


def test_the_graph_and_the_linker_work_without_torch():
    loaded = loaded_after("import kglm; kglm.KnowledgeGraph, kglm.GraphRecipe, kglm.LexicalLinker")
    assert {"kglm.kg", "kglm.linking", "numpy"} <= loaded
    assert loaded & {"torch", "transformers", "hydra"} == set()


def test_an_unknown_name_of_the_package_is_refused():
    import kglm

    with pytest.raises(AttributeError, match="module 'kglm' has no attribute 'Nonsense'"):
        _ = kglm.Nonsense
    assert set(dir(kglm)) >= {"KnowledgeGraph", "__version__"}
