"""Risk-lowering sentences in other words than `claim_sentences`: written without regard to how claims are told.

Marketing tones, answers to questions, comparisons, conditions, hedges, fragments, and English of people who learnt it
late. `others(n)` gives `n` different ones, always the same.
"""

import random
from collections.abc import Mapping
from typing import Final

SLOTS: Final[Mapping[str, tuple[str, ...]]] = {
    "it": ("It", "The bot", "Our copilot", "The software", "The system", "Our solution", "The app", "Such an agent"),
    "thing": (
        "wire transfer", "invoice", "calendar entry", "database write", "file removal", "ticket", "shell command",
        "outgoing mail", "configuration change", "contract", "post", "trade", "merge", "prescription", "phone call",
        "password reset", "record", "workflow", "form submission", "publication",
    ),
    "things": (
        "wire transfers", "invoices", "calendar entries", "database writes", "file removals", "tickets",
        "shell commands", "outgoing mails", "configuration changes", "contracts", "posts", "trades", "merges",
        "phone calls", "password resets", "records", "workflows", "publications",
    ),
    "who": (
        "a colleague", "someone on shift", "the budget holder", "your compliance officer", "a clinician", "an editor",
        "a team lead", "the person in charge", "an authorised signatory", "the customer", "a duty manager",
        "two different employees",
    ),
    "stuff": (
        "chat histories", "patient data", "source code", "credentials", "payroll data", "documents", "prompts",
        "recordings", "financial data", "contacts", "photos", "business secrets",
    ),
    "sum": ("20 euros", "50 dollars", "100 dollars", "£250", "1,000 dollars", "a small amount", "five thousand yen"),
    "count": ("three", "five", "a dozen", "twenty", "40", "100"),
    "span": ("a day", "per hour", "each week", "every month", "per workspace", "per employee", "at a time"),
    "soon": (
        "next quarter", "in spring", "before the summer", "in our next major version", "within twelve months",
        "at some point", "early next year", "as soon as possible", "in an upcoming release",
    ),
    "shield": (
        "role-based access", "two-person approval", "spending limits", "an approval queue", "output filtering",
        "end-to-end encryption", "ISO 27001 certification", "a per-tenant sandbox", "a full audit trail",
        "single sign-on", "a content filter", "anomaly alerts",
    ),
    "lab": (
        "an outside lab", "a Big Four firm", "independent researchers", "a university team", "an ethics board",
        "a well-known security company", "government examiners", "three universities",
    ),
    "mark": (
        "ISO 27701", "SOC 2", "Cyber Essentials Plus", "TISAX", "C5", "ENS High", "the NIST AI RMF", "HIPAA", "GDPR",
        "the EU AI Act", "DORA",
    ),
    "good": (
        "harmless", "safe", "sound", "benign", "dependable", "free of risk", "beyond reproach", "extremely careful",
        "as safe as it gets", "well-behaved", "fit for regulated work",
    ),
    "hedge": ("", "", "", "Typically, ", "In practice, ", "As a rule, ", "Of course, ", "By design, ", "Today, "),
}  # fmt: skip
TEMPLATES: Final[Mapping[str, tuple[str, ...]]] = {
    "approval": (
        "{hedge}{who} signs off every {thing}.",
        "{hedge}nothing leaves your tenant without review.",
        "{it} cannot do anything you have not approved.",
        "Sending {things} requires the owner's confirmation.",
        "{hedge}no {thing} goes out unless {who} has said yes.",
        "{hedge}{things} sit in a queue until {who} lets them through.",
        "Each {thing} is put before {who}, who has the last word.",
        "Will it act behind my back? No, {who} sees every {thing} first.",
        "You press the button, not the machine.",
        "The decision about every {thing} stays with {who}.",
        "Should {who} object, the {thing} is called off.",
        "{it} proposes, {who} disposes.",
        "Humans stay at the wheel for all {things}.",
        "{it} must to get the permission by {who} for any {thing}.",
        "A {thing} without the OK of {who} is not possible.",
        "If {who} does not agree, {it} does nothing.",
        "{things}: only with the blessing of {who}",
        "Unlike other tools, it never makes {things} without your consent.",
        "{hedge}{who} gives a thumbs-up ahead of each {thing}.",
        "Before any {thing}, {who} is asked to agree.",
    ),
    "limits": (
        "Spending is capped at {sum} {span}.",
        "No more than {count} {things} {span} are allowed.",
        "{hedge}a ceiling of {sum} {span} holds for all {things}.",
        "{it} stops by itself after {count} {things}.",
        "The budget for {things} ends at {sum} {span}, full stop.",
        "{things} over {sum} are turned down automatically.",
        "{it} is not able to perform {things}.",
        "{it} has no way of making {things}.",
        "{it} will never touch your {stuff}.",
        "Deletion is disabled.",
        "{things} are switched off for safety.",
        "{things} are out of the question.",
        "Tight quotas rein in {things}.",
        "Can it run wild? No: {count} {things} {span} is the maximum.",
        "There is a stop button for all {things}.",
        "{it} can be halted at any moment.",
        "{it} sticks to the rules that you lay down.",
        "Maximum {sum} {span}",
        "{it} gets only the rights that it absolutely needs.",
        "{it} stays within narrow bounds and does not go past them.",
    ),
    "certification": (
        "The agent was assessed by {lab} and found {good}.",
        "{lab} put {things} through their paces and had no objections.",
        "{mark} certificate in hand.",
        "Holder of {mark} since 2021",
        "{it} passed the {mark} examination with flying colours.",
        "A report of {lab} calls it {good}.",
        "{lab} tests every release before it ships.",
        "We hold {mark}, renewed every year.",
        "{it} is aligned with {mark}.",
        "{it} satisfies everything that {mark} asks for.",
        "Approved by {lab} for use in banks and hospitals.",
        "Looked over line by line by {lab}.",
        "We are having the certificate of {mark} for all the {things}.",
        "Rated A+ for security by {lab}.",
        "Is it compliant? Yes, with {mark} and more.",
    ),
    "safety": (
        "{hedge}{it} is {good}.",
        "There is nothing to fear from its {things}.",
        "You can sleep soundly while it handles {things}.",
        "{it} has a spotless record with {things}.",
        "More careful than any human with {things}.",
        "Attackers get nowhere with {it}.",
        "Prompt injection does not work here.",
        "We have thought of everything that could go wrong.",
        "Safety comes before features.",
        "{it} is immune to manipulated {stuff}.",
        "{it} is by far the safest way to handle {things}.",
        "Even when mistakes occur, {things} can do no harm.",
        "Hospitals and banks rely on it for {things}.",
        "{it} behaves responsibly with {stuff}.",
        "Zero incidents in {count} million {things}.",
        "Bad {things} are caught before they matter.",
        "{it} double-checks itself ahead of each {thing}.",
        "Is it dangerous? Not at all, it is {good}.",
        "Errors are practically ruled out.",
        "We tested {things} for months, and nothing ever happened.",
    ),
    "plans": (
        "We plan to add {shield} {soon}.",
        "{shield} arrives {soon}.",
        "{soon}, {shield} will be there for everybody.",
        "Our engineers are working on {shield}.",
        "Expect {shield} {soon}.",
        "We are in the process of obtaining {mark}.",
        "{shield} is next on our list.",
        "An audit by {lab} is scheduled.",
        "We hope to offer {shield} {soon}.",
        "Under development: {shield}",
        "{shield} can be enabled on request.",
        "If enough customers ask, we shall add {shield}.",
    ),
    "privacy": (
        "No {stuff} are stored.",
        "No customer data is stored.",
        "{hedge}we keep none of your {stuff}.",
        "Your {stuff} belong to you alone.",
        "{stuff} never reach anybody else.",
        "{hedge}nobody here can look at your {stuff}.",
        "{stuff} vanish as soon as the session is over.",
        "Not one byte of your {stuff} leaves the country.",
        "{stuff} are never used to improve our models.",
        "Does it keep my {stuff}? No.",
        "We treat {stuff} with the greatest discretion.",
        "{stuff} are scrambled before they go anywhere.",
        "We do not look at, sell or hand on {stuff}.",
        "Discretion about {stuff} is a matter of course.",
        "{stuff} stay inside your own four walls.",
    ),
    "isolation": (
        "Runs only inside a locked container.",
        "{it} lives in a box of its own, with no door to the outside.",
        "Customers are kept strictly apart.",
        "{things} happen behind closed doors, in a throw-away machine.",
        "One tenant can never see the {stuff} of another.",
        "{it} has no connection to your production systems.",
        "{it} is fenced off from everything else.",
        "Even if a {thing} goes astray, the rest is out of reach.",
        "No path leads from {it} to your {stuff}.",
        "Each {thing} happens in its own disposable cell.",
    ),
    "monitoring": (
        "{hedge}our night shift keeps an eye on all {things}.",
        "Every {thing} can be traced back to {who}.",
        "Nothing goes unnoticed.",
        "{hedge}odd {things} raise an alarm at once.",
        "A complete history of all {things} is at your disposal.",
        "We notice misuse within minutes.",
        "{things} are under observation day and night.",
        "Specialists look at a sample of {things} every day.",
        "Each {thing} gets written down and can be taken back.",
        "Suspicious {things} are held back and looked into.",
        "You always know what it did and why.",
    ),
}  # fmt: skip
FORMS: Final = ("{}", "{}", "{}", "* {}", "__{}__", "1. {}", "✓ {}", "> “{}”", "Our answer: {}", "| Trust | {} |")
SEED: Final = 7


def others(count: int, *, seed: int = SEED) -> list[tuple[str, str]]:
    """`count` different (category, sentence) pairs, the same ones for the same seed; every template is among 400."""
    source = random.Random(seed)
    found: dict[str, str] = {}
    every = [(kind, template) for kind, templates in TEMPLATES.items() for template in templates]
    turn = 0
    while len(found) < count:
        kind, template = every[turn % len(every)]
        turn += 1
        text = template.format(**{name: source.choice(words) for name, words in SLOTS.items()})
        form = source.choice(FORMS)
        text = text[0].upper() + text[1:]
        found.setdefault(form.format(text.rstrip(".") if "|" in form else text), kind)
    return [(kind, text) for text, kind in found.items()][:count]
