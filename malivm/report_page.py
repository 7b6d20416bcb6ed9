# SPDX-License-Identifier: GPL-2.0-or-later
"""The parts of the page of `./mali-vm report`: tables as HTML, charts as data for web/page.js.

Names, reasons and logs are the guest's, which is not trusted: each text goes through text()
into the page, or through json_text() into its data. The page's policy lets no other script run
than the two that it has, and nothing be loaded.
"""

import base64
import hashlib
import html
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .charts import WEB, Charts


def text(value: object) -> str:
    """A value as text of the page, in an element or in quotes."""
    return html.escape(str(value), quote=True)


def json_text(value: object) -> str:
    """A value as JSON inside of a script element, which nothing in it can end."""
    return json.dumps(value).replace("&", "\\u0026").replace("<", "\\u003c") \
        .replace(">", "\\u003e")


@dataclass
class Page:
    """A page while it is made."""
    title: str
    parts: list[str] = field(default_factory=list)
    charts: list[dict[str, Any]] = field(default_factory=list)
    sections: list[tuple[str, str]] = field(default_factory=list)

    def section(self, name: str, title: str) -> None:
        """Begin a section, which the contents name."""
        self.sections.append((name, title))
        self.parts.append(f'<h2 id="{text(name)}">{text(title)}</h2>')

    def heading(self, title: str) -> None:
        """A heading in a section."""
        self.parts.append(f"<h3>{text(title)}</h3>")

    def note(self, sentence: str) -> None:
        """A sentence."""
        self.parts.append(f'<p class="note">{text(sentence)}</p>')

    def log(self, lines: Iterable[object]) -> None:
        """Lines as they came."""
        self.parts.append(f"<pre>{text(chr(10).join(map(str, lines)))}</pre>")

    def chart(self, caption: str, **chart: Any) -> None:
        """A chart; see web/page.js."""
        name = f"chart{len(self.charts)}"
        self.charts.append({"id": name, **chart})
        self.parts.append(f'<figure><div class="chart" id="{name}" role="img" '
                          f'aria-label="{text(caption)}"></div>'
                          f"<figcaption>{text(caption)}</figcaption></figure>")

    def table(self, caption: str, head: Sequence[str], rows: Iterable[Sequence[object]],
              folded: str = "") -> None:
        """A table whose first column names the row; numbers stand right. With `folded`, the
        table is behind these words."""
        body = "".join(
            f'<tr><th scope="row">{text(row[0])}</th>{"".join(map(_cell, row[1:]))}</tr>'
            for row in rows)
        if folded:
            self.parts.append(f"<details><summary>{text(folded)}</summary>")
        self._table(caption, head, f"<tbody>{body}</tbody>")
        if folded:
            self.parts.append("</details>")

    def matrix(self, caption: str, head: Sequence[str],
               groups: Iterable[tuple[str, list[tuple[str, list[str]]]]]) -> None:
        """A table of groups of rows; cells are HTML already."""
        body = ""
        for name, rows in groups:
            lines = "".join(f'<tr><th scope="row">{text(row)}</th>{"".join(cells)}</tr>'
                            for row, cells in rows)
            body += (f'<tbody><tr><th scope="rowgroup" colspan="{len(head)}">{text(name)}</th>'
                     f"</tr>{lines}</tbody>")
        self._table(caption, head, body)

    def _table(self, caption: str, head: Sequence[str], body: str) -> None:
        columns = "".join(f'<th scope="col">{text(name)}</th>' for name in head)
        self.parts.append(
            f'<div class="scroll" tabindex="0" role="region" aria-label="{text(caption)}">'
            f"<table><caption>{text(caption)}</caption><thead><tr>{columns}</tr></thead>{body}"
            "</table></div>")

    def dumps(self, charts: Charts) -> str:
        """The whole page."""
        style = charts.style + (WEB / "page.css").read_text(encoding="utf-8")
        scripts = (_script(charts.script), _script((WEB / "page.js").read_text(encoding="utf-8")))
        policy = ("default-src 'none'; base-uri 'none'; form-action 'none'; "
                  f"script-src {' '.join(map(_hash, scripts))}; style-src {_hash(style)}")
        contents = "".join(f'<li><a href="#{text(name)}">{text(title)}</a></li>'
                           for name, title in self.sections)
        return "\n".join([
            '<!DOCTYPE html>', '<html lang="en">', "<head>", '<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{text(self.title)}</title>", f"<style>{style}</style>", "</head>",
            "<body>", f"<h1>{text(self.title)}</h1>",
            f'<nav aria-label="Contents"><ul>{contents}</ul></nav>', "<main>",
            *self.parts, "</main>",
            "<noscript><p>The charts need JavaScript; the tables have the same numbers.</p>"
            "</noscript>",
            f'<script type="application/json" id="charts">{json_text(self.charts)}</script>',
            *(f"<script>{script}</script>" for script in scripts), "</body>", "</html>", ""])


def _cell(value: object) -> str:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    shown = f"{value:,}" if isinstance(value, int) and number else value
    return f'<td class="number">{text(shown)}</td>' if number else f"<td>{text(shown)}</td>"


def _script(content: str) -> str:
    # What the browser would take for the end of the element
    return content.replace("</script", "<\\/script")


def _hash(content: str) -> str:
    digest = hashlib.sha256(content.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def names(files: Sequence[Path]) -> list[str]:
    """What the columns of several inputs are called: as short as tells them apart."""
    stems = [path.stem for path in files]
    return stems if len(set(stems)) == len(stems) else [str(path) for path in files]
