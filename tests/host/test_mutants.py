# SPDX-License-Identifier: GPL-2.0-or-later
"""./mali-vm mutants: the patches themselves, what is put where, and what counts as caught."""

import argparse
import json
import unittest
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import support
from build_support import PROJECT, BuildCase

from malivm import cli, driver, guest, linux, machine, mutant, mutants, results, run, trial

GEM = "drivers/gpu/drm/panthor/panthor_gem.c"
CORE = "drivers/gpu/drm/drm_gem.c"
PATCHES = PROJECT / "kernel" / "mutants"

HEAD = """SPDX-License-Identifier: GPL-2.0-or-later
Breaks: the word
Row: {row}
Caught-by: evict.a
Kernel: 7.3.4

"""
DIFF = """--- a/{file}
+++ b/{file}
@@ -1,3 +1,3 @@
 one
-good
+{word}
 three
"""


class Patches(unittest.TestCase):
    """Those of the project."""

    def test_each_can_be_read(self) -> None:
        every = mutant.every()
        self.assertGreaterEqual(len(every), 36)
        for one in every:
            with self.subTest(one.name):
                self.assertTrue(one.tests)
                self.assertRegex(one.row, r"^([SM]\d+|mmu|evict)$")

    def test_none_is_there_twice(self) -> None:
        diffs: dict[str, str] = {}
        for path in PATCHES.glob("*.patch"):
            diff = path.read_text(encoding="utf-8").partition("\n\n")[2]
            self.assertNotIn(diff, diffs, path.name)
            diffs[diff] = path.name


class MutantsCase(BuildCase):
    """With patches, a source and a guest of its own: what comes of a run is what the files say."""

    def setUp(self) -> None:
        super().setUp()
        for name in (GEM, CORE, "drivers/gpu/drm/panthor/Makefile", "Makefile"):
            self.write(f"linux/{name}", "one\ngood\nthree\n")
        self.source = linux.Source(self.dir / "linux", "7.3.4-1", "7.3.4-1", of_user=False)
        self.enter(mock.patch.object(mutant, "FOLDER", self.dir / "mutants"))
        (self.dir / "mutants").mkdir()
        self.enter(mock.patch.object(linux, "source", lambda repo: self.source))
        self.enter(mock.patch.object(trial, "key", lambda args: repr(sorted(vars(args).items()))))
        self.enter(mock.patch.object(guest, "list_tests", lambda: [
            ("evict.a", ""), ("evict.b", ""), ("exec.c", "")]))
        self.enter(mock.patch.object(guest, "suites", lambda: {
            suite: guest.Suite(False) for suite in ("evict", "exec")}))
        self.enter(mock.patch.object(mutants, "SUITES", ("evict",)))
        self.enter(mock.patch.object(machine, "prepare", self.prepare))
        self.enter(mock.patch.object(run, "run_tests", self.run_tests))
        self.enter(mock.patch.object(mutants.kernel, "resolve", lambda spec, _: spec))
        self.enter(mock.patch.object(mutants.kernel, "built", lambda variant, origin, _: origin))
        self.enter(mock.patch.object(linux, "given", lambda tree, _: linux.Source(
            tree, "", "", of_user=True)))
        self.enter(mock.patch.object(driver, "ensure", self.build))
        self.enter(mock.patch("signal.signal"))
        self.runs: list[tuple[str, str, tuple[str, ...]]] = []
        self.broken: list[str] = []         # tests that fail without a mutant

    def patch(self, name: str, word: str, row: str = "S1", file: str = GEM) -> Path:
        return self.write(f"mutants/{name}.patch",
                          HEAD.format(row=row) + DIFF.format(file=file, word=word))

    def prepare(self, args: argparse.Namespace, suites: Any, choose: Any) -> Any:
        chosen = choose(args)
        tree = chosen.tree if isinstance(chosen, linux.Source) else chosen
        word = "good"
        if isinstance(tree, Path):
            words = [(tree / name).read_text("utf-8").split()[1] for name in (GEM, CORE)
                     if (tree / name).exists()]
            word = next((word for word in words if word != "good"), "good")
        return word, args.check

    @staticmethod
    def build(chosen: Any, tree: Path, what: str) -> Path:
        if "nobuild" in (tree / GEM).read_text("utf-8"):
            raise linux.Unfit("building the driver failed: error: it is no C")
        return tree

    def run_tests(self, prepared: Any, names: Sequence[str], *_: Any, **__: Any) -> results.Report:
        word, check = prepared
        self.runs.append((word, check, tuple(names)))
        report = results.Report({}, {}, [], [], 1.0, 2.0)
        if word == "noboot":
            report.driver = False
        for name in ["evict.a", "evict.b"] if "evict" in names else names:
            test = results.Test(name, results.PASS, 0.5)
            if word == "test" or name in self.broken or (word == "late" and name == "evict.b"):
                test.status, test.said = results.FAIL, "3 of 4 pages"
            if word == "once" and name == "evict.b" and "evict" in names:
                test.status, test.said = results.FAIL, "it took too long"
            if word == "checker" and check != "off":
                test.status, test.findings = results.FAIL, ["stale-translation: AS 1"]
            if word == "kernel":
                test.status, test.complaints = results.FAIL, ["kasan: BUG: KASAN: x"]
            report.tests.append(test)
        return report

    def call(self, *words: str) -> tuple[int, str, str]:
        with support.captured() as (out, err):
            code = cli.main(["mutants", *words])
        return code, out.getvalue(), err.getvalue()

    def answers(self, *words: str) -> dict[str, Any]:
        file = self.dir / "out.json"
        self.call(*words, "--json", str(file))
        return {row["name"]: row for row in json.loads(file.read_text("utf-8"))}


class Caught(MutantsCase):
    def test_who_sees_it(self) -> None:
        for word in ("test", "checker", "kernel", "noboot"):
            self.patch(f"m-{word}", word)
        rows = self.answers()
        self.assertEqual({name: row["by"] for name, row in rows.items()}, {
            "m-test": ["test: 3 of 4 pages"], "m-checker": ["checker: stale-translation: AS 1"],
            "m-kernel": ["kernel: kasan: BUG: KASAN: x"],
            "m-noboot": ["kernel: the driver does not come up"]})
        self.assertEqual({name: row["alone"] for name, row in rows.items()}, {
            "m-test": [], "m-checker": [], "m-kernel": ["kasan: BUG: KASAN: x"],
            "m-noboot": ["the driver does not come up"]})
        self.assertEqual(rows["m-test"]["seconds"], 1.5)

    def test_the_exit_code(self) -> None:
        self.patch("m", "test")
        self.assertEqual(self.call()[0], 0)
        self.patch("other", "harmless")
        code, out, _ = self.call()
        self.assertEqual(code, 1)
        self.assertIn("1 of 2 mutants caught", out)
        self.assertRegex(out, r"other +S1 +MISSED")

    def test_suites_come_after_its_own_tests(self) -> None:
        self.patch("m", "late")
        row = self.answers("--caught-only")["m"]
        self.assertEqual((row["test"], row["ran"]), ("evict.b", ["evict.a", "evict", "evict.b"]))
        self.assertEqual(row["seconds"], 1.0 + 0.5 + 1.0 + 0.5 + 0.5 + 1.0 + 0.5)
        self.assertEqual(row["once"], [])

    def test_one_that_fails_by_chance_is_none(self) -> None:
        self.patch("m", "once")
        row = self.answers("--caught-only")["m"]
        self.assertEqual((row["test"], row["by"], row["once"]), ("", [], ["evict.b"]))
        code, out, _ = self.call("--caught-only")
        self.assertEqual(code, 1)
        self.assertIn("m: evict.b failed once, and then passed", out)

    def test_the_kernel_alone_has_no_checker(self) -> None:
        self.patch("m", "checker")
        self.call()
        self.assertIn(("checker", "report", ("evict.a",)), self.runs)
        self.assertEqual(self.runs[-1], ("checker", "off", ("evict.a",)))

    def test_a_failure_without_a_mutant_ends_it(self) -> None:
        self.patch("m", "test")
        self.broken = ["evict.a"]
        code, _, err = self.call()
        self.assertEqual(code, 2)
        self.assertIn("evict.a fails without a mutant", err)
        self.assertEqual({word for word, _, _ in self.runs}, {"good"})

    def test_what_they_name_runs_without_one_a_boot_for_each_suite(self) -> None:
        for name, word, test in (("a", "test", "evict.a"), ("b", "kernel", "evict.b"),
                                 ("c", "test", "exec.c")):
            path = self.patch(name, word)
            path.write_text(path.read_text("utf-8").replace("evict.a", test), "utf-8")
        self.call()
        self.assertEqual([run for run in self.runs if run[0] == "good"], [
            ("good", check, names) for names in (("evict.a", "evict.b"), ("exec.c",))
            for check in ("report", "off")])

    def test_what_does_not_build_is_no_catch(self) -> None:
        self.patch("m", "nobuild")
        code, _, err = self.call()
        self.assertEqual(code, 2)
        self.assertIn("mutants/m.patch does not build", err)

    def test_what_does_not_apply_is_none(self) -> None:
        self.patch("m", "test")
        self.write(f"linux/{GEM}", "one\nelse\nthree\n")
        code, _, err = self.call()
        self.assertEqual(code, 2)
        self.assertIn("mutants/m.patch was written for Linux 7.3.4", err)


class Again(MutantsCase):
    def test_it_is_known(self) -> None:
        self.patch("m", "test")
        self.call()
        before = len(self.runs)
        self.assertEqual(self.call()[0], 0)
        self.assertEqual(len(self.runs), before)
        self.call("--again")
        self.assertGreater(len(self.runs), before)

    def test_until_the_patch_changes(self) -> None:
        self.patch("m", "test")
        self.call()
        self.patch("m", "harmless")
        self.assertEqual(self.call()[0], 1)

    def test_an_interrupted_call_is_taken_up(self) -> None:
        self.patch("a", "test")
        self.patch("b", "kernel")
        with mock.patch.object(mutants.Bench, "_alone",
                               side_effect=[None, KeyboardInterrupt]):
            self.assertEqual(self.call()[0], 130)
        known = self.cache / "mutants" / "7.3.4-1" / "answers"
        with open(known, "a", encoding="utf-8") as file:
            file.write('{"key": "cut o')
        del self.runs[:]
        self.assertEqual(self.call()[0], 0)
        self.assertNotIn("test", {word for word, _, _ in self.runs})
        self.assertIn("kernel", {word for word, _, _ in self.runs})


class InTheTree(MutantsCase):
    def test_the_source_is_never_changed(self) -> None:
        files = [self.dir / "linux" / name for name in (GEM, CORE)]
        before = [(file.stat().st_mtime_ns, file.read_bytes()) for file in files]
        self.patch("core", "test", file=CORE)
        self.patch("m", "test")
        self.call()
        self.assertEqual(before, [(file.stat().st_mtime_ns, file.read_bytes()) for file in files])

    def test_one_mutant_at_a_time(self) -> None:
        self.patch("core", "test", file=CORE)
        self.patch("m", "checker")
        rows = self.answers()
        self.assertEqual(rows["core"]["builds"], "kernel")
        self.assertEqual(rows["core"]["by"], ["test: 3 of 4 pages"])
        self.assertEqual(rows["m"]["by"], ["checker: stale-translation: AS 1"])

    def test_what_was_a_link_is_not_written_through(self) -> None:
        core = mutant.read(self.patch("core", "test", file=CORE))
        tree = mutant.Tree(self.source)
        tree.put(core, core.files)
        self.assertTrue((tree.path / GEM).samefile(self.dir / "linux" / GEM))
        one = mutant.read(self.patch("m", "test"))
        tree.put(one, one.files)
        self.assertEqual((tree.path / GEM).read_text("utf-8"), "one\ntest\nthree\n")
        self.assertEqual((self.dir / "linux" / GEM).read_text("utf-8"), "one\ngood\nthree\n")

    def test_a_mutant_that_goes_is_news_to_make(self) -> None:
        one = mutant.read(self.patch("m", "test"))
        tree = mutant.Tree(self.source)
        tree.put(one, one.files)
        put = (tree.path / GEM).stat().st_mtime_ns
        tree.put(None, one.files)
        self.assertEqual((tree.path / GEM).read_text("utf-8"), "one\ngood\nthree\n")
        gone = (tree.path / GEM).stat().st_mtime_ns
        self.assertGreaterEqual(gone, put)
        self.assertGreater(gone, (self.dir / "linux" / GEM).stat().st_mtime_ns)
        tree.put(None, one.files)
        self.assertEqual((tree.path / GEM).stat().st_mtime_ns, gone)


class Refused(MutantsCase):
    def test_names_and_tests_that_are_not_there(self) -> None:
        path = self.patch("m", "test", row="M7")
        self.assertIn("there is no mutant x", self.call("x")[2])
        self.assertEqual(self.call("M7")[0], 0)
        path.write_text(path.read_text("utf-8").replace("evict.a", "evict.z"), "utf-8")
        self.assertIn("mutants/m.patch: there is no test or suite evict.z", self.call()[2])

    def test_fields(self) -> None:
        path = self.patch("m", "test")
        good = path.read_text("utf-8")
        for old, new, what in (("Row: S1\n", "", "does not say Row:"),
                               ("Row: S1", "Rwo: S1", "is none: Rwo: S1"),
                               ("+test", "+test\n" + "+x\n" * 20, "changes 22"),
                               (f"+++ b/{GEM}", "+++", "changes no file")):
            if what:
                path.write_text(good.replace(old, new), "utf-8")
                self.assertIn(what, self.call("--list")[2])

    def test_a_kernel_that_is_not_built_here(self) -> None:
        self.patch("core", "test", file=CORE)
        self.patch("m", "test")
        self.assertIn("built[:VARIANT]", self.call("--kernel", "debian")[2])
        self.assertEqual(self.call("m", "--kernel", "debian", "--caught-only")[0], 0)


if __name__ == "__main__":
    unittest.main()
