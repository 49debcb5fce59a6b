"""A local LLM: serves a GGUF file on a free port with `xllamacpp`, behind the native adapter.

Requires the extra `local`. Nothing is downloaded: the user provides the file. The server listens only on the loopback
address and stops when the LLM is closed.
"""

import importlib
import importlib.util
import os
from pathlib import Path
from typing import Final

from agent.errors import SourceError, UnavailableError
from agent.llm.openai_adapter import OpenAiLlm
from agent.llm.profiles import Endpoint, Profile
from agent.llm.retry import Limits
from agent.llm.secret import Secret

PACKAGE: Final = "xllamacpp"
THREADS: Final = max(1, (os.cpu_count() or 2) // 2)
"""Half of the cores, because waiting threads busy-loop and would slow everything else if all cores were used."""
_MAGIC: Final = b"GGUF"
_QUIET: Final = -1


class LocalLlm(OpenAiLlm):
    """An `Llm` with its own server."""

    def __init__(self, server: object, endpoint: Endpoint, limits: Limits) -> None:
        super().__init__(endpoint, limits)
        self._server: object | None = server

    def close(self) -> None:
        """Stop the server."""
        super().close()
        # The server has no stop method; it stops when the last reference to it is dropped.
        self._server = None


def open_local(path: Path, limits: Limits, *, profile: Profile, context_tokens: int) -> LocalLlm:
    """Load the GGUF file at `path` and serve it with `context_tokens` of context.

    Raises SourceError if `path` is not a GGUF file, and UnavailableError if the extra is not installed or the server
    does not accept the file.
    """
    try:
        with path.open("rb") as file:
            magic = file.read(len(_MAGIC))
    except OSError as error:
        what, where = "the local LLM's file cannot be read", f"{path}: {error.strerror}"
        raise SourceError(what, where=where, hint="give the path of a .gguf file") from None
    if magic != _MAGIC:
        what = "the local LLM's file is not a GGUF file"
        raise SourceError(what, where=str(path), hint="give the path of a .gguf file")
    if importlib.util.find_spec(PACKAGE) is None:
        raise UnavailableError("the local LLM needs a package", where=PACKAGE, hint="install septet[local]")
    xllamacpp = importlib.import_module(PACKAGE)
    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.model_alias = {path.stem}
    params.n_ctx = context_tokens
    params.n_parallel = 1
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.ui = False
    params.warmup = False
    params.verbosity = _QUIET
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = THREADS
    try:
        server = xllamacpp.Server(params)
    except (RuntimeError, ValueError, OSError) as error:
        what = "the server does not accept the local LLM's file"
        raise UnavailableError(what, where=f"{path}: {error}", hint="try another file, or a shorter context") from None
    here = Endpoint("local", profile, path.stem, f"{server.listening_address}/v1", Secret(""))
    return LocalLlm(server, here, limits)
