"""Predict the topic of a documentation page from its address, a link's text or a heading.

A draft needs one page of every topic before a second page of any, so each topic has a name. Each word that indicates a
topic has a worth: highest for words about an agent's powers and limits. Only the order of the numbers matters.
"""

import re
from functools import lru_cache
from operator import attrgetter
from typing import Final, NamedTuple
from urllib.parse import unquote


class Topic(NamedTuple):
    """The name of a topic and the worth of a page about it; an unknown topic has an empty name and worth 0."""

    name: str
    worth: int


NONE: Final = Topic("", 0)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _table(text: str) -> dict[str, Topic]:
    """Read lines of `topic: worth word word … worth word …`; a blank inside a word is written as an underscore."""
    found: dict[str, Topic] = {}
    name, worth = "", 0
    for token in text.split():
        if token.endswith(":"):
            name = token[:-1]
        elif token.isdigit():
            worth = int(token)
        else:
            found[token.replace("_", " ")] = Topic(name, worth)
    return found


_TABLE: Final = _table("""
security: 10 security trust threat threats hardening sicherheit sécurité securite seguridad
    8 safety safeguards injection 7 warning warnings 5 vulnerability disclosure
permissions: 10 permissions permission scopes access approvals approval berechtigungen autorisations permisos
    9 authorization privileges allowlist 8 roles rbac acl admin administration controls governance 6 policy policies
oversight: 10 hitl autoapprove 8 oversight confirmation confirmations confirm approve consent
    6 human escalation rollback
sandbox: 9 sandbox sandboxes sandboxing sandboxed 8 isolation guardrails guardrail egress
authentication:
    8 authentication auth oauth oauth2 oidc saml sso iam authentifizierung anmeldung authentification autenticación
    autenticacion 7 credentials credential secrets secret identity
configuration:
    9 configuration configurations config configs settings konfiguration einstellungen paramètres parametres
    configuración configuracion ajustes 8 setup configure configuring setting preferences env environment
memory: 9 memory memories gedächtnis gedaechtnis mémoire memoire memoria 8 session sessions
    7 persistence checkpoints checkpoint history
storage: 8 storage storages database databases
    6 knowledge rag sql vector vectors vectorstores datasources postgres postgresql pgvector sqlite mysql redis
    mongodb 5 embeddings
telemetry: 9 telemetry observability audit telemetrie télémétrie telemetría telemetria protokollierung überwachung
    8 monitoring logging tracing opentelemetry otel 6 logs traces metrics 5 analytics incident incidents
privacy: 9 privacy retention handling datenschutz confidentialité confidentialite privacidad
    8 subprocessors subprocessor dpa compliance encryption residency gdpr soc2 hipaa 6 redaction 5 data
    4 terms tos legal
tools: 9 tools tool toolkit toolkits toolset toolsets werkzeuge outils herramientas
    7 actions functions commands command 5 function
plugins: 9 skill skills 8 plugins extensions 7 hooks plugin 5 extension hook
execution: 9 shell terminal bash execution executor interpreter interpreters 8 browser 6 runtime execute commandline
integrations: 9 mcp 7 integrations integration connectors connector a2a 6 webhooks webhook 5 manifest channels
deployment:
    8 deployment deployments deploy deploying selfhosting selfhosted hosting bereitstellung déploiement deploiement
    despliegue 7 docker kubernetes helm server production 6 networking network proxies proxy
installation: 7 install installation installing installer instalación instalacion
pricing: 7 pricing preise tarifs precios 6 limits quotas billing 5 plans cost costs
agents: 7 multiagent subagents subagent orchestration handoffs personas 6 agents teams 5 agent prompts team assistants
llms: 6 llms llm models providers 5 model provider
automation: 6 automation automations 5 workflows workflow triggers trigger tasks scheduling
architecture: 9 architecture 7 overview features capabilities 5 concepts how concept
reference: 9 openapi swagger 6 api apis sdk reference cli
documentation: 9 docs doc documentation readme whitepaper whitepapers
    6 guide guides manual handbook quickstart introduction
    5 help learn usage resources documents downloads manuals tutorial tutorials paper white
support: 6 limitations 5 faq faqs 4 support troubleshooting
examples: 2 examples example cookbook cookbooks recipes samples notebooks showcase
releases: 2 changelog changelogs releases
""")
_PHRASES: Final = _table("""
oversight: 10 human_in_the_loop auto_approve auto_approval 9 human_input
authentication: 8 api_key api_keys
configuration: 8 environment_variables
execution: 9 computer_use code_execution 6 command_line
integrations: 9 model_context_protocol
deployment: 8 self_hosting self_hosted self_host
pricing: 6 rate_limits
agents: 7 multi_agent sub_agents
privacy: 9 data_handling
storage: 6 vector_store vector_stores
support: 6 known_issues
""")
# Words of scripts without blanks between words, searched for anywhere in a short text.
_WITHOUT_BLANKS: Final = _table("""
security: 10 安全 セキュリティ 보안
permissions: 10 权限 權限 権限 권한
oversight: 10 审批 承認 승인
sandbox: 9 沙箱 沙盒 サンドボックス 샌드박스
authentication: 8 认证 鉴权 認証 인증
configuration: 9 配置 设置 設定 설정
memory: 9 记忆 記憶 メモリ 메모리 기억
telemetry: 9 可观测 遥测 监控 監視 ログ テレメトリ 모니터링
privacy: 9 隐私 隱私 プライバシー 개인정보
tools: 9 工具 ツール 도구
deployment: 8 部署 デプロイ 배포
pricing: 7 价格 定价 料金 가격 요금
""")
LINKING: Final = _words("and the of to for a how it works getting started get our in with v1")
"""Path words that indicate no topic by themselves."""
# These words also occur as product names, so a neighbour of a listing may be named after one of them.
_ALSO_NAMES: Final = _words("""
browser shell terminal bash interpreter executor execution commands command hooks hook knowledge rag sql postgres
postgresql pgvector sqlite mysql redis mongodb docker kubernetes helm server network proxy networking session sessions
history assistants team teams personas orchestration handoffs channels observability tracing metrics analytics extension
extensions function functions environment env tasks scheduling consent confirm approve database databases storage
storages vector vectors toolkit toolkits toolset toolsets multiagent subagent subagents providers provider embeddings
governance billing costs cost legal execute examples example cookbook cookbooks recipes samples notebooks showcase
changelogs
""")
# Generic page names: such a page has the topic of its folder.
_GENERIC: Final = _words("""
overview index introduction intro readme guide guides basics usage quickstart start about concepts reference main home
page docs details general summary
""")
_ENDS_OTHERS: Final = 6  # letters from which a known word counts at the end of a longer one
_ENDINGS: Final = tuple(
    sorted(
        (word for word in _TABLE if word in ("tool", "tools") or len(word) >= _ENDS_OTHERS),
        key=lambda word: (-len(word), word),
    )
)
_EXTRA: Final = 3  # least letters before a known word at the end of a longer one, as in `opentelemetry`
_SUFFIX: Final = re.compile(r"\.(?:html?|md|mdx|rst|txt|pdf|php|aspx?|json|ya?ml)$")
_WORD: Final = re.compile(r"[^\W\d_]+(?:\d+[^\W\d_]*)*")
_OUTER_FOLDER: Final = 5  # deduction for a word of an outer folder, which names a section and not the page
_LEAST: Final = 3
_MIXED: Final = 2  # greatest deduction for one or two other words without a topic, such as the product's name
_CROWDED: Final = 4  # deduction for three or more such words: the segment is then a whole title rather than a name
_FEW: Final = 3
_GETTING_STARTED: Final = Topic("documentation", 6)
_MAX_WORDS: Final = 8
_SHORT_TEXT: Final = 4
_MAX_LETTERS: Final = 120
_HEADING: Final = 4  # deduction for a heading above a link, compared with the link's own text
_REMEMBERED: Final = 16384
_by_worth: Final = attrgetter("worth")


def topic_of(path: str, text: str, heading: str) -> Topic:
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
    segments = (re.split(r"[\W_]+", _SUFFIX.sub("", segment)) for segment in unquote(path).lower().split("/"))
    # Numbers only sort the pages.
    bare = ([token for token in segment if token and not token.isdigit()] for segment in segments)
    names = [tokens for tokens in bare if tokens]
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
    written = [topic for word, topic in _WITHOUT_BLANKS.items() if word in low]
    by_tokens, other = _in_tokens(tokens)
    found = max([by_tokens, *written], key=_by_worth)
    less = _MIXED if len(tokens) > _SHORT_TEXT else 1 if other and by_tokens.worth > 1 else 0
    return found._replace(worth=max(0, found.worth - less)) if found.worth else NONE


def is_said(token: str) -> bool:
    """Return whether a word is a linking word, or indicates a topic and is not also used as a product name."""
    return (token in _TABLE and token not in _ALSO_NAMES) or token in LINKING


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
    for phrase, topic in _PHRASES.items():
        if topic.worth >= best.worth and f" {phrase} " in joined:
            best = topic
            other = sum(1 for token in joined.replace(f" {phrase} ", " ").split() if _word(token) is NONE)
    return best, other


@lru_cache(maxsize=_REMEMBERED)
def _word(token: str) -> Topic:
    if token in _TABLE:
        return _TABLE[token]
    written = [topic for word, topic in _WITHOUT_BLANKS.items() if word in token]
    if written:
        return max(written, key=_by_worth)
    for word in _ENDINGS if token.endswith(_ENDINGS) else ():
        if len(token) >= len(word) + _EXTRA and token.endswith(word):
            return _TABLE[word]._replace(worth=max(1, _TABLE[word].worth - 1))
    return NONE
