"""Lists the assumptions of the system picture that no fact supports, one sentence each."""

from typing import Final

from agent.drafting.product.system import PRODUCT
from agent.drafting.wording import asserted, kind_title, listed
from agent.facts.sheet import counted
from agent.records import FactSheet, System
from agent.taxonomy.kinds import ProductKind

_CREDENTIALS: Final = ("user_oauth", "api_key", "password_login", "service_account", "no_credentials")
_PLACES: Final = (
    "local_process", "stdio", "container", "vendor_cloud", "self_hosted", "extension_or_app", "listens_locally",
)  # fmt: skip
_LLMS: Final = ("names_llm", "client_brings_llm", "no_llm", "self_hosted_llm")
_NAMED: Final = 2
_WHERE: Final = {"user": "on the user's machine", "vendor": "in the vendor's cloud", "own": "on the operator's servers"}


def assumptions(system: System, sheet: FactSheet, kind: ProductKind) -> tuple[str, ...]:
    """List the assumptions, each in one plain sentence; the picture draws them with dashed lines."""
    name = next(item.name for item in system.components if item.id == PRODUCT)
    found = []
    if kind != "other":
        found.append(f"{name} is modelled as {kind_title(kind)}; the picture follows from that.")
    if not asserted(sheet, *_PLACES):
        place = next((boundary.id for boundary in system.boundaries if PRODUCT in boundary.members), "")
        where = _WHERE.get(place, "in one place")
        found.append(f"The sources do not say where {name} runs; the picture puts it {where}.")
    if not asserted(sheet, *_LLMS):
        which = "the client's own" if kind in ("mcp-server", "agent-skill") else "a hosted one"
        found.append(f"The sources do not name the LLM; the picture assumes {which}.")
    acting = [c for c in system.capabilities if c.state != "denied" and c.mode != "read"]
    unowned = [f"{c.action} {c.object}" for c in acting if c.credential is None and c.credential_state is None]
    if unowned and not asserted(sheet, *_CREDENTIALS):
        told = listed(unowned[:_NAMED])
        found.append(f"The sources do not say with whose rights {name} {told}; the user's are assumed.")
    unasked = [
        f"{c.action} {c.object}"
        for c in acting
        if c.approver is None and c.approver_state is None and c.signal not in ("proposes_code", "gives_verdicts")
    ]
    if unasked and not counted(sheet, "approval_before"):
        told = listed(unasked[:_NAMED])
        found.append(f"The sources name no approval before {name} {told}; none is assumed.")
    return tuple(found)
