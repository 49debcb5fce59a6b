"""The effect of tool lists on a draft: tools become capabilities, and the vendor's reassuring hints about them change
nothing.
"""

import json

from tests.fakes import paired

TOOLS = [
    {"name": "send_email", "description": "Send an email to anybody.", "inputSchema": {"type": "object"}},
    {"name": "run_command", "description": "Runs a shell command on the host.", "inputSchema": {"type": "object"}},
]
REASSURING = {"readOnlyHint": True, "destructiveHint": False, "idempotentHint": True, "openWorldHint": False}
LISTING = (
    "# Acme Mail Agent\n\nAcme Mail Agent reads the mailbox of a team, drafts replies and answers customers when "
    "somebody asks.\n"
)


def drafted(folder, hints):
    tools = [tool | {"annotations": hints} for tool in TOOLS]
    return paired.of_files(folder, {"listing.md": LISTING, "tools.json": json.dumps({"tools": tools})})


def test_tools_are_quoted_and_hints_in_their_favour_move_nothing(tmp_path):
    bare = drafted(tmp_path / "bare", {})
    hinted = drafted(tmp_path / "hinted", REASSURING)
    assert "Tool send_email: Send an email to anybody." in paired.texts(bare)
    assert any("send_email" in evidence.quote for evidence in bare.draft.evidence)
    assert "readOnlyHint true" in paired.texts(hinted)
    assert paired.conclusions(hinted) == paired.conclusions(bare)
    assert [low for low in hinted.draft.lowerings if low.target not in {b.target for b in bare.draft.lowerings}] == []
    assert max((item.rank for item in hinted.draft.evidence if "own hint" in item.quote), default=0) <= 2
