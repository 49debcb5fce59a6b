"""Time the conversion of Markdown bytes to a Document, warm and cold.

    python -m evals.bench.reading [README.md …]

Without files, it generates a README of 60 KB with an HTML header, badges, nested lists, tables, code fences and
collapsible sections. Warm means a process that has already read a document; cold means a complete `python -m agent
intake FILE`. A generated file of 2 MB is read last. The exit status is 1 if 60 KB take more than a second or 2 MB take
more than `parse_seconds` allows.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from agent.records import Document
from agent.settings import Settings
from evals.cases.documents import file_document

_KILO: Final = 1024
_README: Final = 60 * _KILO
_LARGE: Final = 2_000_000
_RUNS: Final = 10
_ALLOWED: Final = 1.0
"""The maximum number of seconds for each 60 KB of a README."""
_HEAD: Final = """<div align="center">
<picture><source srcset="dark.png"><img alt="Quillon" src="light.png"></picture>
<h1 align="center">Quillon</h1>
<p align="center"><b>Sorts</b> the post of a workshop<br>and answers what it may.</p>

[![build](https://q.example/b.svg)](https://q.example/b) ![license: MIT](https://q.example/m.svg)
</div>
"""
_PART: Final = """
## Part {0}

Quillon reads the letters of the workshop, one folder at a time, and drafts an answer to each of them as the
*house rules* say; `quillon send` posts those that [a person](docs/approve.md) has signed.

- **Reads** letters
  - from the folder `in/{0}`
  - and from the scanner, if `scanner = on`
- [ ] Writes drafts

| Option | Default | What it does |
|:--|--:|---|
| `folder` | `in` | where letters lie |
| `sign` | **on** | asks a person before each answer |

<details><summary>How to set it</summary>

```json
{{
  "folder": "in",
  "sign": true
}}
```

</details>

<table><tr><th>Tool</th><th>Use</th></tr><tr><td><code>send</code></td><td>posts an answer</td></tr></table>

> [!NOTE]
> Letters stay on the machine; see https://q.example/data for what is kept.
"""


def readme(size: int) -> bytes:
    """Generate a README of at least `size` bytes."""
    parts, length = [_HEAD], len(_HEAD)
    while length < size:
        parts.append(_PART.format(len(parts) - 1))
        length += len(parts[-1])
    return "".join(parts).encode()


def warm(body: bytes, name: str, runs: int) -> tuple[float, Document]:
    """Return the median seconds to read a document in a warm process, and the document."""
    made = file_document(b"# A\n\nWords.\n", "first.md")
    times: list[float] = []
    for _ in range(runs):
        begun = time.perf_counter()
        made = file_document(body, name)
        times.append(time.perf_counter() - begun)
    return statistics.median(times), made


def cold(body: bytes, name: str) -> float:
    """Return the seconds that one `agent intake` of the bytes takes, including Python's start-up."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / name
        file.write_bytes(body)
        begun = time.perf_counter()
        subprocess.run([sys.executable, "-m", "agent", "intake", str(file)], check=True, capture_output=True)
        return time.perf_counter() - begun


def main() -> None:
    """Print the table; exit with 1 when a file takes too long."""
    files = [Path(name) for name in sys.argv[1:]]
    bodies = [(file.name, file.read_bytes()) for file in files] or [("README.md", readme(_README))]
    late = False
    print(f"{'file':<24}  {'KB':>6}  {'blocks':>6}  {'warm s':>7}  {'cold s':>7}")
    for name, body in (*bodies, ("large.md", readme(_LARGE))):
        large = len(body) >= _LARGE
        took, made = warm(body, name, 1 if large else _RUNS)
        size = f"{len(body) / _KILO:>6.0f}  {len(made.blocks):>6}"
        print(f"{name:<24.24}  {size}  {took:>7.3f}  {cold(body, name):>7.2f}")
        late |= took > (Settings().parse_seconds if large else _ALLOWED * max(1.0, len(body) / _README))
    sys.exit(int(late))


if __name__ == "__main__":
    main()
