"""Loads endpoint profiles and opens LLMs by name.

An LLM is named PROFILE/NAME, such as `ollama/qwen3:8b`; `profiles.yaml` defines the profiles. The key comes from the
environment variable that the profile specifies; callers pass in the environment.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal
from urllib.parse import urlsplit

import yaml
from pydantic import BaseModel, ConfigDict

from agent.errors import RefusedError, UsageError
from agent.llm.port import Llm, Rung
from agent.llm.retry import Limits, OnWait
from agent.llm.secret import Secret

_ADDRESS_BY: Final = "SEPTET_LLM_BASE_URL"
_FORM: Final = "write it as http(s)://HOST[:PORT]/PATH"
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class Profile(BaseModel):
    """One kind of endpoint; the comment at the top of `profiles.yaml` describes the fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    title: str
    adapter: Literal["native", "langchain", "local"] = "native"
    api: Literal["chat", "responses"] = "chat"
    provider: str = ""
    package: str = ""
    base_url: str = ""
    key_env: str = ""
    key_required: bool = False
    cap: Literal["max_tokens", "max_completion_tokens", "max_output_tokens"]
    rung: Rung = "json_schema"
    schema_by: Literal["output_config", ""] = ""
    temperature: float | None = None
    note: str = ""

    @property
    def on_this_machine(self) -> bool:
        """Whether LLMs of this profile normally run on the user's own machine."""
        return self.adapter == "local" or urlsplit(self.base_url).hostname in _LOOPBACK


@dataclass(frozen=True)
class Endpoint:
    """The LLM that the user selected, with its address and key."""

    profile_name: str
    profile: Profile
    llm: str
    base_url: str
    key: Secret

    @property
    def name(self) -> str:
        """PROFILE/NAME, as the user wrote it."""
        return f"{self.profile_name}/{self.llm}"


@lru_cache(maxsize=1)
def profiles() -> Mapping[str, Profile]:
    """Load all profiles by name, in file order."""
    rows = yaml.safe_load(resources.files("agent.llm").joinpath("profiles.yaml").read_text("utf-8"))
    return MappingProxyType({name: Profile.model_validate(fields) for name, fields in rows.items()})


def endpoint(name: str, environ: Mapping[str, str], base_url: str = "") -> Endpoint:
    """Resolve PROFILE/NAME to an endpoint. `base_url` overrides the profile's; the key comes from `environ`.

    Raises UsageError if the profile is unknown, the name or address is missing, or the key is not set. Raises
    RefusedError if the address is not http(s), or if a key would be sent unencrypted to another machine.
    """
    known = profiles()
    profile_name, _, llm = name.partition("/")
    if profile_name not in known:
        hint = f"write PROFILE/NAME, where PROFILE is one of {', '.join(known)}"
        raise UsageError(f"no profile is called {profile_name!r}", where=f"the LLM {name!r}", hint=hint)
    profile = known[profile_name]
    if not llm.strip():
        hint = f"write {profile_name}/ followed by the endpoint's name for the LLM"
        raise UsageError("the name of the LLM is missing", where=f"the LLM {name!r}", hint=hint)
    try:
        key = Secret(environ.get(profile.key_env, "").strip() if profile.key_env else "")
    except UsageError as error:
        raise UsageError(error.what, where=profile.key_env, hint=error.hint) from None
    if profile.key_required and not key:
        raise UsageError("the key is missing", where=profile.title, hint=f"set {profile.key_env} in the environment")
    address = (base_url or profile.base_url).rstrip("/")
    if profile.adapter == "native":
        _check_address(address, profile, key)
    return Endpoint(profile_name, profile, llm, address, key)


def _check_address(address: str, profile: Profile, key: Secret) -> None:
    if not address:
        raise UsageError("the endpoint has no address", where=profile.title, hint=f"set {_ADDRESS_BY} to its base URL")
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
        # urlsplit validates the port only when the attribute is read.
        readable = parts.port != 0 and address.isprintable() and " " not in address
    except ValueError:
        readable = False
    if not readable:
        raise RefusedError("the base URL cannot be read", where=profile.title, hint=_FORM)
    if parts.scheme not in ("http", "https") or not host or parts.username is not None or parts.query or parts.fragment:
        hint = f"{_FORM}, without user or query"
        raise RefusedError("the base URL is not a plain http(s) address", where=profile.title, hint=hint)
    if key and parts.scheme == "http" and host not in _LOOPBACK:
        raise RefusedError("the key would be sent unencrypted", where=address, hint="use https, or unset the key")


def open_llm(
    name: str,
    environ: Mapping[str, str],
    *,
    base_url: str = "",
    limits: Limits,
    on_wait: OnWait | None = None,
    context_tokens: int,
) -> Llm:
    """Open the LLM called PROFILE/NAME without calling it (a local LLM is loaded, with `context_tokens` of context).

    `on_wait` is called before waits. Raises the same errors as `endpoint`, and UnavailableError if a required package
    or file is missing.
    """
    found = endpoint(name, environ, base_url)
    if found.profile.adapter == "langchain":
        from agent.llm.langchain_adapter import open_langchain

        return open_langchain(found, limits, on_wait=on_wait)
    if found.profile.adapter == "local":
        from agent.llm.local import open_local

        return open_local(Path(found.llm), limits, profile=found.profile, context_tokens=context_tokens)
    from agent.llm.openai_adapter import OpenAiLlm

    return OpenAiLlm(found, limits, on_wait=on_wait)
