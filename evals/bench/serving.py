"""Run a server in a separate process, so that its work does not distort the timing."""

from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection


class Serving:
    """Context manager that runs `serve` in a separate process and returns its port, which is the first message that
    `serve` sends."""

    def __init__(self, serve: Callable[[Connection, float], None], latency: float) -> None:
        spawn = get_context("spawn")
        self._here, there = spawn.Pipe()
        self._process = spawn.Process(target=serve, args=(there, latency), daemon=True)

    def __enter__(self) -> int:
        """Start the process and return its port on 127.0.0.1."""
        self._process.start()
        port: int = self._here.recv()
        return port

    def __exit__(self, *_: object) -> None:
        """Kill the process."""
        self._process.kill()
        self._process.join()
