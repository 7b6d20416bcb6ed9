# SPDX-License-Identifier: GPL-2.0-or-later
"""./mali-vm report: what is in the page, and what a browser makes of it."""

import html
import json
import re
import tempfile
import unittest
from pathlib import Path
from typing import Any
from unittest import mock

import browser
import support
from build_support import BuildCase

from malivm import charts, cli, paths, proc, report, report_page
from malivm.errors import MaliError

HOSTILE = '</script><script>window.hurt = 1</script><img src=x onerror="window.hurt = 2">'


def result(name: str, status: str = "pass", **more: Any) -> dict[str, Any]:
    return {"name": name, "status": status, "seconds": 1.5, "metrics": {}, "reason": "",
            "log": [], "rules": [], **more}


def document(**more: Any) -> dict[str, Any]:
    return {
        "kernel": {"release": "7.3.4", "origin": HOSTILE}, "device": {"model": "g610"},
        "rules": [{"rule": f"irq -> drop {HOSTILE}", "name": "r", "hits": 3}],
        "findings": [{"kind": "freed-page", "message": HOSTILE, "test": "evict.a"}],
        "tests": [result("boot"), result("evict.a"),
                  result(f"evict.{HOSTILE}", "fail", reason=HOSTILE, log=["one", HOSTILE]),
                  result("probe.query", "skip", reason="no")],
        "seconds": {"boot": 1, "total": 9},
        "eviction": [{"test": "evict.a", "path": "single-vm", "passes": 1, "pages": 512,
                      "lock_ns": 12345, "flush_ns": 1, "stalls": 0, "jobs_delayed": 0,
                      "trylock": {HOSTILE: 2}, "refaults": 512}],
        "latency": [{"name": f"shrink {HOSTILE}", "unit": "ns", "edges": [1000, 2000, 4000],
                     "counts": [1, 5, 2, 1]}],
        "memory": [{"t_ns": 5, "states": {"reclaimable": 4096, HOSTILE: 0}},
                   {"t_ns": 10**9, "states": {"reclaimable": 0, HOSTILE: 1 << 20}}], **more}


class ReportCase(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def run_report(self, *words: str) -> tuple[int, str, str]:
        with mock.patch("signal.signal"), support.captured() as (out, err):
            code = cli.main(["report", *words])
        return code, out.getvalue(), err.getvalue()

    def file(self, name: str, content: object) -> str:
        path = self.folder / name
        path.write_text(content if isinstance(content, str) else json.dumps(content),
                        encoding="utf-8")
        return str(path)


FAKE = charts.Charts("window.uPlot = 0;", ".u{}")


class OfARun(ReportCase):
    def test_of_a_run(self) -> None:
        page = self.folder / "page.html"
        with mock.patch.object(charts, "ensure", return_value=FAKE):
            said = report.write_run(json.dumps(document()), None, page)
        self.assertIn(str(page), said)
        self.assertIn("evict.a", page.read_text(encoding="utf-8"))

    def test_of_a_run_when_there_are_no_charts(self) -> None:
        page = self.folder / "page.html"
        with mock.patch.object(charts, "ensure", side_effect=MaliError("npm is away")):
            said = report.write_run(json.dumps(document()), None, page)
        self.assertEqual(said, "--report: no page, since npm is away")
        self.assertFalse(page.exists())


class Content(ReportCase):
    def page(self, *documents: dict[str, Any], trace: dict[str, Any] | None = None) -> str:
        words = [self.file(f"run{i}.json", one) for i, one in enumerate(documents)]
        if trace is not None:
            words += ["--trace", self.file("trace.json", trace)]
        out = self.folder / "out.html"
        with mock.patch.object(charts, "ensure", return_value=FAKE):
            code, _, err = self.run_report(*words, "-o", str(out))
        self.assertEqual(code, 0, err)
        return out.read_text(encoding="utf-8")

    def test_a_column_each_run_and_a_row_each_test(self) -> None:
        page = self.page(document(), document(tests=[result("evict.a", "fail"), result("new.x")]))
        self.assertIn('<th scope="col">run0</th><th scope="col">run1</th>', page)
        row = re.search(r'<th scope="row">evict\.a</th>(.*?)</tr>', page)
        assert row
        self.assertEqual(re.findall(r'class="(\w+)">', row[1])[::2], ["pass", "fail"])
        self.assertIn('<th scope="row">new.x</th><td class="note">not run</td>', page)

    def test_a_run_on_several_kernels_is_several(self) -> None:
        page = self.page({"kernels": [
            {**document(), "kernel": {"asked": "debian:7.2"}},
            {"kernel": {"asked": "debian:9"}, "missing": "there is none"}]})
        self.assertIn('<th scope="col">run0: debian:7.2</th><th scope="col">run0: debian:9</th>',
                      page)

    def test_what_was_not_measured_is_said(self) -> None:
        page = self.page({"tests": []})
        for sentence in ("run0 measured no evictions.", "run0 measured no latencies.",
                         "run0 measured no memory"):
            self.assertIn(sentence, page)

    def test_nothing_of_the_guest_is_markup(self) -> None:
        page = self.page(document())
        self.assertNotIn(HOSTILE, page)
        self.assertNotIn("<img", page)
        self.assertEqual(page.count("<script"), 3)
        self.assertEqual(page.count("</script"), 3)
        self.assertIn(html.escape(HOSTILE), page)

    def test_values_of_other_types_do_no_harm(self) -> None:
        page = self.page({"tests": [{"name": [1], "status": {}, "seconds": "x"}, 3],
                          "kernel": 5, "device": [], "rules": {}, "findings": [4],
                          "eviction": "x", "latency": [{"name": "n", "edges": ["a"],
                                                        "counts": 7}],
                          "memory": [{"t_ns": "x"}]})
        self.assertIn("n of run0 is no histogram", page)

    def test_trace(self) -> None:
        def event(ph: str, ts: int, title: str, **args: Any) -> dict[str, Any]:
            return {"ph": ph, "pid": 1, "tid": 1, "ts": ts, "name": title, "args": args}
        page = self.page(document(), trace={
            "otherData": {"lost": {"overrun on CPU 0": 7}, "skipped": ["p x: none"]},
            "traceEvents": [event("M", 0, "thread_name", name="AS 1"),
                            event("B", 5, "call", function="tick_work"), event("E", 9, "call"),
                            event("i", 9, "fault 0xc3")]})
        self.assertIn("Lost: overrun on CPU 0 7.", page)
        self.assertIn("p x: none", page)
        self.assertRegex(page, r">tick_work</th><td class=\"number\">1</td><td "
                         r"class=\"number\">4</td>")
        self.assertRegex(page, r">AS 1</th><td>fault 0xc3</td>")

    def test_files_that_are_none(self) -> None:
        for content, words in (("{", "is not JSON"), ("{}", "has no results"),
                               ("[1]", "has no results")):
            code, _, err = self.run_report(self.file("x.json", content))
            self.assertEqual(code, 2)
            self.assertIn(words, err)
        good = self.file("good.json", document())
        self.assertIn("cannot be read", self.run_report(str(self.folder / "none"))[2])
        self.assertIn("has no trace", self.run_report(good, "--trace", good)[2])
        self.assertIn("-o", self.run_report(good, "-o", str(self.folder))[2])

    def test_classes_of_a_histogram(self) -> None:
        self.assertEqual(report._classes([1000, 2000], 3, "ns"), ["< 1 µs", "1 µs …", "2 µs …"])
        self.assertEqual(report._classes([0, 5], 1, "ns"), ["0 ns …"])
        self.assertEqual(report._classes([0, 5], 2, "x"), ["0 x …", "5 x …"])
        self.assertIsNone(report._classes([0, 5], 7, "ns"))

    def test_json_in_a_script_cannot_end_it(self) -> None:
        shown = report_page.json_text(["</script>", "<!--", "&"])
        self.assertNotIn("<", shown)
        self.assertEqual(json.loads(shown), ["</script>", "<!--", "&"])


class Fetch(BuildCase):
    def test_npm_that_reaches_nothing_is_one_sentence(self) -> None:
        with mock.patch.object(proc, "run", side_effect=proc.Failed("npm failed", "npm error "
                                                                    "network ENOTFOUND")), \
                mock.patch("malivm.packages.ensure"), support.captured(), \
                self.assertRaisesRegex(MaliError, "uPlot cannot be fetched with npm .*ENOTFOUND"):
            charts.ensure()
        self.assertEqual(list(paths.cache_dir("web").glob("[!.]*")), [])

    def test_lock_file_has_a_checksum_and_no_address(self) -> None:
        text = (charts.WEB / "package-lock.json").read_text(encoding="utf-8")
        lock = json.loads(text)["packages"]["node_modules/uplot"]
        self.assertTrue(lock["integrity"].startswith("sha512-"))
        self.assertNotIn("://", text)


@unittest.skipUnless(browser.program(), "needs chromium-headless-shell or chromium")
class Drawn(ReportCase):
    """In a browser."""

    url: str

    def setUp(self) -> None:
        super().setUp()
        try:
            charts.ensure()
        except MaliError as exc:
            self.skipTest(exc.message)
        out = self.folder / "page.html"
        code, _, err = self.run_report(self.file("a.json", document()),
                                       self.file("b.json", document()), "-o", str(out))
        self.assertEqual(code, 0, err)
        self.url = out.as_uri()

    def test_page(self) -> None:
        with browser.started() as page:
            for width, dark in ((1280, False), (375, True)):
                with self.subTest(width=width, dark=dark):
                    page.open(self.url, width, dark)
                    self.check(page)

    def check(self, page: browser.Browser) -> None:
        self.assertEqual(page.named("Runtime.exceptionThrown"), [])
        self.assertEqual(page.named("Runtime.consoleAPICalled"), [])
        self.assertEqual(page.named("Log.entryAdded"), [])
        requests = [one["request"]["url"] for one in page.named("Network.requestWillBeSent")]
        self.assertEqual(requests, [self.url])
        self.assertIsNone(page.evaluate("window.hurt ?? null"))
        self.assertEqual(page.evaluate("document.images.length"), 0)
        # Four tests and two suites' heads, beside the row of columns
        self.assertEqual(page.evaluate(
            "document.querySelectorAll('#matrix + .scroll tr').length"), 1 + 4 + 3)
        self.assertEqual(page.evaluate(
            "document.querySelectorAll('#matrix + .scroll td.fail').length"), 2)
        # Of each run a histogram and the memory; each has been drawn on.
        drawn = page.evaluate("""[...document.querySelectorAll('.chart canvas')].map(
            c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some(v => v))""")
        self.assertEqual(drawn, [True] * 4)
        self.assertEqual(page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"), 0)

    def test_a_script_that_is_not_the_pages_does_not_run(self) -> None:
        with browser.started() as page:
            page.open(self.url, 1280)
            page.evaluate("""document.body.append(Object.assign(
                document.createElement('script'), {textContent: 'window.hurt = 3'}))""")
            self.assertIsNone(page.evaluate("window.hurt ?? null"))


if __name__ == "__main__":
    unittest.main()
