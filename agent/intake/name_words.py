"""Words that head a section, open a slogan or describe any product, in the languages that listings are written in.

They tell a heading that names something from one that does not. Everything is lower case and without accents' help:
what is compared is folded by `str.casefold` only.
"""

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
"""A heading of these alone opens a section of a page and names nothing."""
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
"""The same in scripts without blanks between words, compared with all blanks taken out."""

_STARTS: Final = """
    accelerate add ask automate bring build chat connect control convert create deploy describe discover empower
    enable enhance ensure experience explore extract generate give harness integrate keep launch let lets make
    manage meet monitor never orchestrate power query run say scale ship simplify speed stop supercharge switch take
    talk teach track transform trusted turn unleash unlock use watch write empowering making bringing building
    turning connecting using transforming automating running your our we now imagine introducing trust save stay
    finally
"""
SLOGAN_STARTS: Final = frozenset(_STARTS.split())
"""First words of a line that speaks to a reader rather than naming something."""
_INNER: Final = """
    your you our we us that which lets just only who whose any every everything
"""
INNER_SLOGAN: Final = frozenset(_INNER.split())
"""Words inside a line that names rarely hold and slogans often do."""
_SMALL: Final = """
    de la el los las del y en para con por le les du des et pour un une von für und mit der die das
"""
SMALL_WORDS: Final = frozenset(_SMALL.split())
"""Articles and prepositions of other languages, which names hold in lower case."""

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
"""Words that describe what a product is; a line of them alone is doubtful as a name until something bears it out."""

_TONGUES: Final = """
    english 中文 简体中文 繁體中文 繁体中文 日本語 한국어 deutsch español espanol français francais русский
    português portugues italiano türkçe العربية हिन्दी filipino vietnamese tiếng việt polski nederlands українська
    česky 简体 繁體 japanese korean chinese spanish french german russian portuguese en zh ja jp ko kr de es fr ru
    pt it cn zh-cn zh-tw pt-br 英文 英語 영어 indonesia עברית ไทย
"""
LANGUAGES: Final = frozenset(_TONGUES.split())
"""How languages are called in language switchers."""

_STEMS: Final = """
    readme listing index skill page home main default doc docs document documentation content text file untitled
    product about overview manifest plugin server package openapi swagger agent-card agent ai-plugin marketplace
    agents claude gemini copilot-instructions llms llms-full pyproject tools mcp a b c d e f x y z test tmp temp new
    download downloads md html introduction intro
"""
GENERIC_FILES: Final = frozenset(_STEMS.split())
"""File names without suffix that name no product."""
_FOLDERS: Final = """
    src source sources dist build out lib packages package apps app repo repos repository examples example site
    website www public static assets listings pages wiki master trunk latest stable en zh ja de fr es ko work data
    input inputs home user users desktop projects project code workspace var root tmpdir well-known claude-plugin
    cursor-plugin github skills plugins servers mcp-server mcp-servers server client core sdk api monorepo cli
    frontend backend
"""
GENERIC_FOLDERS: Final = GENERIC_FILES | frozenset(_FOLDERS.split())
"""Folder names, and names of repositories, that name no product alone."""

_COMMANDS: Final = """
    uv pip pipx npm pnpm yarn node nodejs python python3 git docker requirements.txt r e the mcp cli run install
    user global http https to from with for and in on x y typescript wheel setuptools poetry cargo go add
    create-react-app mcp-remote smithery inspector mcp-get claude gemini supergateway
"""
INSTALLERS: Final = frozenset(_COMMANDS.split())
"""What stands behind an install command and is no package of the product."""
