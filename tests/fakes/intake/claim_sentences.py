"""Sentences in which a vendor calls a product controlled, certified, safe or private, made from a small grammar.

`sentences(n)` gives `n` different ones, always the same. Pure claims only: a sentence that says in words of its own
what the product can or cannot reach ("read-only access to the calendar") describes it and is not made here.
"""

import random
from collections.abc import Mapping
from typing import Final

SLOTS: Final[Mapping[str, tuple[str, ...]]] = {
    "product": ("The agent", "The assistant", "Our agent", "The product", "This tool", "The service", "The platform"),
    "action": (
        "action", "payment", "refund", "message", "change", "deletion", "transfer", "booking", "order", "tool call",
        "update", "step", "e-mail", "purchase", "export", "reply", "command", "write", "deployment", "decision",
    ),
    "actions": (
        "actions", "payments", "refunds", "messages", "changes", "deletions", "transfers", "bookings", "orders",
        "tool calls", "updates", "steps", "e-mails", "purchases", "exports", "replies", "commands", "writes",
        "decisions",
    ),
    "who": (
        "a person", "a human", "a manager", "an administrator", "the account owner", "a supervisor", "two people",
        "a member of your team", "a trained reviewer", "the finance team", "a named employee", "an expert",
    ),
    "quality": (
        "safe", "secure", "reliable", "trustworthy", "harmless", "low-risk", "risk-free", "predictable", "robust",
    ),
    "adverb": ("", "", "always ", "fully ", "completely ", "strictly ", "carefully ", "automatically "),
    "data": ("data", "customer data", "personal data", "your data", "content", "records", "information", "messages"),
    "standard": (
        "SOC 2 Type II", "ISO 27001", "ISO 42001", "GDPR", "HIPAA", "PCI DSS", "FedRAMP", "the EU AI Act",
        "all relevant laws", "the highest industry standards", "HITRUST", "CCPA",
    ),
    "n": ("5", "10", "25", "50", "100", "250", "500", "1,000"),
    "period": ("a day", "an hour", "a week", "per month", "for each user", "per session"),
    "when": (
        "next quarter", "next year", "in the next release", "later this year", "in version 3", "soon",
        "by the end of the year", "in Q3", "in the near future",
    ),
    "control": (
        "human approval", "a sandbox", "audit logging", "rate limits", "an allow-list", "spending limits", "encryption",
        "a kill switch", "role-based permissions", "prompt-injection protection",
    ),
}  # fmt: skip
TEMPLATES: Final[Mapping[str, tuple[str, ...]]] = {
    "approval": (
        "Every {action} is {adverb}reviewed by {who} before it is carried out.",
        "No {action} happens without the approval of {who}.",
        "{who} approves each {action} first.",
        "{actions} need a confirmation by {who}.",
        "{product} never acts without asking first.",
        "{product} waits for {who} to confirm every {action}.",
        "All {actions} are subject to human oversight.",
        "{actions} above {n} dollars must be signed off by {who}.",
        "You stay in control of every {action}.",
        "We keep a human in the loop for all {actions}.",
        "Nothing is sent, bought or deleted until {who} has agreed.",
        "Only after {who} gives the go-ahead is a {action} carried out.",
    ),
    "limits": (
        "{actions} are limited to {n} {period}.",
        "{product} never makes more than {n} {actions} {period}.",
        "Strict spending limits keep {actions} small.",
        "The number of {actions} is capped at {n} {period}.",
        "Rate limits stop runaway {actions}.",
        "{product} cannot exceed {n} {actions} {period}.",
        "Hard limits apply to all {actions}.",
        "{product} only ever does what you allow.",
        "{product} follows the principle of least privilege for every {action}.",
        "At most {n} {actions} are possible {period}.",
        "A kill switch stops {product} at once.",
    ),
    "certification": (
        "{product} is certified to {standard}.",
        "We are {standard} certified.",
        "{product} complies with {standard}.",
        "We comply with {standard} and are audited every year.",
        "Independent auditors found no issues with {product}.",
        "An external penetration test confirmed that {product} is {quality}.",
        "Our certification under {standard} covers all {actions}.",
        "{product} meets {standard}.",
        "Certified {quality} by an independent laboratory.",
        "{standard} compliance for all {actions}",
    ),
    "safety": (
        "{product} is {quality} by design.",
        "{product} is completely {quality}.",
        "{actions} are always {quality}.",
        "There is no risk in letting it handle {actions}.",
        "Security is our top priority.",
        "Built-in guardrails prevent harmful {actions}.",
        "{product} cannot be misused.",
        "{product} is protected against prompt injection and other attacks.",
        "Zero incidents since launch.",
        "You can trust {product} with every {action}.",
        "Why is {product} {quality}?",
        "{product} has never made a mistake with {actions}.",
    ),
    "plans": (
        "From {when} on, every {action} will require approval by {who}.",
        "{control} is planned for {when}.",
        "We will add {control} {when}.",
        "{control} is on our roadmap.",
        "Support for {control} is coming {when}.",
        "{when} we intend to certify {product} under {standard}.",
        "{control} will be available {when}.",
    ),
    "privacy": (
        "{data} is never shared with third parties.",
        "{product} keeps {data} private and confidential.",
        "We never sell {data}.",
        "All {data} is encrypted at rest and in transit.",
        "Your privacy is protected at all times.",
        "{data} is {adverb}encrypted end to end.",
        "We respect your privacy in every {action}.",
    ),
    "isolation": (
        "Everything runs in a {quality} sandbox.",
        "All {actions} are executed in an isolated environment.",
        "{product} is fully isolated from other systems.",
        "Each {action} is strictly separated from all others.",
    ),
    "monitoring": (
        "Every {action} is logged and monitored.",
        "All {actions} are recorded in a complete audit trail.",
        "Our team monitors all {actions} around the clock.",
        "{actions} are continuously monitored for anomalies.",
        "We watch every {action} in real time.",
        "Every {action} leaves a trace.",
    ),
}  # fmt: skip
FORMS: Final = ("{}", "{}", "{}", "- {}", "**{}**", "| {} | yes |", "> {}", "Good to know: {}")
SEED: Final = 20261124


def sentences(count: int, *, seed: int = SEED, forms: bool = True) -> list[tuple[str, str]]:
    """`count` different (category, sentence) pairs, the same ones for the same seed."""
    source = random.Random(seed)
    found: dict[str, str] = {}
    every = [(kind, template) for kind, templates in TEMPLATES.items() for template in templates]
    while len(found) < count:
        kind, template = every[len(found) % len(every)] if len(found) < len(every) else source.choice(every)
        text = template.format(**{name: source.choice(words) for name, words in SLOTS.items()})
        text = text[0].upper() + text[1:]
        form = source.choice(FORMS) if forms else "{}"
        found.setdefault(form.format(text.rstrip(".?") if "|" in form else text), kind)
    return [(kind, text) for text, kind in found.items()]
