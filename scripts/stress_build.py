"""Kill builds at any moment and damage each file of a compiled graph; nothing of it may ever give a wrong answer.

    python scripts/stress_build.py --kills 1000

- **Kills at random**: a process that builds a graph is killed (SIGKILL) after a random time, where an old graph
  stands, or none. Half of the kills are uniform over the build, half over its last two fifths, where files
  are written and put in place. Afterwards there must be the old graph, or none if none had been there, or the whole
  new one.
- **Kills at each step**: the same, with the process killed by itself just before the first, second, ... time it
  opens, makes, renames or removes a file, until the build is through.
- **Damage**: a bit of each file is flipped (header, body, ends), the file is cut, lengthened, removed. Opening must
  raise GraphError and ``verify_graph`` must see it; only where nothing is lost (``checked.json`` and
  ``rejected.jsonl`` hold no answers, the manifest may end without a line break) may there be right answers. Flips
  are made once more with the file's time of modification put back, and must be refused as well.

Prints one line of JSON, and what went wrong on the error stream; the exit status is 1 where anything did.
"""

import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from kglm.errors import GraphError
from kglm.files import recover_directory
from kglm.kg.builder import build_graph
from kglm.kg.graph import KnowledgeGraph
from kglm.kg.manifest import MANIFEST
from kglm.kg.records import Description, Label, Record, Triple
from kglm.kg.store import CHECKED, HEADER_BYTES
from kglm.kg.tally import Tally
from kglm.kg.verify import verify_graph

STEPS = ("open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "shutil.rmtree", "ctypes.dlopen")
PATIENCE_S = 120
REFUSED = "open: refused; verify: seen"
ENTITIES, TRIPLES = 400, 2_000


def records(seed: int, tally: Tally) -> Iterator[Record]:
    """Yield a graph with all that a graph can have: weights, sources, labels, counts, descriptions, scripts."""
    draw = random.Random(seed)
    names = [f"{seed}/concept_{index}_{'é猫'[index % 2]}" for index in range(ENTITIES)]
    tally.read(TRIPLES + 1)
    tally.reject("made up, so that there is a file of rejected lines", 1, "nonsense")
    tally.accept(TRIPLES)
    for _ in range(TRIPLES):
        head, tail = (names[int(ENTITIES * draw.random() ** 2)] for _ in range(2))
        yield Triple(head, f"relation{draw.randrange(20)}", tail, draw.choice([0.5, 1.0, 2.0]), draw.choice("abc"))
    for name in names:
        yield Label(name, name.replace("_", " "), True, draw.randrange(9))
        yield Label(name, f"form {draw.randrange(ENTITIES)}", False, draw.randrange(9))
        yield Description(name, f"what {name} is")


def build(seed: int, folder: Path) -> None:
    """Build the graph of a seed."""
    tally = Tally()
    build_graph(records(seed, tally), folder, name=f"stress-{seed}", tally=tally)


def answers(graph: KnowledgeGraph) -> str:
    """Return a digest of everything that can be asked of a graph."""
    digest = hashlib.sha256(repr((graph.name, graph.relations, graph.sources, graph.fingerprint)).encode())
    for table in (graph.entities, graph.labels, graph.descriptions, graph.surfaces):
        digest.update(repr(list(table)).encode())
    digest.update(
        repr([graph.entities.find(name) for name in graph.entities.take(range(0, len(graph.entities), 50))]).encode()
    )
    digest.update(repr(list(graph.triples())).encode())
    for rows in (graph.outgoing, graph.incoming):
        digest.update(
            repr(
                [[column.tolist() for column in rows.row(entity)] for entity in range(0, len(graph.entities), 7)]
            ).encode()
        )
    arrays = (
        graph.links.indptr, graph.links.neighbors, graph.links.weight_codes, graph.weight_values,
        graph.surface_indptr,
        graph.surface_entities, graph.surface_counts, graph.triple_sources, graph.incoming.indptr,
        graph.incoming.neighbors, graph.incoming.relations, graph.incoming.weight_codes,
    )  # fmt: skip
    for array in arrays:
        digest.update(repr(array.tolist()).encode())
    return digest.hexdigest()


def forked(work: Callable[[], None]) -> int:
    """Start ``work`` in a copy of this process, which has everything imported; return its id."""
    child = os.fork()
    if child == 0:
        status = 1
        signal.alarm(PATIENCE_S)
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    return child


def finish(child: int) -> int:
    """Wait for a process; return its exit status, negative for a signal."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def told_by(questions: list[Callable[[], str]]) -> list[str]:
    """Return what functions return in a process of their own, or how that ended: damage may crash it."""
    told: list[str] = []
    while len(told) < len(questions):
        reading, writing = os.pipe()
        left = questions[len(told) :]
        child = forked(lambda left=left, writing=writing: _answer(left, writing))
        os.close(writing)
        with open(reading, encoding="utf-8") as handle:
            told += handle.read().splitlines()
        if status := finish(child):
            told.append(f"process ended with status {status}")
    return told


def _answer(questions: list[Callable[[], str]], writing: int) -> None:
    for question in questions:
        os.write(writing, f"{question()}\n".encode())


class Stress:
    """A place for an old graph and a new one, and what has been found there.

    Args:
        folder: an empty folder to work in.
        seed: of all random choices.
    """

    def __init__(self, folder: Path, seed: int = 0) -> None:
        self.folder = folder
        self.random = random.Random(seed)
        self.destination = folder / "place" / "graph"
        self.references = {"old": folder / "old", "new": folder / "new"}
        self.expected: dict[str, str] = {}
        self.failures: list[str] = []
        self.most_bytes = 0
        self.build_s = 0.0
        # Builds here leave this process warm: every copy of it has all loaded and compiled.
        for number, (name, reference) in enumerate(self.references.items()):
            build(number, reference)
            self.expected[answers(KnowledgeGraph.open(reference))] = name

    def kill_at_random(self, kills: int) -> dict[str, Counter[str]]:
        """Kill builds after random times; return how often there was what afterwards, and where it hit them."""
        outcomes: Counter[str] = Counter()
        phases: Counter[str] = Counter()
        for number in range(kills):
            if number % 50 == 0:  # how long a build takes depends on who else uses the machine
                self.build_s = sorted(self._time_build() for _ in range(5))[2]
            before = self._reset(old=number % 4 != 0)
            begin = 0.6 if number % 2 else 0.0
            delay = self.build_s * (begin + self.random.random() * (1.0 - begin))
            child = forked(lambda: build(1, self.destination))
            time.sleep(delay)
            os.kill(child, signal.SIGKILL)
            status = finish(child)
            phases["finished" if status == 0 else self._phase()] += 1
            outcomes[self._outcome(before, f"kill {number} after {delay:.4f} s")] += 1
            self._measure()
        return {"outcomes": outcomes, "phases": phases}

    def kill_at_each_step(self, every: int = 1) -> dict[str, Counter[str]]:
        """Kill builds before each step on the file system, or before every so many; return what there was."""
        outcomes: Counter[str] = Counter()
        for old in (True, False):
            step = 1
            while True:
                before = self._reset(old)
                child = forked(lambda step=step: self._build_until(step))
                status = finish(child)
                outcomes[self._outcome(before, f"step {step}")] += 1
                self._measure()
                if status == 0:
                    break
                if status != -signal.SIGKILL:
                    self.failures.append(f"step {step}: the build ended with status {status}")
                    break
                step += every
        return {"outcomes": outcomes}

    def damage(self, flips: int) -> dict[str, Counter[str]]:
        """Damage each file of a graph in each way; return how often that was refused, harmless, or wrong."""
        outcomes: Counter[str] = Counter()
        silent: Counter[str] = Counter()
        for path in sorted(self.references["new"].iterdir()):
            changes = list(self._changes(path, flips))
            asked = [lambda change=change, name=path.name: self._damaged(name, change) for _, change in changes]
            for (what, _), found in zip(changes, told_by(asked), strict=True):
                outcomes[found] += 1
                harmless = found == "open: right answers; verify: not seen" and path.suffix != ".npy"
                if found != REFUSED and not harmless:
                    self.failures.append(f"{path.name}, {what}: {found}")
            if path.suffix == ".npy":
                asked = [lambda bit=bit, name=path.name: self._rotten(name, bit) for bit in self._bits(path, flips)]
                silent.update(told_by(asked))
        self.failures += [f"flips with the time put back: {found}" for found in silent if found != REFUSED]
        return {"outcomes": outcomes, "times_put_back": silent}

    def check_leftovers(self) -> None:
        """Build once more undisturbed: afterwards nothing else may lie beside the graph."""
        if finish(forked(lambda: build(1, self.destination))) != 0:
            self.failures.append("a build after all the kills fails")
        beside = sorted(path.name for path in self.destination.parent.iterdir() if path != self.destination)
        if beside:
            self.failures.append(f"beside the graph there still lie {beside}")

    def _time_build(self) -> float:
        self._reset(old=True)
        begin = time.perf_counter()
        finish(forked(lambda: build(1, self.destination)))
        return time.perf_counter() - begin

    def _build_until(self, step: int) -> None:
        """Build, and die at a step on the file system."""
        left = step

        def hook(event: str, arguments: tuple[object, ...]) -> None:
            nonlocal left
            if event not in STEPS or (event == "open" and str(self.destination.parent) not in str(arguments[0])):
                return
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hook)
        build(1, self.destination)

    def _reset(self, old: bool) -> str:
        """Put the old graph in its place, or nothing; what a killed build left beside it stays. Return which."""
        shutil.rmtree(self.destination, ignore_errors=True)
        self.destination.parent.mkdir(exist_ok=True)
        if old:
            shutil.copytree(self.references["old"], self.destination)
        return "old" if old else "none"

    def _phase(self) -> str:
        """Return how far the killed build had come, by the files of its hidden folder."""
        newest = max(self.destination.parent.glob(".graph.*"), key=lambda path: path.stat().st_mtime_ns, default=None)
        if newest is None:
            return "before the first file"
        if (newest / MANIFEST).exists():
            return "putting in place"
        if (newest / CHECKED).exists():
            return "sealed"
        return "writing arrays" if list(newest.glob("*.npy")) else "staging"

    def _outcome(self, before: str, when: str) -> str:
        """Return what stands at the destination, and note it as a failure where it must not."""
        recover_directory(self.destination)
        found = self._standing()
        if found not in {before, "new"}:
            self.failures.append(f"{when}, over {before}: found {found}")
        return f"{before} -> {found}"

    def _standing(self) -> str:
        if not self.destination.exists():
            return "none"
        try:
            graph = KnowledgeGraph.open(self.destination)
            problems = verify_graph(self.destination)
        except Exception as error:  # whatever it is, it is what is being looked for
            return f"{type(error).__name__}: {error}"
        return self.expected.get(answers(graph), "another graph") if not problems else f"unsound graph {problems}"

    def _measure(self) -> None:
        size = sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file())
        self.most_bytes = max(self.most_bytes, size)

    def _bits(self, path: Path, flips: int) -> list[int]:
        """Return bits of a file: first and last of header and body, and some at random; at most ``flips``."""
        size = path.stat().st_size
        fixed = [0, 8 * HEADER_BYTES, 8 * size - 1, 8 * HEADER_BYTES - 1]
        drawn = [self.random.randrange(8 * size) for _ in range(flips)]
        # With few flips, a random one first.
        return list(dict.fromkeys(bit for bit in [*drawn[:1], *fixed, *drawn[1:]] if bit < 8 * size))[:flips]

    def _changes(self, path: Path, flips: int) -> Iterator[tuple[str, Callable[[Path], None]]]:
        size = path.stat().st_size
        for bit in self._bits(path, flips):
            yield f"bit {bit} flipped", lambda place, bit=bit: flip(place, bit)
        for length in sorted({0, size // 2, size - 1} - {size}):
            yield f"cut to {length} bytes", lambda place, length=length: os.truncate(place, length)
        yield "lengthened", lambda place: place.write_bytes(place.read_bytes() + b"\0")
        yield "removed", lambda place: place.unlink()
        yield "replaced by a folder", lambda place: (place.unlink(), place.mkdir())

    def _copy(self) -> Path:
        """Return the folder of a copy of the new graph, opened once, so that its files are known to be right."""
        folder = self.folder / "damaged"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.references["new"], folder)
        KnowledgeGraph.open(folder)
        return folder

    def _damaged(self, file: str, change: Callable[[Path], None]) -> str:
        folder = self._copy()
        change(folder / file)
        return f"open: {self._ask(folder)}; verify: {self._verified(folder)}"

    def _rotten(self, file: str, bit: int) -> str:
        folder = self._copy()
        status = (folder / file).stat()
        flip(folder / file, bit)
        os.utime(folder / file, ns=(status.st_atime_ns, status.st_mtime_ns))
        # Asking such a graph may crash, but not before it has been verified.
        told = self._verified(folder)
        return f"open: {told_by([lambda: self._ask(folder)])[0]}; verify: {told}"

    def _ask(self, folder: Path) -> str:
        try:
            found = self.expected.get(answers(KnowledgeGraph.open(folder)))
        except GraphError:
            return "refused"
        except Exception as error:  # whatever it is, it is what is being looked for
            return f"{type(error).__name__}"
        return "right answers" if found == "new" else "wrong answers"

    def _verified(self, folder: Path) -> str:
        try:
            return "seen" if verify_graph(folder) else "not seen"
        except GraphError:
            return "seen"
        except Exception as error:  # whatever it is, it is what is being looked for
            return f"raises {type(error).__name__}"


def flip(path: Path, bit: int) -> None:
    """Flip one bit of a file."""
    content = bytearray(path.read_bytes())
    content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(bytes(content))


def main() -> int:
    """Parse the arguments, do it all, print what was found."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--flips", type=int, default=20, help="bits flipped in each file")
    parser.add_argument("--every", type=int, default=1, help="kill before every so many steps on the file system")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, help="where to work; a temporary folder by default")
    options = parser.parse_args()
    begin = time.perf_counter()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        stress = Stress(Path(folder), options.seed)
        row: dict[str, object] = {
            "kills": options.kills,
            "seed": options.seed,
            "killed_at_random": stress.kill_at_random(options.kills),
            "killed_at_each_step": stress.kill_at_each_step(options.every),
        }
        stress.check_leftovers()
        row |= {"damage": stress.damage(options.flips), "most_bytes": stress.most_bytes}
    row |= {
        "build_s": round(stress.build_s, 4),
        "failures": len(stress.failures),
        "seconds": round(time.perf_counter() - begin, 1),
    }
    for failure in stress.failures[:50]:
        print(failure, file=sys.stderr)
    print(json.dumps(row))
    return 1 if stress.failures else 0


if __name__ == "__main__":
    sys.exit(main())
