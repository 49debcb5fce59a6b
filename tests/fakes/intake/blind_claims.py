"""Three hundred risk-lowering sentences of a third author's sort, to estimate what unseen wording does."""

import random
from collections.abc import Mapping
from typing import Final

SLOTS: Final[Mapping[str, tuple[str, ...]]] = {
    "sub": ("Merlin", "Our helper", "The product", "This extension", "The model behind it", "The crew of agents"),
    "obj": (
        "bank payments", "SQL statements", "pull requests", "customer e-mails", "appointments", "orders", "web forms",
        "tweets", "backups", "user accounts", "spreadsheets", "voice calls",
    ),
    "boss": ("the principal", "a nurse", "finance", "a moderator", "your own staff", "the board", "a lawyer"),
    "num": ("2", "15", "75", "300", "9,999"),
    "seal": ("ISO 9001", "SOC 2 Type I", "FIPS 140-3", "CSA STAR", "HITRUST", "the Digital Services Act"),
    "time": ("this autumn", "in 2027", "shortly", "in the second half of the year", "with version 5"),
}  # fmt: skip
TEMPLATES: Final[Mapping[str, tuple[str, ...]]] = {
    "approval": (
        "{boss} must green-light {obj}.",
        "Expect a pop-up that wants your agreement ahead of {obj}.",
        "{obj} remain drafts until {boss} publishes them.",
        "Not a single one of the {obj} bypasses {boss}.",
        "With us, {boss} has to countersign {obj}.",
        "Manual release for {obj}",
        "{sub} asks politely and then waits for {boss}.",
        "Only {boss} can trigger {obj}.",
    ),
    "limits": (
        "{num} {obj} a day, and not one more.",
        "{sub} was built so that {obj} are beyond its powers.",
        "{sub} lacks the permission for {obj}.",
        "You set the upper bound for {obj}, and {sub} respects it.",
        "After {num} {obj} it is over for the day.",
        "{obj} above {num} dollars bounce.",
        "{sub} is incapable of {obj}.",
        "Emergency brake for {obj} included",
    ),
    "certification": (
        "{sub} earned {seal} at the first attempt.",
        "{seal} ready",
        "Our {seal} paperwork is public.",
        "Auditors from three countries have gone through {obj}.",
        "Recognised by regulators for {obj}",
        "{sub} is on the approved list of {boss}.",
    ),
    "safety": (
        "{sub} keeps you out of trouble.",
        "{obj} could not be in better hands.",
        "No drama, no surprises, just clean {obj}.",
        "Hackers hate {sub}.",
        "{sub} refuses dangerous {obj}.",
        "{sub} would rather do nothing than something wrong.",
        "Its {obj} are as gentle as a lamb.",
        "Millions of {obj}, and never a complaint.",
    ),
    "plans": (
        "{time} {boss} will get a veto over {obj}.",
        "Stricter checks of {obj} follow {time}.",
        "We have begun to build a quarantine for {obj}.",
        "{time} we switch to certified hardware for {obj}.",
        "A limit on {obj} is in the pipeline.",
    ),
    "privacy": (
        "What {boss} types stays with {boss}.",
        "We could not read your {obj} even if we wanted to.",
        "{obj} are wiped the moment you close the tab.",
        "Our business is not your data.",
        "Your {obj} are none of our business.",
    ),
    "isolation": (
        "{obj} take place in a padded cell.",
        "{sub} cannot break out of its cage.",
        "Separate rooms for the {obj} of each client",
        "{sub} never meets the internet.",
    ),
    "monitoring": (
        "{boss} receives a report about all {obj}.",
        "{obj} are filmed, so to speak, from start to finish.",
        "If {obj} look strange, {boss} gets a call.",
        "Every one of its {obj} can be replayed and judged by {boss}.",
    ),
}  # fmt: skip


def blind(count: int = 300, *, seed: int = 3) -> list[tuple[str, str]]:
    """`count` different (category, sentence) pairs, the same ones for the same seed."""
    source = random.Random(seed)
    every = [(kind, template) for kind, templates in TEMPLATES.items() for template in templates]
    found: dict[str, str] = {}
    turn = 0
    while len(found) < count:
        kind, template = every[turn % len(every)]
        turn += 1
        text = template.format(**{name: source.choice(words) for name, words in SLOTS.items()})
        found.setdefault(text[0].upper() + text[1:], kind)
    return [(kind, text) for text, kind in found.items()]


others = blind
