"""Predict the topic of a documentation page from its address, a link's text or a heading.

A draft needs one page of every topic before a second page of any, so each topic has a name. Each word that indicates a
topic has a worth: highest for words about an agent's powers and limits. Only the order of the numbers matters.
"""

import re
from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import unquote


class Topic(NamedTuple):
    """The name of a topic and the worth of a page about it; an unknown topic has an empty name and worth 0."""

    name: str
    worth: int


NONE: Final = Topic("", 0)
LINKING: Final = frozenset(
    {"and", "the", "of", "to", "for", "a", "how", "it", "works", "getting", "started", "get", "our", "in", "with", "v1"}
)
"""Path words that indicate no topic by themselves."""

_NAMED: Final[dict[str, tuple[tuple[int, str], ...]]] = {
    "security": (
        (10, "security trust threat threats hardening"),
        (8, "safety safeguards injection"),
        (7, "warning warnings"),
        (5, "vulnerability disclosure"),
        (10, "sicherheit sécurité securite seguridad"),
    ),
    "permissions": (
        (10, "permissions permission scopes access approvals approval"),
        (9, "authorization privileges allowlist"),
        (8, "roles rbac acl admin administration controls governance"),
        (6, "policy policies"),
        (10, "berechtigungen autorisations permisos"),
    ),
    "oversight": (
        (10, "hitl autoapprove"),
        (8, "oversight confirmation confirmations confirm approve consent"),
        (6, "human escalation rollback"),
    ),
    "sandbox": ((9, "sandbox sandboxes sandboxing sandboxed"), (8, "isolation guardrails guardrail egress")),
    "authentication": (
        (8, "authentication auth oauth oauth2 oidc saml sso iam"),
        (7, "credentials credential secrets secret identity"),
        (8, "authentifizierung anmeldung authentification autenticación autenticacion"),
    ),
    "configuration": (
        (9, "configuration configurations config configs settings"),
        (8, "setup configure configuring setting preferences env environment"),
        (9, "konfiguration einstellungen paramètres parametres configuración configuracion ajustes"),
    ),
    "memory": (
        (9, "memory memories"),
        (8, "session sessions"),
        (7, "persistence checkpoints checkpoint history"),
        (9, "gedächtnis gedaechtnis mémoire memoire memoria"),
    ),
    "storage": (
        (8, "storage storages database databases"),
        (6, "knowledge rag sql vector vectors vectorstores datasources"),
        (6, "postgres postgresql pgvector sqlite mysql redis mongodb"),
        (5, "embeddings"),
    ),
    "telemetry": (
        (9, "telemetry observability audit"),
        (8, "monitoring logging tracing opentelemetry otel"),
        (6, "logs traces metrics"),
        (5, "analytics incident incidents"),
        (9, "telemetrie télémétrie telemetría telemetria protokollierung überwachung"),
    ),
    "privacy": (
        (9, "privacy retention handling"),
        (8, "subprocessors subprocessor dpa compliance encryption residency gdpr soc2 hipaa"),
        (6, "redaction"),
        (5, "data"),
        (4, "terms tos legal"),
        (9, "datenschutz confidentialité confidentialite privacidad"),
    ),
    "tools": (
        (9, "tools tool toolkit toolkits toolset toolsets"),
        (7, "actions functions commands command"),
        (5, "function"),
        (9, "werkzeuge outils herramientas"),
    ),
    "plugins": ((9, "skill skills"), (8, "plugins extensions"), (7, "hooks plugin"), (5, "extension hook")),
    "execution": (
        (9, "shell terminal bash execution executor interpreter interpreters"),
        (8, "browser"),
        (6, "runtime execute commandline"),
    ),
    "integrations": (
        (9, "mcp"),
        (7, "integrations integration connectors connector a2a"),
        (6, "webhooks webhook"),
        (5, "manifest channels"),
    ),
    "deployment": (
        (8, "deployment deployments deploy deploying selfhosting selfhosted hosting"),
        (7, "docker kubernetes helm server production"),
        (6, "networking network proxies proxy"),
        (8, "bereitstellung déploiement deploiement despliegue"),
    ),
    "installation": ((7, "install installation installing installer instalación instalacion"),),
    "pricing": (
        (7, "pricing"),
        (6, "limits quotas billing"),
        (5, "plans cost costs"),
        (7, "preise tarifs precios"),
    ),
    "agents": (
        (7, "multiagent subagents subagent orchestration handoffs personas"),
        (6, "agents teams"),
        (5, "agent prompts team assistants"),
    ),
    "llms": ((6, "llms llm models providers"), (5, "model provider")),
    "automation": ((6, "automation automations"), (5, "workflows workflow triggers trigger tasks scheduling")),
    "architecture": ((9, "architecture"), (7, "overview features capabilities"), (5, "concepts how concept")),
    "reference": ((9, "openapi swagger"), (6, "api apis sdk reference cli")),
    "documentation": (
        (9, "docs doc documentation readme whitepaper whitepapers"),
        (6, "guide guides manual handbook quickstart introduction"),
        (5, "help learn usage resources documents downloads manuals tutorial tutorials paper white"),
    ),
    "support": ((6, "limitations"), (5, "faq faqs"), (4, "support troubleshooting")),
    "examples": ((2, "examples example cookbook cookbooks recipes samples notebooks showcase"),),
    "releases": ((2, "changelog changelogs releases"),),
}
_PHRASES: Final[dict[str, tuple[str, int]]] = {
    "human in the loop": ("oversight", 10),
    "human input": ("oversight", 9),
    "auto approve": ("oversight", 10),
    "auto approval": ("oversight", 10),
    "api key": ("authentication", 8),
    "api keys": ("authentication", 8),
    "environment variables": ("configuration", 8),
    "computer use": ("execution", 9),
    "code execution": ("execution", 9),
    "command line": ("execution", 6),
    "model context protocol": ("integrations", 9),
    "self hosting": ("deployment", 8),
    "self hosted": ("deployment", 8),
    "self host": ("deployment", 8),
    "rate limits": ("pricing", 6),
    "multi agent": ("agents", 7),
    "sub agents": ("agents", 7),
    "data handling": ("privacy", 9),
    "vector store": ("storage", 6),
    "vector stores": ("storage", 6),
    "known issues": ("support", 6),
}
_WITHOUT_BLANKS: Final[dict[str, tuple[str, int]]] = {
    **dict.fromkeys(("安全", "セキュリティ", "보안"), ("security", 10)),
    **dict.fromkeys(("权限", "權限", "権限", "권한"), ("permissions", 10)),
    **dict.fromkeys(("审批", "承認", "승인"), ("oversight", 10)),
    **dict.fromkeys(("沙箱", "沙盒", "サンドボックス", "샌드박스"), ("sandbox", 9)),
    **dict.fromkeys(("认证", "鉴权", "認証", "인증"), ("authentication", 8)),
    **dict.fromkeys(("配置", "设置", "設定", "설정"), ("configuration", 9)),
    **dict.fromkeys(("记忆", "記憶", "メモリ", "메모리", "기억"), ("memory", 9)),
    **dict.fromkeys(("可观测", "遥测", "监控", "監視", "ログ", "テレメトリ", "모니터링"), ("telemetry", 9)),
    **dict.fromkeys(("隐私", "隱私", "プライバシー", "개인정보"), ("privacy", 9)),
    **dict.fromkeys(("工具", "ツール", "도구"), ("tools", 9)),
    **dict.fromkeys(("部署", "デプロイ", "배포"), ("deployment", 8)),
    **dict.fromkeys(("价格", "定价", "料金", "가격", "요금"), ("pricing", 7)),
}
"""Words of scripts without blanks between words, searched for anywhere in a short text."""
# These words also occur as product names, so a neighbour of a listing may be named after one of them.
_ALSO_NAMES: Final = frozenset(
    re.findall(
        r"\w+",
        """
        browser shell terminal bash interpreter executor execution commands command hooks hook knowledge rag
        sql postgres postgresql pgvector sqlite mysql redis mongodb docker kubernetes helm server network
        proxy networking session sessions history assistants team teams personas orchestration handoffs
        channels observability tracing metrics analytics extension extensions function functions environment
        env tasks scheduling consent confirm approve database databases storage storages vector vectors
        toolkit toolkits toolset toolsets multiagent subagent subagents providers provider embeddings
        governance billing costs cost legal execute examples example cookbook cookbooks recipes samples
        notebooks showcase changelogs
        """,
    )
)
_TABLE: Final[dict[str, Topic]] = {
    word: Topic(name, worth) for name, rows in _NAMED.items() for worth, words in rows for word in words.split()
}
_ENDINGS: Final = tuple(
    sorted(
        (word for word in _TABLE if word in ("tool", "tools") or len(word) > 5),  # noqa: PLR2004  (shorter ones end others)
        key=lambda word: (-len(word), word),
    )
)
_EXTRA: Final = 3
"""Minimum number of letters before a known word at the end of a longer one, as in `opentelemetry`."""
# Generic page names: such a page has the topic of its folder.
_GENERIC: Final = frozenset(
    {
        *("overview", "index", "introduction", "intro", "readme", "guide", "guides", "basics", "usage", "quickstart"),
        *("start", "about", "concepts", "reference", "main", "home", "page", "docs", "details", "general", "summary"),
    }
)
_SUFFIX: Final = re.compile(r"\.(?:html?|md|mdx|rst|txt|pdf|php|aspx?|json|ya?ml)$")
_WORD: Final = re.compile(r"[^\W\d_]+(?:\d+[^\W\d_]*)*")
_OUTER_FOLDER: Final = 5
"""Deduction for a word of an outer folder, which names a section and not the page."""
_LEAST: Final = 3
_MIXED: Final = 2
"""Maximum deduction for one or two other words without a topic, such as the product's name."""
_CROWDED: Final = 4
"""Deduction for three or more such words, because the segment is then a whole title rather than a name."""
_FEW: Final = 3
_GETTING_STARTED: Final = Topic("documentation", 6)
_MAX_WORDS: Final = 8
_SHORT_TEXT: Final = 4
_MAX_LETTERS: Final = 120
_HEADING: Final = 4
"""Deduction for a heading above a link, compared with the link's own text."""
_REMEMBERED: Final = 16384


def topic_of(path: str, text: str = "", heading: str = "") -> Topic:
    """Predict what a page is about from its path, the text of the link to it and the heading above that link."""
    words = NONE if all(word in _GENERIC for word in _WORD.findall(text.lower()[:_MAX_LETTERS])) else of_words(text)
    found = max(of_path(path), words, key=_by_worth)
    above = of_words(heading)
    if above.name == _GETTING_STARTED.name:
        return found
    if not found.worth or found.worth <= above.worth - _HEADING:
        return Topic(above.name, above.worth - _HEADING) if above.worth > _HEADING else found
    return found


@lru_cache(maxsize=_REMEMBERED)
def of_path(path: str) -> Topic:
    """Return the topic of the best segment of a path; other words in that segment lower its worth."""
    best = NONE
    segments = [segment for segment in unquote(path).lower().split("/") if segment]
    names = [tokens for segment in segments if (tokens := _tokens(segment))]
    general = bool(names) and all(token in _GENERIC or token in LINKING for token in names[-1])
    for place, tokens in enumerate(names):
        found, other = _in_tokens(tokens)
        last = place == len(names) - 1
        # The last segment names the page; an outer one only names its section, unless the page's own name is generic.
        named = last or (general and place == len(names) - 2)
        if found.worth and other:
            least = min(other, _MIXED) if other < _FEW else _CROWDED
            found = found._replace(worth=max(1, found.worth - least)) if named else NONE
        if not other and {"started", "works"} & set(tokens) and found.worth < _GETTING_STARTED.worth:
            found = _GETTING_STARTED
        if found.worth and not named:
            found = found._replace(worth=max(min(_LEAST, found.worth), found.worth - _OUTER_FOLDER))
            best = NONE if best.name == _GETTING_STARTED.name else best
        if found.worth and (found.worth > best.worth or (last and not general and found.worth == best.worth)):
            best = found
    return best


@lru_cache(maxsize=_REMEMBERED)
def of_words(text: str) -> Topic:
    """Return the topic indicated by a link's text or a heading; no topic for a long text."""
    low = text.lower()[:_MAX_LETTERS]
    tokens = _WORD.findall(low)
    if not 0 < len(tokens) <= _MAX_WORDS:
        return NONE
    written = [Topic(*found) for word, found in _WITHOUT_BLANKS.items() if word in low]
    by_tokens, other = _in_tokens(tokens)
    found = max([by_tokens, *written], key=_by_worth)
    less = _MIXED if len(tokens) > _SHORT_TEXT else 1 if other and by_tokens.worth > 1 else 0
    return found._replace(worth=max(0, found.worth - less)) if found.worth else NONE


def is_said(token: str) -> bool:
    """Return whether a word is a linking word, or indicates a topic and is not also used as a product name."""
    return (token in _TABLE and token not in _ALSO_NAMES) or token in LINKING


def _by_worth(topic: Topic) -> int:
    return topic.worth


def _tokens(segment: str) -> list[str]:
    """Return the words of a path segment without numbers, which only sort the pages."""
    tokens = [token for token in re.split(r"[\W_]+", _SUFFIX.sub("", segment)) if token]
    return [token for token in tokens if not token.isdigit()]


def _in_tokens(tokens: list[str]) -> tuple[Topic, int]:
    """Return the best topic indicated by a word or phrase, and how many words indicate none.

    Among equally good words the last one counts, which in most names is the noun.
    """
    best = NONE
    for token in tokens:
        found = _word(token)
        best = found if found.worth and found.worth >= best.worth else best
    other = sum(1 for token in tokens if _word(token) is NONE and token not in LINKING)
    joined = f" {' '.join(tokens)} "
    for phrase, (name, worth) in _PHRASES.items():
        if worth >= best.worth and f" {phrase} " in joined:
            best = Topic(name, worth)
            other = sum(1 for token in joined.replace(f" {phrase} ", " ").split() if _word(token) is NONE)
    return best, other


@lru_cache(maxsize=_REMEMBERED)
def _word(token: str) -> Topic:
    if token in _TABLE:
        return _TABLE[token]
    written = [Topic(*found) for word, found in _WITHOUT_BLANKS.items() if word in token]
    if written:
        return max(written, key=_by_worth)
    for word in _ENDINGS if token.endswith(_ENDINGS) else ():
        if len(token) >= len(word) + _EXTRA and token.endswith(word):
            return _TABLE[word]._replace(worth=max(1, _TABLE[word].worth - 1))
    return NONE
