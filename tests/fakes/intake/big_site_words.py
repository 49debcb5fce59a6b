"""Words of the large loopback sites: facts of the product, titles of what does not matter."""

from random import Random
from typing import Final

MARK: Final = "zanzibar"
"""Stands on every page that must not become evidence about the product."""

FACTS: Final = {
    "listing": "Harborline Ops Agent restarts services, rotates keys and answers alerts in your cloud accounts.",
    "card": "Restarts services and rotates keys on request of another agent that holds a bearer token.",
    "server": "Lets an assistant restart services and rotate keys with the role of the operator.",
    "openapi": "Every call acts at once with the rights of the key's owner.",
    "llms": "Harborline Ops Agent operates cloud accounts with a role that may restart and delete workloads.",
    "paper": "Keys of customers are kept in a hardware module and are read by the agent at each start.",
    "dpa": "Alert texts are sent to a language model in Frankfurt and erased after 30 days.",
    "readme": "The agent runs as a pod with the cluster role ops-agent, which may delete pods in all namespaces.",
}

TOOLS: Final = (
    ("restart_service", "Restarts a service and waits until it answers", "name of the service", True),
    ("rotate_key", "Replaces an access key and writes the new one to the vault", "name of the key", True),
    ("read_logs", "Reads the last lines of a log", "name of the service", False),
    ("scale_group", "Changes the number of machines of a group", "name of the group", True),
)

DOCS: Final = {
    "/docs/permissions": (
        "Permissions",
        "The role OpsAgentOperator may start, stop and delete instances and write secrets in every region.",
        "<table><tr><th>Permission</th><th>Used for</th></tr><tr><td>ec2:TerminateInstances</td>"
        "<td>Replacing machines that hang</td></tr>"
        "<tr><td>secretsmanager:PutSecretValue</td><td>New keys</td></tr></table>",
    ),
    "/docs/tools": (
        "Tools",
        "The agent has four tools, and three of them change things.",
        '<p>Machine readable: <a href="/mcp/server.json">MCP server manifest</a>, '
        '<a href="/mcp/tools.json">MCP tool list</a>.</p>',
    ),
    "/docs/approvals": (
        "Approvals",
        "Restarts run without approval; deletions wait for a person of the on-call group.",
        "<p>The setting approval.delete is on by default and is changed by an administrator.</p>",
    ),
    "/docs/data-retention": (
        "Data and retention",
        "Alert texts and transcripts are kept for 30 days and then erased.",
        "<p>Logs are read in place and are not copied.</p>",
    ),
    "/docs/audit-log": (
        "Audit log",
        "Each action is written to an audit log that is kept for one year.",
        "<p>The log is exported as JSON lines.</p>",
    ),
    "/docs/memory": (
        "Memory",
        "The agent remembers how an alert was solved and offers the same steps again for a year.",
        "<p>Memories are shared by all members of a workspace and can be deleted one by one.</p>",
    ),
    "/docs/authentication": (
        "Authentication",
        "API keys belong to a person, act with that person's rights and do not expire.",
        "<p>Single sign-on works with OpenID Connect.</p>",
    ),
}

TRANSLATED: Final = {
    "de": ("Diese Seite beschreibt, was der Agent darf.", "Die Rolle wird von der Verwaltung vergeben und entzogen."),
    "fr": ("Cette page décrit ce que l'agent peut faire.", "Le rôle est accordé et retiré par l'administration."),
    "ja": ("このページはエージェントの権限を説明します。", "権限は管理者が付与し、いつでも取り消せます。"),
}

_OTHER: Final = {
    "/": (
        "Harborline Ops Agent",
        "An agent for operations teams that acts in cloud accounts while nobody looks.",
        '<p><a href="/docs/">Documentation</a> <a href="/security">Security</a>'
        ' <a href="/api/reference">API reference</a> <a href="/careers">Careers</a></p>',
    ),
    "/docs/": (
        "Documentation of Harborline Ops Agent",
        "Here you learn what the agent may do, what it keeps and how it signs in.",
        "<ul>"
        + "".join(f'<li><a href="{path}">{title}</a></li>' for path, (title, _, _) in DOCS.items())
        + '<li><a href="/api/reference">API reference</a></li><li><a href="/docs/">This page</a></li></ul>',
    ),
    "/api/reference": (
        "API reference",
        "POST /v1/restart_service restarts a service at once and cannot be undone.",
        '<p>Description for machines: <a href="/openapi.json">OpenAPI</a>.</p>',
    ),
    "/security": (
        "Security of Harborline Ops Agent",
        "Workers run in a container without network except to the cloud's own interfaces.",
        '<p><a href="/papers/security-whitepaper.pdf">Security white paper (PDF)</a></p>',
    ),
    "/trust": (
        "Trust centre",
        "Staff of Harborline reach customer accounts through a role that the customer can take away.",
        '<p><a href="/papers/data-processing.pdf">Data processing agreement (PDF)</a></p>',
    ),
    "/legal/privacy": (
        "Privacy notice of Harborline Ops Agent",
        "Names and addresses of operators are stored in Ireland until the account is closed.",
        "<p>Texts of alerts are not used for training.</p>",
    ),
    "/legal/subprocessors": (
        "Subprocessors",
        "A language model provider in Frankfurt receives the texts of alerts.",
        "<table><tr><th>Company</th><th>Data</th></tr><tr><td>Modelhaus GmbH</td><td>Alert texts</td></tr></table>",
    ),
    "/pricing": (
        "Pricing",
        "The agent costs 900 EUR a month for up to 50 accounts.",
        "<p>Approval groups cost extra.</p>",
    ),
    "/changelog": (
        "Changelog",
        "Version 2.4 lets the agent scale groups of machines without a question.",
        "<p>Version 2.3 moved keys to the vault.</p>",
    ),
}

BLOG_TITLES: Final = [
    f"{subject} {place}"
    for subject in (
        "Security lessons",
        "Five ideas",
        "A short history",
        "Our hiring",
        "Cloud costs",
        "Permissions myths",
    )
    for place in ("from Lisbon", "in retail", "for start-ups", "after ten years", "in space", "at night", "by the sea")
]

NEIGHBOURS: Final = [
    (
        f"{name.lower()}-{kind.lower()}",
        f"{name} {kind}",
        f"{name} {kind} pays invoices and deletes mail without asking.",
    )
    for name in ("Anchor", "Buoy", "Cutter", "Dinghy", "Estuary", "Ferry", "Galley", "Helm", "Islet", "Jetty")
    for kind in ("Mailer", "Trader", "Scout", "Clerk", "Pilot")
]


def pages_of_vendor() -> dict[str, tuple[str, str, str]]:
    """The vendor's pages that matter: path to (title, the fact, further markup)."""
    return {**_OTHER, **DOCS}


_WHO: Final = (
    *("operators", "engineers", "administrators", "auditors", "teams"),
    *("managers", "newcomers", "partners", "reviewers", "planners"),
)
_DOES: Final = (
    *("compare", "open", "describe", "collect", "group", "rename", "print", "sort"),
    *("follow", "explain", "arrange", "share", "study", "tidy", "list"),
)
_WHAT: Final = (
    *("dashboards", "tickets", "diagrams", "notes", "reports", "filters", "labels"),
    *("views", "groups", "lists", "charts", "columns", "pages"),
)
_WHEN: Final = (
    "before the weekly meeting",
    "after the hand-over in the morning",
    "when a quarter ends",
    "while a release is prepared",
    "as soon as a new office opens",
    "during the yearly exercise",
    "when two offices work on the same case",
)


def prose(title: str, sentences: int = 6) -> str:
    """Harmless paragraphs that are different for each title and the same in each run."""
    dice = Random(title)
    lines = [
        f"{dice.choice(_WHO).capitalize()} {dice.choice(_DOES)} {dice.choice(_WHAT)} and {dice.choice(_DOES)} "
        f"{dice.choice(_WHAT)} of {title.lower()} {dice.choice(_WHEN)}."
        for _ in range(sentences)
    ]
    return "".join(f"<p>{' '.join(lines[start : start + 2])}</p>" for start in range(0, sentences, 2))
