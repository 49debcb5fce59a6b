"""Profiles as data, LLM names, and keys that stay hidden."""

import copy
import importlib.util
import pickle

import pytest

from agent.errors import RefusedError, UnavailableError, UsageError
from agent.llm.openai_adapter import OpenAiLlm
from agent.llm.profiles import endpoint, open_llm, profiles
from agent.llm.retry import Limits
from agent.llm.secret import Secret, clean

KEY = "sk-proj-0123456789abcdef"


def test_the_profiles_that_ship():
    known = profiles()
    assert list(known) == [
        *("openai", "openai-responses", "ollama", "vllm", "llamacpp", "lmstudio"),
        *("anthropic", "google", "generic", "local"),
    ]
    assert {name for name, profile in known.items() if profile.adapter == "langchain"} == {"anthropic", "google"}
    assert [name for name, profile in known.items() if profile.api == "responses"] == ["openai-responses"]
    for profile in known.values():
        assert not profile.key_required or profile.key_env
        assert (profile.adapter == "langchain") == bool(profile.provider) == bool(profile.package)


def test_a_name_is_a_profile_and_what_the_endpoint_calls_it():
    found = endpoint("lmstudio/openai/gpt-oss-20b", {})
    assert (found.profile_name, found.llm) == ("lmstudio", "openai/gpt-oss-20b")
    assert found.name == "lmstudio/openai/gpt-oss-20b"
    assert found.base_url == "http://127.0.0.1:1234/v1"
    assert endpoint("openai/gpt", {"OPENAI_API_KEY": f" {KEY}\n"}).key.reveal() == KEY
    assert endpoint("generic/x", {}, "https://llm.example.com/v1/").base_url == "https://llm.example.com/v1"


@pytest.mark.parametrize(
    ("name", "environ", "base_url", "kind", "words"),
    [
        ("gpt-5", {}, "", UsageError, "no profile is called 'gpt-5'"),
        ("nobody/gpt-5", {}, "", UsageError, "no profile"),
        ("ollama/", {}, "", UsageError, "name of the LLM is missing"),
        ("openai/gpt", {}, "", UsageError, "the key is missing"),
        ("openai/gpt", {"OPENAI_API_KEY": "a b"}, "", UsageError, "a character that is not allowed in keys"),
        ("generic/x", {}, "", UsageError, "the endpoint has no address"),
        ("generic/x", {}, "ftp://example.com", RefusedError, "plain http"),
        ("generic/x", {}, "http://me:pw@example.com/v1", RefusedError, "plain http"),
        ("generic/x", {}, "http://[::1", RefusedError, "cannot be read"),
        ("generic/x", {"SEPTET_LLM_KEY": KEY}, "http://llm.example.com/v1", RefusedError, "sent unencrypted"),
    ],
)
def test_what_cannot_be_opened(name, environ, base_url, kind, words):
    with pytest.raises(kind, match=words) as caught:
        endpoint(name, environ, base_url)
    assert caught.value.hint
    assert KEY not in str(vars(caught.value))
    assert "pw@" not in str(vars(caught.value))


def test_a_key_may_go_in_the_clear_to_this_machine_only():
    assert endpoint("generic/x", {"SEPTET_LLM_KEY": KEY}, "http://localhost:8000/v1").key
    assert not endpoint("generic/x", {}, "http://llm.example.com/v1").key


def test_a_key_shows_nowhere_by_accident():
    key = Secret(KEY)
    found = endpoint("openai/gpt", {"OPENAI_API_KEY": KEY})
    for text in (repr(key), str(key), f"{key}", repr(found), str(vars(found)), f"{key!r:>40}"):
        assert KEY not in text
    for store in (pickle.dumps, copy.copy):
        with pytest.raises(TypeError):
            store(key)
    assert key.hide(f"wrong key {KEY}.") == "wrong key [key]."


def test_what_a_stranger_says_is_made_fit_for_a_line():
    assert clean("a\nb\x1b[31m\u202e c") == "a b [31m c"
    assert clean("x" * 500) == "x" * 199 + "…"
    assert clean("Bearer abcdefghijklmnop and sk-live_0123456789ab") == "[key] and [key]"


def test_opening_asks_nothing_yet():
    llm = open_llm("ollama/qwen3:8b", {}, limits=Limits(), context_tokens=0)
    assert isinstance(llm, OpenAiLlm)
    assert llm.name == "ollama/qwen3:8b"
    llm.close()


@pytest.mark.skipif(importlib.util.find_spec("langchain_google_genai") is not None, reason="the package is there")
def test_a_provider_without_its_package_names_it():
    with pytest.raises(UnavailableError) as caught:
        open_llm("google/gemini", {"GOOGLE_API_KEY": KEY}, limits=Limits(), context_tokens=0)
    assert caught.value.hint == "install langchain-google-genai"
