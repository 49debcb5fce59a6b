"""Spreads work over processes that each hold the same thing, with the results in order."""

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import Final, TypeVar

WORKERS: Final = 2
_FEW: Final = 4
"""Up to so many tasks are done in this process: starting two others takes longer."""
_THREAD_COUNTS: Final = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")

HeldT = TypeVar("HeldT")
TaskT = TypeVar("TaskT")
ResultT = TypeVar("ResultT")

_held: object = None


def spread(
    work: Callable[[TaskT, HeldT], ResultT], tasks: Sequence[TaskT], held: HeldT, workers: int = WORKERS
) -> Iterator[ResultT]:
    """The results of `work` over `tasks`, in order, in `workers` processes when that pays.

    `held` goes to each process once. `work` is a function of a module, and everything can be pickled.
    """
    if workers <= 1 or len(tasks) <= _FEW:
        for task in tasks:
            yield work(task, held)
        return
    context = multiprocessing.get_context("spawn")
    with (
        _one_thread_each(),
        ProcessPoolExecutor(workers, mp_context=context, initializer=_start, initargs=(held,)) as pool,
    ):
        yield from pool.map(_call, [work] * len(tasks), tasks)


def _start(held: object) -> None:
    global _held
    _held = held


def _call(work: Callable[[TaskT, object], ResultT], task: TaskT) -> ResultT:
    return work(task, _held)


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Processes that are started meanwhile do linear algebra in one thread: the matrices are small, and threads that
    wait for one another cost three times the work."""
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
