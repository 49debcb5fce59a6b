"""The prompts of the calls: they load, name their inputs, and hold nothing that differs from run to run by itself."""

import re
from pathlib import Path

import pytest

from agent.drafting_old.pack import pack
from agent.llm.prompts import load_prompt
from agent.llm.tokens import by_bytes
from agent.pipeline import read_documents
from agent.resources import data_folder
from agent.settings import Settings
from evals.corpus import load_case
from evals.documents import documents_of

PROMPTS = sorted((data_folder("prompts") / "drafting").glob("*.md"))
NAMES = {
    *("instructions", "evidence", "factors", "layers", "threats", "posture", "chains", "questions"),
    *("critique", "again", "picture"),
}
DELIMITER = "f3a91c07be2d4456"
MOST_TOKENS = 900


def test_each_prompt_is_there() -> None:
    assert {path.stem for path in PROMPTS} == NAMES


@pytest.mark.parametrize("path", PROMPTS, ids=lambda path: path.stem)
def test_a_prompt_shows_its_inputs_once_they_are_given_and_is_short(path: Path) -> None:
    prompt = load_prompt(path)
    values = {name: f"«{name}»" for name in prompt.inputs}
    text = prompt.render(**values)
    assert all(value in text for value in values.values())
    assert not re.search(r"\{\{|\{%", text)
    assert by_bytes().count(text) <= MOST_TOKENS
    assert prompt.render(**values) == text


def test_the_instructions_describe_the_frame_of_a_passage_as_it_is() -> None:
    reading = read_documents(documents_of(load_case(data_folder("corpus") / "cases" / "asana")), Settings())
    packed = pack(reading, DELIMITER, by_bytes().count)
    told = load_prompt(data_folder("prompts") / "drafting" / "instructions.md").render(delimiter=DELIMITER)
    first, second, *_ = packed.text.splitlines()
    last = packed.text.rstrip("\n").splitlines()[-1]
    assert f"`{first}`" in told
    assert f"`{last}`" in told
    assert second.startswith("[D1/")
