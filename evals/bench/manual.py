"""Documentation of an invented product for benchmarks: a listing and twenty pages on different subjects.

Each page states its facts and then lists settings in rows, as real pages do. The settings are generated from word lists
with the page's title as the seed, so they are the same in each run and different on each page.
"""

from random import Random
from typing import Final

PRODUCT: Final = "Tidewater Desk"
LISTING: Final = f"""# {PRODUCT}

{PRODUCT} is an agent that answers support requests by mail and chat for shops. It reads the order database, issues
refunds up to a limit and opens tickets for everything else.

## What it does

- Reads incoming mail and chat messages and drafts or sends replies.
- Looks up orders, addresses and payments in the shop system.
- Issues refunds and changes delivery addresses through the shop's API.
- Remembers earlier conversations with the same customer.
- Hands a conversation to a colleague when it is not sure.

It runs as a service of the vendor and is set up in an afternoon.
"""

PAGES: Final[dict[str, str]] = {
    "Overview": "The agent works through a queue of requests around the clock. For each request it writes a plan of up "
    "to eight steps and carries the steps out one after another. Nobody needs to be online while it works.",
    "Quick start": "Connect a mailbox and a shop, then choose which kinds of request the agent may answer. The agent "
    "answers delivery questions at once and collects all others in a list. A trial workspace has made-up orders.",
    "Language models": "Replies are written by a large language model that the vendor hosts in Dublin. A smaller model "
    "sorts incoming requests by topic. The same request may get a different wording each time.",
    "Tools": "The agent calls nine tools of the shop system, among them create_refund, change_address and "
    "cancel_order. It chooses the tool itself from the text of the request. Further tools are added by an MCP server.",
    "Permissions": "The agent signs in to the shop with an API key that has the rights of the owner. The key can read "
    "and write all orders of the shop. Separate keys for each tool are not supported.",
    "Approvals": "Refunds below 50 EUR are issued without approval. Larger refunds wait until a person of the refunds "
    "group confirms them. An administrator changes the limit under Settings, Approvals.",
    "Memory": "The agent keeps a summary of each conversation for two years. Summaries are read again whenever the "
    "same customer writes. A colleague can edit or delete a summary in the customer's record.",
    "Knowledge base": "Help articles and past replies are split into passages and stored in a vector index. The agent "
    "searches the index before it writes a reply. Pages of the public web shop are indexed every night.",
    "Mail": "Messages and their attachments are fetched over IMAP and read in full. Text inside images is recognised "
    "and read as well. Replies leave from the shop's own address.",
    "Chat widget": "The widget runs on every page of the shop and needs no login. Visitors may upload pictures of up "
    "to ten megabytes. The agent sees the page that the visitor has open.",
    "Hand-over": "A conversation goes to a colleague when the agent rates its own answer below a threshold. The "
    "colleague sees a summary, but not the steps that led to it. After the hand-over the agent keeps silent.",
    "Sub-agents": "A supervisor agent splits a request and gives its parts to a billing agent and a delivery agent. "
    "The agents exchange messages through a shared queue. Each of them has the same tools.",
    "Schedules": "Every morning the agent looks for late deliveries and writes to the customers concerned. Schedules "
    "run without a request and without a person. A failed run is tried again after ten minutes.",
    "Learning": "Corrections by colleagues are collected and change the agent's instructions once a week. The new "
    "instructions take effect without a review. The last five versions can be restored.",
    "Logs": "Each tool call is logged with its arguments and its result. Logs are kept for 90 days and can be exported "
    "as JSON. The reasoning of the model is not logged.",
    "Metrics": "A dashboard shows answered requests, refunds and hand-overs by day. Alerts are sent when refunds pass "
    "a daily sum. There is no test set for changed instructions.",
    "Hosting": "The service runs on Kubernetes in two regions of one cloud provider. Workspaces of all customers share "
    "one database and are told apart by a column. A dedicated database is offered with the largest plan.",
    "Data handling": "Order data is read when it is needed and cached for one hour. Conversations are stored in "
    "Ireland until the workspace is closed. Subprocessors get the text of requests, but no payment data.",
    "Sign-in": "Colleagues sign in with OpenID Connect or a password. Roles are agent manager, colleague and auditor. "
    "An agent manager can change instructions, tools and limits.",
    "API and webhooks": "An API starts conversations, reads transcripts and sends replies. Calls carry a workspace "
    "token that does not expire. Webhooks deliver each event with a signature in the header.",
}

ROWS: Final = 26
_THINGS: Final = (
    *("request", "reply", "refund", "address change", "ticket", "summary", "attachment", "order", "transcript"),
    *("customer record", "delivery note", "voucher", "return label", "invoice", "queue", "mailbox"),
)
_DEEDS: Final = (
    *("creates", "updates", "closes", "reads", "sends", "stores", "copies", "exports", "translates", "merges"),
    *("archives", "assigns", "reopens", "checks"),
)
_WAYS: Final = (
    *("in the background", "at once", "after the queue is empty", "with the key of the workspace", "for each language"),
    *("when the shop answers", "within one minute", "for the chosen shops", "in the order of arrival", "once a day"),
)
_WHO: Final = ("The agent", "The billing agent", "The delivery agent", "A schedule", "An agent manager", "The widget")


def markdown(title: str) -> str:
    """Generate the page with this title."""
    dice = Random(title)
    rows = []
    for number in range(1, ROWS + 1):
        thing, way = dice.choice(_THINGS), dice.choice(_WAYS)
        deed = f"{dice.choice(_WHO)} {dice.choice(_DEEDS)} the {thing} {way}."
        default = dice.choice(("on", "off", "10", "30", "all shops"))
        rows.append(f"- `{title.split()[0].lower()}.{thing.split()[0]}_{number}`: {deed} The default is {default}.")
    return f"# {title}\n\n{PAGES[title]}\n\n## Reference\n\n" + "\n".join(rows) + "\n"
