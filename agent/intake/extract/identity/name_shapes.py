"""Judges the form of product names: removes decorations, splits titles, recognises section words and slogans.

This distinguishes headings that name something from other headings. The word lists are in lower case; text compared
with them is folded by `str.casefold` only, which keeps accents.
"""

import re
import unicodedata
from typing import Final

_ENGLISH: Final = """
    about abstract acknowledgement acknowledgements acknowledgment acknowledgments advanced agenda announcement
    announcements api apis approach architecture articles authentication author authors available awards background
    badges basic basics benchmark benchmarks benefits bibtex blog bugs build building capabilities capability
    caution changelog changes citation citations cite citing cli command commands common community compatibility
    comparison components concept concepts configuration config configure configuring contact content contents
    contribute contributing contribution contributions contributor contributors cookbook core credits current
    customization debugging demo demos demonstration dependencies deploy deploying deployment deprecated deprecation
    description design detailed details develop developer developers development disclaimer doc docs documentation
    download downloads easy ecosystem environment error events evaluation example examples experiments explanation
    faq faqs feature features feedback file files frequently asked first follow format functionality functions further
    future gallery general get getting give glance goals going guide guides help highlights hello here history home how
    important improvements index indices info information inputs install installation installing instruction
    instructions integration integrations interface intro introducing introduction issue issues join key known
    language languages latest launch learn learning legal library licence license licenses licensing limitations
    link links list live local logs main maintainers maintenance manual menu method methodology methods migration
    miscellaneous more motivation navigation new news next note notes notice notices online options
    other output outputs overview paper papers parameters partners performance philosophy playground plugins
    prebuilt preface preparation prerequisite prerequisites press preview pricing principles privacy problem project
    projects publication publications purpose quick quickstart readme recent recommended reference references related
    release releases repo repository requirement requirements resources results roadmap roadmaps run running
    sample samples screenshot screenshots script scripts search security see settings set setup showcase
    showcases skip source sponsor sponsors stars start started starter status step steps structure summary
    support supported supporters table tables team tech technical technology testimonials testing tests thanks
    tip tips todo todos toc tool tools toolset top topics translations troubleshooting tutorial tutorials tweets try
    uninstall update updates updating upgrade usage use used uses user users using variables version
    versions video videos warning warnings website welcome what when where whitepaper who why wiki workflow workflows
    works work world
"""
_STOP: Final = """
    a an and are as at by can do does for from have i in is it its me my of on or our that the their these this those
    to via we with you your s & + us
"""
_GERMAN: Final = """
    anforderungen anleitung architektur autor autoren befehle beispiel beispiele beitragen beschreibung danksagung
    dokumentation einführung einleitung einrichtung entwicklung erste funktionen funktionsweise funktionsumfang
    haftungsausschluss hauptfunktionen hinweis hinweise inhalt inhaltsverzeichnis installation konfiguration kontakt
    lizenz mitwirken nutzung projektstruktur schnellstart schritte sicherheit systemvoraussetzungen übersicht
    überblick unterstützung verwendung voraussetzungen vorschau was warum werkzeuge wichtig wie willkommen ziele zitat
    und der die das für mit von zum zur ein eine im in
"""
_FRENCH: Final = """
    à propos aperçu architecture auteur auteurs avertissement but caractéristiques clés commandes configuration contact
    contribuer contribution contributions démarrage démo démonstration dépannage description documentation
    exemple exemples fonctionnalités fonctionnement guide installation introduction licence matières objectif objectifs
    outils pourquoi prérequis présentation principales rapide remerciements sécurité sommaire structure table
    utilisation bienvenue comment ça marche le la les de des du et en pour un une notre l d
"""
_SPANISH: Final = """
    acerca agradecimientos arquitectura autor autores ayuda características principales cómo funciona comandos
    configuración contacto contenido contenidos contribuir contribuciones demo demostración descripción
    despliegue documentación ejemplo ejemplos empezar estructura funcionalidades funciones guía herramientas inicio
    instalación introducción licencia objetivo objetivos por qué rápida rápido requisitos resumen seguridad tabla uso
    índice versión actual vista previa bienvenido el la los las de del y en para un una nuestro
"""
SECTION_WORDS: Final = frozenset(f"{_ENGLISH} {_STOP} {_GERMAN} {_FRENCH} {_SPANISH}".split())
"""A heading consisting only of these words opens a section of a page and is not a name."""
STOP_WORDS: Final = frozenset(_STOP.split())

_WIDE: Final = """
    目录 特性 功能 功能特性 核心功能 主要功能 功能特点 特点 核心特性 主要特性 简介 介绍 项目介绍 项目简介 概述 概览
    背景 前言 说明 关于 快速开始 快速上手 快速入门 开始使用 安装 安装方法 安装步骤 安装说明 安装与使用 部署 使用
    使用方法 使用方式 使用说明 使用示例 使用教程 用法 配置 配置说明 环境要求 前置条件 系统要求 示例 演示 效果展示
    截图 文档 常见问题 更新日志 最新动态 更新 新闻 架构 技术栈 项目结构 目录结构 工具列表 工具 许可证 许可 贡献
    贡献指南 致谢 联系我们 联系方式 免责声明 注意事项 路线图 待办 社区 支持 命令 参数 开发 测试 安全 何时使用 目次
    機能 主な機能 特徴 特長 概要 はじめに 紹介 クイックスタート インストール インストール方法 セットアップ 使い方
    利用方法 使用例 例 デモ ドキュメント 設定 構成 要件 前提条件 動作環境 必要条件 アーキテクチャ ツール ツール一覧
    できること ライセンス 貢献 コントリビューション 謝辞 お問い合わせ よくある質問 ニュース 更新履歴 注意 開発
    テスト セキュリティ ロードマップ トラブルシューティング 目的 コマンド 목차 기능 주요기능 핵심기능 특징 소개 개요
    시작하기 빠른시작 설치 설치방법 사용법 사용방법 사용예시 예시 예제 데모 문서 설정 요구사항 사전요구사항 아키텍처
    도구 라이선스 기여 기여하기 감사의글 문의 자주묻는질문 뉴스 변경사항 주의사항 개발 테스트 보안 로드맵 문제해결
    명령어 구조 프로젝트구조 面板 目錄 安裝 簡介 特色 設定檔
"""
SECTIONS: Final = frozenset(_WIDE.split())
"""Section headings in scripts without blanks between words; compared after removing all blanks."""

_STARTS: Final = """
    accelerate add ask automate bring build chat connect control convert create deploy describe discover empower
    enable enhance ensure experience explore extract generate give harness integrate keep launch let lets make
    manage meet monitor never orchestrate power query run say scale ship simplify speed stop supercharge switch take
    talk teach track transform trusted turn unleash unlock use watch write empowering making bringing building
    turning connecting using transforming automating running your our we now imagine introducing trust save stay
    finally
"""
SLOGAN_STARTS: Final = frozenset(_STARTS.split())
"""First words of a line that addresses a reader rather than naming something."""
_INNER: Final = """
    your you our we us that which lets just only who whose any every everything
"""
INNER_SLOGAN: Final = frozenset(_INNER.split())
"""Words that are rare inside a name but common inside a slogan."""
_SMALL: Final = """
    de la el los las del y en para con por le les du des et pour un une von für und mit der die das
"""
SMALL_WORDS: Final = frozenset(_SMALL.split())
"""Articles and prepositions of other languages, which stay in lower case within names."""

_DESCRIBING: Final = """
    ai agent agents agentic multi-agent multiagent llm llms gpt chatgpt claude openai assistant assistants copilot
    chatbot bot bots framework frameworks platform platforms library toolkit sdk engine server servers service
    services system systems tool tools app application applications software solution solutions workflow workflows
    automation orchestration engineering engineer development developer developers coding code generative
    intelligence artificial open source open-source opensource free fast flexible lightweight powerful simple modern
    scalable secure production-ready self-hosted selfhosted low-level low-code no-code enterprise enterprise-grade
    level desktop browser cloud local model models context protocol mcp plugin plugins skill skills extension for
    and the of with in a an to your all one stateful autonomous intelligent smart universal next generation
    next-generation integration research real-time realtime interface project beta alpha v1 v2 v3 official
    repository implementation python typescript javascript node go rust java client clients demo template example
    examples starter api apis rest
"""
GENERIC: Final = frozenset(_DESCRIBING.split())
"""Words that describe what a product is; a line of such words alone is doubtful as a name until confirmed elsewhere."""

_TONGUES: Final = """
    english 中文 简体中文 繁體中文 繁体中文 日本語 한국어 deutsch español espanol français francais русский
    português portugues italiano türkçe العربية हिन्दी filipino vietnamese tiếng việt polski nederlands українська
    česky 简体 繁體 japanese korean chinese spanish french german russian portuguese en zh ja jp ko kr de es fr ru
    pt it cn zh-cn zh-tw pt-br 英文 英語 영어 indonesia עברית ไทย
"""
LANGUAGES: Final = frozenset(_TONGUES.split())
"""Names of languages as written in language switchers."""

_STEMS: Final = """
    readme listing index skill page home main default doc docs document documentation content text file untitled
    product about overview manifest plugin server package openapi swagger agent-card agent ai-plugin marketplace
    agents claude gemini copilot-instructions llms llms-full pyproject tools mcp a b c d e f x y z test tmp temp new
    download downloads md html introduction intro
"""
GENERIC_FILES: Final = frozenset(_STEMS.split())
"""File stems (names without suffix) that name no product."""
_FOLDERS: Final = """
    src source sources dist build out lib packages package apps app repo repos repository examples example site
    website www public static assets listings pages wiki master trunk latest stable en zh ja de fr es ko work data
    input inputs home user users desktop projects project code workspace var root tmpdir well-known claude-plugin
    cursor-plugin github skills plugins servers mcp-server mcp-servers server client core sdk api monorepo cli
    frontend backend
"""
GENERIC_FOLDERS: Final = GENERIC_FILES | frozenset(_FOLDERS.split())
"""Names of folders and repositories that are too generic to name a product by themselves."""

_COMMANDS: Final = """
    uv pip pipx npm pnpm yarn node nodejs python python3 git docker requirements.txt r e the mcp cli run install
    user global http https to from with for and in on x y typescript wheel setuptools poetry cargo go add
    create-react-app mcp-remote smithery inspector mcp-get claude gemini supergateway
"""
INSTALLERS: Final = frozenset(_COMMANDS.split())
"""Words that may follow an install command but are not a package of the product."""
MAX_NAME: Final = 80
"""Maximum length of a displayed name in characters."""
_MAX_TITLE: Final = 400
"""Maximum number of characters of a title that are examined."""
_MAX_WORDS: Final = 7
_MAX_WIDE: Final = 24
"""Maximum number of letters of a name in a script without blanks between words."""
_MIN_LANGUAGES: Final = 2
_SEPARATOR: Final = re.compile(
    r"\s+[-–—|·•:~»›>/]{1,2}\s+|\s*[—|｜：]\s*|:\s+|\s–\s?"
    r"|[,，]\s+(?=(?:an?|the|your|ein|eine|un|una|une|le|la|el)\s)"
)
_BRACKET: Final = re.compile(r"\s*[(\[（【][^()\[\]（）【】]{1,80}[)\]）】]\s*$")
_LEAD_BRACKET: Final = re.compile(r"^\s*[\[【][^\[\]【】]{1,40}[\]】]\s*")
_VERSION: Final = re.compile(
    r"\s+(?:v|ver\.?|version)?\s?\d{1,3}(?:\.\d{1,4}){1,3}\S{0,12}$|\s+v\d{1,3}$", re.IGNORECASE
)
_STAGE: Final = re.compile(r"\s+(?:alpha|beta|preview|community edition|\(?wip\)?)$", re.IGNORECASE)
_MEANS: Final = re.compile(
    r"\s+(?:using|powered by|built (?:with|on)|based on|made with|featuring)\s+\S.*$", re.IGNORECASE
)
_BY: Final = re.compile(r"(?<=\S) (?:by|from) (?:[A-Z0-9][\w.&'’-]*)(?: [A-Z0-9][\w.&'’-]*){0,3}$")
_VERSUS: Final = re.compile(r"\s+vs\.?\s+.*$", re.IGNORECASE)
_HOSTED: Final = re.compile(r"^(?:git ?hub|git ?lab)\s*[-–—:·]\s*", re.IGNORECASE)
_PATH: Final = re.compile(r"^@?[\w.-]{1,60}/([\w.-]{1,80})$")
_INTRODUCES: Final = re.compile(
    r"^(?:welcome to|welcome|about|introducing|introduction to|getting started with|get started with|meet|hello|hi|"
    r"what(?: is| are|['’]s)(?! new)|why(?: use)?|how to use|readme (?:for|of)|"
    r"documentation (?:for|of)|docs (?:for|of)|overview of|guide to|tools of|skill:|project:|name:|"
    r"willkommen (?:bei|zu)|was ist|über|bienvenue (?:sur|dans|à|chez)|qu['’]est[- ]ce que|à propos de|"
    r"bienvenid[oa]s? a|¿?\s*qué es|acerca de|"
    r"欢迎使用|欢迎来到|什么是|关于|歡迎使用|什麼是)(?=[\s:：]|[^\x00-\x7f])[\s:：]*",
    re.IGNORECASE,
)
_CONCLUDES: Final = re.compile(
    r"(?:\s+(?:(?:user|developer|technical|official|online|project|api|full) )?"
    r"(?:documentation|docs|manual|readme|read ?me|user guide|wiki|reference|handbook|home ?page|website|overview|"
    r"dokumentation|handbuch|documentación|quickstart|quick ?start|getting started|setup guide|installation guide)"
    r"|\s*(?:とは|について|文档|使用文档|使用说明|说明文档|文檔|ドキュメント|문서|란|이란))\s*[?？]?$",
    re.IGNORECASE,
)
_ADJECTIVES: Final = re.compile(
    r"^(?:the\s+)?(?:(?:official|unofficial|awesome|original|ultimate|legendary|amazing|missing)"
    r"(?:\s*[,&/]\s*|\s+and\s+|\s+))+(?=\S)",
    re.IGNORECASE,
)
_KIND_END: Final = re.compile(
    r"\b(?:server|agent|agents|toolkit|framework|sdk|platform|library|plugin|skill|assistant|project|app|engine|"
    r"repository|cli)$",
    re.IGNORECASE,
)
_PICTURE: Final = re.compile(r"^(?:logo|icon|banner|badge)\s+(?=\S)|\s+(?:logo|icon|banner)$", re.IGNORECASE)
_TWICE: Final = re.compile(r"^(\S{2,40}) (?=\1\b)", re.IGNORECASE)
"""A duplicated name, for example when a logo's description precedes the heading."""
_OWNS: Final = re.compile(r"['’]s$")
_THE: Final = re.compile(r"^the\s+(?=\S)", re.IGNORECASE)
_QUESTION: Final = re.compile(r"\s*[?？!！。.…]+$")
_TAGGED: Final = re.compile(r"\s*(?:repository|repo|project page)$", re.IGNORECASE)
_ABOUT_MCP: Final = frozenset({"mcp", "server", "servers", "the", "official"})
_MARKS: Final = "*_`~#>\"“”„«»'‘’ \t\u00a0"
_NO_LETTERS: Final = frozenset({"So", "Sk", "Cf", "Cc", "Cs", "Co"})
_EMOJI_PARTS: Final = "\ufe0f\u20e3"
_SPLIT: Final = re.compile(r"[^\w+&#.'’-]+")
_BADGE: Final = re.compile(
    r"(?:license|licence|build|ci|tests?|coverage|codecov|docs?|documentation|version|pypi|npm|downloads?|stars?|forks?|"
    r"discord|slack|twitter|x|follow|chat|website|python|node(?:\.js)?|status|release|issues|prs?|contributors?|"
    r"sponsor|mcp|docker|code style|platform|open in \w+|install in .*|deploy .*)(?: ?(?:badge|:.*|- ?.*|[vx]?[\d.>=+]+"
    r"|welcome|passing|stars?|server|status|workflow|version|count|chat|follow|join\w*))*",
    re.IGNORECASE,
)


def tidy(text: str) -> str:
    """Return `text` without decorations: emoji, badges in brackets, versions, adjectives, "Welcome to", "docs"."""
    name = _trimmed(text)
    name = _HOSTED.sub("", name)
    for _ in range(3):
        before = name
        name = _trimmed(_LEAD_BRACKET.sub("", name)) or name
        name = _trimmed(_BRACKET.sub("", name)) or name
        name = _QUESTION.sub("", name) or name
        name = _TWICE.sub("", _PICTURE.sub("", name) or name)
        for pattern in (_VERSION, _STAGE, _CONCLUDES, _INTRODUCES, _ADJECTIVES, _MEANS, _BY, _VERSUS, _TAGGED):
            cut = _trimmed(pattern.sub("", name))
            if key(cut) and cut != name and (is_generic(name) or not is_generic(cut)):
                name = _OWNS.sub("", cut) if pattern is _CONCLUDES else cut
        if _THE.match(name) and (_KIND_END.search(name) or name != before):
            name = _THE.sub("", name)
        if name == before:
            break
    path = _PATH.match(name)
    return (path[1] if path else name)[:MAX_NAME].strip()


def pieces(title: str) -> tuple[str, ...]:
    """Return the tidied parts of a title between dashes, bars and colons, in order, omitting blanks and duplicates."""
    parts = [tidy(part) for part in _SEPARATOR.split(_HOSTED.sub("", _trimmed(title)))]
    return tuple(dict.fromkeys(part for part in parts if key(part)))


def key(name: str) -> str:
    """Return the letters and digits of `name` in lower case, which are the same for all its spellings."""
    return "".join(c for c in unicodedata.normalize("NFKC", name).casefold() if c.isalnum())


def core(name: str) -> str:
    """Return `key` without the words for an MCP server: the same for "X", "X MCP" and "mcp-server-x"."""
    parts = words(name)
    idle = _ABOUT_MCP | {"for"} if "mcp" in parts else _ABOUT_MCP
    kept = [word for word in parts if word not in idle]
    return key("".join(kept)) or key(name)


def words(name: str) -> list[str]:
    """Return a name's words in lower case, split at blanks, hyphens, underscores and `./@:`; CamelCase is not split."""
    return [word for word in re.split(r"[\s_\-./@:]+", name.casefold()) if word]


def same(one: str, other: str) -> bool:
    """Return whether two names are variants of the same name: spelled differently, or with and without "MCP server"."""
    return bool(key(one)) and (key(one) == key(other) or core(one) == core(other))


def says_mcp(name: str) -> bool:
    """Return whether a name says that the product is an MCP server."""
    return bool({"mcp", "server"} & set(words(name)))


def is_section(text: str) -> bool:
    """Return whether a heading opens a section ("Features", "目录", "Table of Contents") instead of being a name."""
    bare = _trimmed(text)
    if not key(bare):
        return True
    if key(bare) in SECTIONS or key(bare).isdigit():
        return True
    parts = [re.sub(r"['’]s$", "", word.strip(".'’-")) for word in _SPLIT.split(bare.casefold())]
    parts = [part for part in parts if part and not part.replace(".", "").isdigit()]
    return all(part in SECTION_WORDS or key(part) in SECTIONS for part in parts)


def is_switcher(text: str) -> bool:
    """Return whether a line is a language switcher, consisting mostly of language names."""
    parts = [part.strip("[]()（）【】* ") for part in re.split(r"[|·•/,\s]+", text.casefold())]
    parts = [part for part in parts if key(part)]
    found = sum(part in LANGUAGES for part in parts)
    return (found >= _MIN_LANGUAGES and 2 * found >= len(parts)) or (found == len(parts) == 1)


def is_badge(text: str) -> bool:
    """Return whether a text is that of a badge ("License: MIT", "npm version", "build passing")."""
    return _BADGE.fullmatch(_trimmed(text)) is not None


def is_generic(name: str) -> bool:
    """Return whether a name consists only of words that could describe any product ("AI Agent Platform")."""
    parts = [part.strip(".'’") for part in _SPLIT.split(name.casefold())]
    return all(part in GENERIC or part in STOP_WORDS or part.isdigit() for part in parts if part)


def is_slogan(text: str) -> bool:
    """Return whether a line praises, instructs or describes rather than names."""
    bare = _trimmed(text)
    if bare.endswith((".", "!", "?", "。", "！", "？", "…", ",")) and " " in bare:
        return True
    parts = bare.split()
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in bare)
    if wide:
        return wide + len(parts) > _MAX_WIDE
    if len(parts) > _MAX_WORDS:
        return True
    low = [part.casefold().strip(",.:;") for part in parts]
    if len(parts) > 2 and low[0] in SLOGAN_STARTS:  # noqa: PLR2004  (of two words, "Chat UI" is a name)
        return True
    if any(word in INNER_SLOGAN for word in low[1:]):
        return True
    content = [
        part for part, word in zip(parts, low, strict=True) if word not in STOP_WORDS and word not in SMALL_WORDS
    ]
    plain = sum(part.islower() and part.isalpha() for part in content)
    return len(parts) > 2 and plain > len(content) / 2  # noqa: PLR2004


def is_name(text: str) -> bool:
    """Return whether `text`, already tidied, may be a product name."""
    return (
        bool(key(text))
        and len(text) <= MAX_NAME
        and not is_section(text)
        and not is_badge(text)
        and not is_switcher(text)
        and not is_slogan(text)
    )


def _trimmed(text: str) -> str:
    """Return `text` on one line without emoji, control characters, and leading or trailing marks and symbols."""
    kept = "".join(" " if unicodedata.category(c) in _NO_LETTERS or c in _EMOJI_PARTS else c for c in text[:_MAX_TITLE])
    line = " ".join(kept.split()).strip(_MARKS)
    start, end = 0, len(line)
    while start < end and not (line[start].isalnum() or line[start] in "@(【[（.¿"):
        start += 1
    while end > start and not (line[end - 1].isalnum() or line[end - 1] in ")】]）+#?？!.。！…"):
        end -= 1
    return line[start:end].strip()
