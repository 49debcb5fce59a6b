"""The vocabulary of facts is complete and consistent, and is refused when it is not."""

import shutil
from pathlib import Path

import pytest
import yaml

from agent.errors import InputError
from agent.facts.vocabulary import EXAMPLES, GROUPS, FactKey, load_vocabulary
from agent.resources import data_folder
from agent.taxonomy.factors import FACTORS
from agent.taxonomy.layers import LAYERS

WORDS = load_vocabulary()
FOLDER = data_folder("corpus") / "knowledge" / "facts"


def test_every_group_has_keys_and_every_layer_is_pinned_by_several() -> None:
    assert all(WORDS.group(group) for group in GROUPS)
    assert {layer: len(WORDS.pinning(layer)) >= 4 for layer in LAYERS} == dict.fromkeys(LAYERS, True)


def test_every_factor_is_raised_by_something_and_lowering_is_the_exception() -> None:
    assert {factor for key in WORDS for factor in key.raises} == set(FACTORS)
    assert sum(bool(key.lowers) for key in WORDS) <= 10


@pytest.mark.parametrize("key", WORDS, ids=lambda key: key.id)
def test_a_key_is_told_by_examples_of_its_own_and_names_keys_that_exist(key: FactKey) -> None:
    assert len({*key.examples, *key.near_misses}) == 2 * EXAMPLES
    others = {sentence for other in WORDS if other.id != key.id for sentence in other.examples}
    assert not others & set(key.examples)
    assert key.definition != key.excludes
    mentioned = {word.strip("(),;.:") for word in key.excludes.split() if "_" in word}
    assert {word for word in mentioned if word.replace("_", "").islower()} <= {key.id for key in WORDS}


def test_twenty_keys_are_grave_and_none_of_them_is_a_control() -> None:
    grave = [key for key in WORDS if key.grave]
    assert len(grave) == 20
    assert {key.claim for key in grave} == {"ability"}


def test_a_label_of_the_real_pages_maps_to_one_key() -> None:
    labels = [label for key in WORDS for label in key.labels]
    assert len(labels) == len(set(labels))
    split = {label for key in WORDS for label in key.candidates if label not in labels}
    assert split == {"named_services", "limits", "listens_on_network"}
    assert WORDS.labelled("api_key") is WORDS["api_key"]
    assert WORDS.labelled("limits") is None


def test_opposed_keys_have_a_comforting_side() -> None:
    pairs = [(key, WORDS[other]) for key in WORDS for other in key.opposes]
    assert pairs
    assert all(one.comforting != other.comforting for one, other in pairs)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"pins": ["cellar"]}, "pins"),
        ({"raises": ["speed"]}, "raises"),
        ({"slots": ["colour"]}, "slots"),
        ({"floor": {"self_modification": 0.4}}, "a floor must be for a factor that the key raises"),
        ({"lowers": ["autonomy_of_action"]}, "only the description of a limit"),
        ({"examples": ["The agent opens a shell."]}, "examples"),
        ({"opposes": ["flies"]}, "opposes unknown keys flies"),
        ({"claim": "control"}, "a control must not change a factor directly"),
        ({"denial_lowers": ["opacity_reflexivity"], "deniable": False}, "must not lower anything when denied"),
        ({"carried_by": ["behaviour"]}, "further roles"),
        ({"question": "Which one."}, "question"),
        ({"id": "runs_code"}, "two keys have the id runs_code"),
        ({"colour": "red"}, "colour"),
        ({"pins": [], "raises": [], "denial_lowers": [], "floor": {}, "used_in": []}, "runs_commands.*nothing uses it"),
    ],
)
def test_a_key_that_is_not_sound_is_refused_by_name(tmp_path: Path, change: dict[str, object], said: str) -> None:
    shutil.copytree(FOLDER, tmp_path / "facts")
    file = tmp_path / "facts" / "does.yaml"
    raw = yaml.safe_load(file.read_text("utf-8"))
    raw["keys"][0].update(change)
    file.write_text(yaml.safe_dump(raw), "utf-8")
    with pytest.raises(InputError, match=said):
        load_vocabulary(tmp_path / "facts")


@pytest.mark.parametrize(
    ("name", "text"), [("model", None), ("moods", "group: moods\n"), ("model", "- a\n"), ("model", "a: [")]
)
def test_a_folder_that_is_no_vocabulary_is_refused(tmp_path: Path, name: str, text: str | None) -> None:
    shutil.copytree(FOLDER, tmp_path / "facts")
    file = tmp_path / "facts" / f"{name}.yaml"
    file.unlink() if text is None else file.write_text(text, "utf-8")
    with pytest.raises(InputError):
        load_vocabulary(tmp_path / "facts")
