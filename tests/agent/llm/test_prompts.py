"""Prompt files are read strictly, and the bundled cards are complete."""

from pathlib import Path

import pytest

from agent.errors import InputError
from agent.llm.prompts import CARD_KEYS, cards, load_card, load_prompt
from agent.resources import data_folder
from agent.taxonomy.factors import FACTORS
from agent.taxonomy.layers import LAYERS

PROMPT = """---
name: greet
version: 3
purpose: "Says hello"
inputs: [who, lines]
---
Hello {{ who }}.
{% for line in lines %}
- {{ line }}
{% endfor %}
"""
CARD = """---
name: persistent_memory
version: 1
purpose: "What is kept"
inputs: []
anchors:
  "0": "nothing"
  "0.5": "some"
  "1": "all"
questions: ["keeps history", "stores chats", "forgets nothing"]
---
Read what is kept.
"""


def put(folder: Path, text: str, name: str = "greet") -> Path:
    path = folder / f"{name}.md"
    path.write_bytes(text.encode())
    return path


def test_a_prompt_is_filled_in(tmp_path: Path) -> None:
    prompt = load_prompt(put(tmp_path, PROMPT))
    assert prompt.render(who="you & me", lines=["a", "b"]) == "Hello you & me.\n- a\n- b\n"
    assert (prompt.ref.name, prompt.ref.version, prompt.purpose) == ("greet", 3, "Says hello")


def test_the_sha_is_of_the_content_whatever_the_line_ends(tmp_path: Path) -> None:
    one = load_prompt(put(tmp_path, PROMPT)).ref
    assert load_prompt(put(tmp_path, PROMPT.replace("\n", "\r\n"))).ref == one
    assert load_prompt(put(tmp_path, PROMPT.replace("Hello", "Hallo"))).ref.sha != one.sha


@pytest.mark.parametrize("values", [{"who": "you"}, {"who": "you", "lines": [], "more": 1}, {}])
def test_inputs_are_given_exactly(tmp_path: Path, values: dict[str, object]) -> None:
    with pytest.raises(InputError, match="prompt greet"):
        load_prompt(put(tmp_path, PROMPT)).render(**values)
    missing = PROMPT.replace("{{ who }}", "{{ who.name }}")
    with pytest.raises(InputError, match="greet"):
        load_prompt(put(tmp_path, missing)).render(who={}, lines=[])


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("version: 3", "version: 3\ntemperature: 0", "temperature"),
        ("version: 3", "version: 3\nversion: 4", "twice"),
        ("version: 3", "version: 0", "version"),
        ("version: 3", 'version: "3"', "version"),
        ("version: 3\n", "", "version"),
        ("name: greet", "name: other", "other"),
        ('purpose: "Says hello"', 'purpose: " "', "purpose"),
        ("[who, lines]", "[who]", "lines"),
        ("[who, lines]", "[who, lines, more]", "more"),
        ("[who, lines]", "[who, lines, who]", "who"),
        ("[who, lines]", "who", "inputs"),
        ("{% endfor %}", "", "template"),
        ("purpose:", "questions: [a]\npurpose:", "card"),
        ("version: 3", "version: [", "YAML"),
        ("---\nHello", "Hello", "dashes"),
        ("---\nname", "name", "dashes"),
    ],
)
def test_anything_else_is_refused_with_the_file_and_the_reason(tmp_path: Path, old: str, new: str, says: str) -> None:
    assert old in PROMPT
    with pytest.raises(InputError, match=says) as caught:
        load_prompt(put(tmp_path, PROMPT.replace(old, new, 1)))
    assert "greet.md" in str(caught.value)


def test_bytes_that_are_not_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "greet.md"
    path.write_bytes(b"---\n\xff\xfe")
    with pytest.raises(InputError, match="UTF-8"):
        load_prompt(path)
    with pytest.raises(InputError, match="absent"):
        load_prompt(tmp_path / "absent.md")


def test_a_card_has_anchors_and_questions(tmp_path: Path) -> None:
    card = load_card(put(tmp_path, CARD, "persistent_memory"))
    assert card.key == "persistent_memory"
    assert dict(card.anchors) == {"0": "nothing", "0.5": "some", "1": "all"}
    assert card.questions == ("keeps history", "stores chats", "forgets nothing")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('  "0.5": "some"\n', "", "anchors"),
        ('  "0": "nothing"\n  "0.5": "some"\n', '  "0.5": "some"\n  "0": "nothing"\n', "anchors"),
        (', "forgets nothing"', "", "questions"),
        ('"forgets nothing"', '"keeps history"', "questions"),
        ('"forgets nothing"', '"a", "b", "c", "d"', "questions"),
        ("name: persistent_memory", "name: memory", "memory"),
    ],
)
def test_a_card_that_is_not_whole_is_refused(tmp_path: Path, old: str, new: str, says: str) -> None:
    assert old in CARD
    with pytest.raises(InputError, match=says):
        load_card(put(tmp_path, CARD.replace(old, new, 1), "memory" if "name: memory" in new else "persistent_memory"))


def test_a_layer_card_takes_no_anchors(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="anchors"):
        load_card(put(tmp_path, CARD.replace("persistent_memory", "data_operations"), "data_operations"))


def test_the_bundled_cards_are_one_for_each_factor_and_layer() -> None:
    found = cards()
    assert tuple(found) == CARD_KEYS == (*FACTORS, *LAYERS)
    asked = [question for card in found.values() for question in card.questions]
    assert len(set(asked)) == len(asked)
    assert all("?" not in question for question in asked)
    assert len({card.ref.sha for card in found.values()}) == len(CARD_KEYS)
    assert all(card.render().strip() for card in found.values())


def test_every_prompt_file_of_the_folder_loads() -> None:
    folder = data_folder("prompts")
    assert [path.name for path in folder.glob("*.md")] == ["README.md"]
    assert sorted(path.name for path in folder.iterdir() if path.is_dir()) == ["assist", "cards"]
    asked = sorted((folder / "assist").glob("*.md"))
    assert len(asked) >= 6
    assert all(load_prompt(path).ref.version >= 1 for path in asked)
