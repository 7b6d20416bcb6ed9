# SPDX-License-Identifier: GPL-2.0-or-later
"""./mali-vm series: patches out of all kinds of mail, applied one by one, tested after each."""

import tempfile
import unittest
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest import mock

from history_support import HistoryCase

from malivm import mail, results, run, series
from malivm.errors import MaliError
from malivm.results import Test

PAGE = """All of an archive
 help / color / mirror / Atom feed
* [PATCH v2 0/2] two changes
@ 2026-01-09 13:07 A Writer
  2026-01-09 13:07 ` [PATCH v2 1/2] one A Writer
  0 siblings, 1 reply; 3+ messages in thread
From: A Writer @ 2026-01-09 13:07 UTC (permalink / raw)
  To: A Reader, Another
  Cc: a-list, More,
\tNames

Hello,

 lib/other.c | 2 +-

^ permalink raw reply\t[flat|nested] 3+ messages in thread

* [PATCH v2 2/2] the second
  2026-01-09 13:07 [PATCH v2 0/2] two changes A Writer
@ 2026-01-09 13:08 ` A Writer
  1 sibling, 0 replies; 3+ messages in thread
From: A Writer @ 2026-01-09 13:08 UTC (permalink / raw)
  To: A Reader

Why the second.

---
{second}{end}
2.52.0


^ permalink raw reply related\t[flat|nested] 3+ messages in thread

* [PATCH v2 1/2] the first
  2026-01-09 13:07 [PATCH v2 0/2] two changes A Writer
@ 2026-01-09 13:07 ` A Writer
  1 sibling, 0 replies; 3+ messages in thread
From: A Writer @ 2026-01-09 13:07 UTC (permalink / raw)
  To: A Reader

Why the first.

---
{first}{end}
2.52.0


^ permalink raw reply related\t[flat|nested] 3+ messages in thread

* Re: [PATCH v2 1/2] the first
  2026-01-09 13:07 ` [PATCH v2 1/2] the first A Writer
@ 2026-01-12  9:25   ` A Reader
  0 siblings, 0 replies; 3+ messages in thread
From: A Reader @ 2026-01-12  9:25 UTC (permalink / raw)
  To: A Writer

> diff --git a/lib/other.c b/lib/other.c
Fine.

end of thread, other threads:[~2026-01-28 16:27 UTC | newest]
"""


class SeriesCase(HistoryCase):
    """Patches to the driver, which says what comes of it."""

    def setUp(self) -> None:
        super().setUp()
        self.base = self.commit("good", "base\n")
        self.enter(mock.patch.object(run, "run_tests", self.run_tests))

    def run_tests(self, word: Any, names: Sequence[str], *_: object,
                  **__: object) -> results.Report:
        status = {"good": "pass", "bad": "fail", "skipped": "skip"}[word]
        tests = [Test("boot", "pass"), *(Test(name, status, reason=f"because it is {word}")
                                         for name in names)]
        return results.Report({}, {}, tests, [], 1.0, 2.0)

    def patches(self, *says: str) -> Path:
        """A folder of patches, made by commits that are then taken back."""
        for number, word in enumerate(says):
            self.commit(word, f"{number}\n")
        folder = self.dir / "patches"
        self.git("format-patch", "-q", "-o", str(folder), self.base)
        self.git("reset", "-q", "--hard", self.base)
        return folder

    def series(self, patches: Path, *more: str) -> tuple[int, str, str]:
        return self.call("series", str(patches), "--base", str(self.tree), "--test", "evict.a",
                         *more)


class Series(SeriesCase):
    def test_with_which_patch_a_test_starts_to_fail(self) -> None:
        patches = self.patches("good", "bad", "bad")
        before = self.state()
        code, out, err = self.series(patches)
        self.assertEqual((code, err), (1, ""))
        self.assertIn("evict.a starts to fail with patch 2 (this one is bad1): because it is bad",
                      out)
        self.assertRegex(out, r"evict\.a +pass +pass +FAIL +FAIL")
        self.assertEqual(self.state(), before)

    def test_all_is_well(self) -> None:
        code, out, _ = self.series(self.patches("good", "good"))
        self.assertEqual(code, 0)
        self.assertIn("2 patches, 3 states tested, 0 not, 0 tests start to fail", out)

    def test_one_in_between_does_not_build(self) -> None:
        code, out, _ = self.series(self.patches("good", "nobuild", "bad"))
        self.assertEqual(code, 1)
        self.assertIn("it is no C", out)
        self.assertIn("starts to fail with patch 3", out)

    def test_one_does_not_apply(self) -> None:
        patches = self.patches("good", "good")
        self.commit("good", "something else\n")
        code, out, _ = self.series(patches)
        self.assertEqual(code, 1)
        self.assertRegex(out, r"1  this one is good0: it does not apply: 1 hunks of lib/other.c")
        self.assertIn("lib/other.c.rej:", out)
        self.assertIn("-base", out)
        self.assertIn("not tried", out)

    def test_on_another_commit(self) -> None:
        patches = self.patches("bad")
        self.commit("good", "something else\n")
        code, out, _ = self.series(patches, "--at", "HEAD~1")
        self.assertIn("starts to fail with patch 1", out)
        self.assertEqual(code, 1)

    def test_after_one_that_was_interrupted(self) -> None:
        patches = self.patches("bad")
        self.series(patches)
        tree = next((self.cache / "trees").glob("*/tree"))
        (tree / ".git/rebase-apply").mkdir()
        (tree / "junk").touch()
        self.assertIn("starts to fail with patch 1", self.series(patches)[1])
        self.assertFalse((tree / "junk").exists())

    def test_a_page_of_an_archive(self) -> None:
        folder = self.patches("good", "bad")
        diffs = []
        for path in sorted(folder.iterdir()):
            text = path.read_text(encoding="utf-8")
            diffs.append(text[text.index("diff --git"):].split("\n-- \n")[0] + "\n")
        page = self.write("thread.txt", PAGE.format(end="-- ", first=diffs[0], second=diffs[1]))
        code, out, _ = self.series(page)
        self.assertEqual(code, 1)
        self.assertIn("evict.a starts to fail with patch 2 (the second)", out)

    def test_an_mbox(self) -> None:
        folder = self.patches("good", "bad")
        box = self.write("box", b"".join(path.read_bytes() for path in sorted(folder.iterdir())))
        self.assertIn("starts to fail with patch 2", self.series(box)[1])

    def test_no_patches(self) -> None:
        code, _, err = self.series(self.write("empty", "Hello\n"))
        self.assertEqual(code, 2)
        self.assertIn("has no patch", err)


class Mail(unittest.TestCase):
    def read(self, *subjects: str) -> list[mail.Patch]:
        with tempfile.TemporaryDirectory() as temp:
            box, scratch = Path(temp) / "box", Path(temp) / "scratch"
            scratch.mkdir()
            box.write_text("".join(
                f"From x Mon Sep 17 00:00:00 2001\nFrom: A <a@b>\nSubject: {subject}\n\nx\n---\n"
                "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n"
                for subject in subjects))
            return mail.read(box, scratch)

    def test_their_order_is_that_of_the_numbers(self) -> None:
        found = self.read("[PATCH 2/2] b", "[PATCH 1/2] a")
        self.assertEqual([patch.subject for patch in found], ["a", "b"])

    def test_answers_and_covers_are_no_patches(self) -> None:
        found = self.read("[PATCH 0/1] all", "[PATCH 1/1] a", "Re: [PATCH 1/1] a")
        self.assertEqual([patch.subject for patch in found], ["a"])

    def test_the_newest_version(self) -> None:
        found = self.read("[PATCH 1/1] old", "[PATCH v3 1/1] new", "[PATCH v2 1/1] middle")
        self.assertEqual([patch.subject for patch in found], ["new"])

    def test_one_that_came_twice(self) -> None:
        self.assertEqual(len(self.read("[PATCH 1/1] a", "[PATCH 1/1] a")), 1)

    def test_one_that_is_missing(self) -> None:
        with self.assertRaisesRegex(MaliError, "lacks patch 2 of 3"):
            self.read("[PATCH 1/3] a", "[PATCH 3/3] c")

    def test_two_series(self) -> None:
        with self.assertRaisesRegex(MaliError, "more than one series"):
            self.read("[PATCH 1/1] a", "[PATCH 1/1] b")

    def test_a_folded_subject(self) -> None:
        self.assertEqual(self.read("[PATCH 1/1] drm:\n a thing")[0].subject, "drm: a thing")


class Changes(unittest.TestCase):
    def changes(self, *statuses: str) -> list[tuple[str, int]]:
        stages = [series.Stage(number, "x", tests={"t": Test("t", status)} if status else {})
                  for number, status in enumerate(statuses)]
        return [(what, stage.number) for _, what, stage, _ in series._changes(stages)]

    def test_changes(self) -> None:
        self.assertEqual(self.changes("pass", "fail", "fail", "pass"),
                         [("starts to fail", 1), ("does not fail any more", 3)])
        self.assertEqual(self.changes("pass", "", "fail"), [("starts to fail", 2)])
        self.assertEqual(self.changes("fail", "fail"), [])
        self.assertEqual(self.changes("skip", "fail"), [("starts to fail", 1)])


if __name__ == "__main__":
    unittest.main()
