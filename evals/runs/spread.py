"""Spread work over processes, and return the results in order."""

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import cached_property
from typing import Final, Self, TypeVar

WORKERS: Final = 2
_FEW: Final = 4
"""Up to this many tasks are run in this process, since starting other processes would take longer."""
_THREAD_COUNTS: Final = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")

TaskT = TypeVar("TaskT")
ResultT = TypeVar("ResultT")


class Crew:
    """A pool of processes that is reused for several kinds of work, since starting processes takes seconds.

    In these processes, linear algebra runs in one thread, because waiting threads triple the cost of small matrices.
    """

    def __init__(self, workers: int = WORKERS) -> None:
        self._workers = workers
        self._left = ExitStack()

    def __enter__(self) -> Self:
        """Return this pool; its processes start only when there is work."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the processes."""
        self._left.close()

    def spread(self, work: Callable[[TaskT], ResultT], tasks: Sequence[TaskT]) -> Iterator[ResultT]:
        """Return the results of `work` over `tasks`, in order, using several processes if worthwhile.

        `work` must be a module-level function, and the tasks picklable.
        """
        alone = self._workers <= 1 or len(tasks) <= _FEW
        return map(work, tasks) if alone else self.pool.map(work, tasks)

    @cached_property
    def pool(self) -> ProcessPoolExecutor:
        """The pool of processes, started at first use."""
        self._left.enter_context(_one_thread_each())
        context = multiprocessing.get_context("spawn")
        return self._left.enter_context(ProcessPoolExecutor(self._workers, mp_context=context))


def apart(work: Callable[[TaskT], ResultT], task: TaskT) -> ResultT:
    """Return `work(task)` from a new process whose linear algebra runs in one thread.

    Many small products take four times the processor time with two threads, and their last bits depend on the number
    of cores. `work` must be a module-level function, and the task picklable.
    """
    with Crew(1) as crew:
        return crew.pool.submit(work, task).result()


@contextmanager
def _one_thread_each() -> Iterator[None]:
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
