"""Which statements a factor or layer listens to, as search weighs it."""

import numpy as np

from agent.drafting_old.listening import COUNTED, HINTED, STATED, worths
from agent.evidence.signals import Match, detect
from agent.evidence.statements import statements
from agent.taxonomy.keys import FACTORS, LAYERS
from tests.test_factors import page

TEXT = "It plans the steps of a task by itself. It is a nice tool. It keeps a long-term memory of every user."


def test_what_a_statement_shows_is_worth_something_to_those_who_listen() -> None:
    found = statements((page(TEXT),))
    signals = detect(found)
    worth = worths(found, signals)
    assert set(worth) == {*FACTORS, *LAYERS}
    assert all(row.shape == (len(found),) for row in worth.values())
    assert worth["persistent_memory"][2] >= STATED
    assert not any(row[1] for row in worth.values()), "an idle sentence is worth nothing to anybody"


def test_worth_is_capped_and_none_without_signals() -> None:
    found = statements((page(TEXT),))
    assert not any(np.any(row) for row in worths(found, {}).values())
    names = ("user_oauth", "acts_as_user", "role_switch", "per_user_credential", "wallet_keys", "api_key", "sso_rbac")
    shown = {name: (Match(0, found[0].document, 0, 9, False, False),) for name in names}
    assert worths(found, shown)["dynamic_identity"][0] == COUNTED * (STATED + HINTED)
