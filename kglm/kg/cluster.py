"""Work done in pieces on a Dask cluster, whose machines share their folders."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from kglm.errors import ConfigError, DataError, MissingExtraError

Piece = TypeVar("Piece")
Part = TypeVar("Part")

WAIT_SECONDS = 60
"""How long a scheduler is given to answer, and a worker to come."""


def map_on_cluster(
    address: str,
    function: Callable[..., Part],
    pieces: Sequence[Piece],
    *common: Any,
    wait_seconds: float = WAIT_SECONDS,
) -> Iterator[Part]:
    """Yield ``function(piece, *common)`` for each piece, in the order of the pieces.

    A piece is done again where its worker is lost. The workers run Python of the same version with the same kglm.
    What travels between the machines is pickled: the cluster must be one that is trusted.

    Args:
        address: of the scheduler, as ``tcp://host:8786``.
        function: of a module, so that the workers find it, or a ``partial`` of one with small arguments.
        pieces: what differs from call to call; sent as it is needed.
        common: what does not, arrays perhaps; sent to each worker once.
        wait_seconds: how long the scheduler, and a first worker, are waited for.

    Raises:
        MissingExtraError: Dask is not installed.
        ConfigError: no scheduler answers at the address, or it has no worker.
        DataError: a piece killed several workers, one after another.
        KglmError: the function's own.
    """
    try:
        from distributed import Client, KilledWorker
    except ImportError as error:
        raise MissingExtraError("Dask", f"work on the cluster '{address}'", "cluster") from error
    try:
        client = Client(address, timeout=wait_seconds, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"workers is '{address}', where no Dask scheduler answers ({error}); start one with `dask scheduler`, or "
            "give a number of threads"
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=wait_seconds)
        except TimeoutError as error:
            raise ConfigError(
                f"the Dask scheduler at '{address}' has no worker; start some with `dask worker {address}`"
            ) from error
        sent = client.scatter(list(common), broadcast=True, hash=False) if common else []
        futures = client.map(function, pieces, *([one] * len(pieces) for one in sent), pure=False)
        try:
            while futures:
                yield futures.pop(0).result()  # let go at once: the cluster need not keep it
        except KilledWorker as error:
            raise DataError(
                f"several workers of '{address}' died of one piece, perhaps for lack of memory: {error}"
            ) from error
