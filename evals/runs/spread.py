"""Spreads work over processes that each hold a copy of the same object; the results come in order."""

import multiprocessing
import os
import pickle
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, Self, TypeVar

WORKERS: Final = 2
_FEW: Final = 4
"""Up to this many tasks run in this process, since starting others takes longer."""
_THREAD_COUNTS: Final = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")

HeldT = TypeVar("HeldT")
TaskT = TypeVar("TaskT")
ResultT = TypeVar("ResultT")

_held: tuple[str, object] = ("", None)
"""Cache of a worker process: the file that it read last, and the object in that file."""


class Crew:
    """A pool of processes for several kinds of work in turn; they keep running, since starting them takes seconds."""

    def __init__(self, workers: int = WORKERS) -> None:
        self._workers = workers
        self._left = ExitStack()
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        """Return the crew; processes start only when there is work."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the processes."""
        self._left.close()

    def spread(self, work: Callable[[TaskT, HeldT], ResultT], tasks: Sequence[TaskT], held: HeldT) -> Iterator[ResultT]:
        """Yield the results of `work` over `tasks`, in order, using several processes if worthwhile.

        `held` is sent to each process once. `work` must be a module-level function, and all arguments picklable.
        """
        if self._workers <= 1 or len(tasks) <= _FEW:
            for task in tasks:
                yield work(task, held)
            return
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder) / "held"
            place.write_bytes(pickle.dumps(held))
            rows = [(work, task, str(place)) for task in tasks]
            yield from self._started().map(_call, rows)

    def _started(self) -> ProcessPoolExecutor:
        if self._pool is None:
            self._left.enter_context(_one_thread_each())
            context = multiprocessing.get_context("spawn")
            self._pool = self._left.enter_context(ProcessPoolExecutor(self._workers, mp_context=context))
        return self._pool


def spread(
    work: Callable[[TaskT, HeldT], ResultT], tasks: Sequence[TaskT], held: HeldT, workers: int = WORKERS
) -> Iterator[ResultT]:
    """`Crew.spread` with a new crew of `workers` processes."""
    with Crew(workers) as crew:
        yield from crew.spread(work, tasks, held)


def apart(work: Callable[[TaskT], ResultT], task: TaskT) -> ResultT:
    """Return `work(task)` from a new process whose linear algebra runs in one thread.

    Many small products take four times the processor time with two threads, and their last bits depend on the number
    of cores. `work` must be a module-level function, and all arguments picklable.
    """
    with Crew(1) as crew:
        return crew._started().submit(work, task).result()


def _call(row: tuple[Callable[[TaskT, object], ResultT], TaskT, str]) -> ResultT:
    global _held
    work, task, place = row
    if _held[0] != place:
        _held = (place, pickle.loads(Path(place).read_bytes()))
    return work(task, _held[1])


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Make child processes do linear algebra in one thread, since waiting threads triple the cost of small matrices."""
    before = {name: os.environ.get(name) for name in _THREAD_COUNTS}  # noqa: TID251 - read by numpy alone
    os.environ.update(dict.fromkeys(_THREAD_COUNTS, "1"))  # noqa: TID251
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]  # noqa: TID251
            else:
                os.environ[name] = value  # noqa: TID251
