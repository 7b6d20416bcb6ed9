# SPDX-License-Identifier: GPL-2.0-or-later
"""Coverage: counters that a real gcov reads, added up, kept, and shown."""

import io
import os
import shutil
import subprocess
import unittest
from pathlib import Path
from unittest import mock

from build_support import BuildCase

from malivm import coverage, kernel, packages, proc, progress, table, tracefile
from malivm.tracefile import File, Trace

# The branches of choose(): zero or not, and never what comes in between.
SOURCE = """\
#include "panthor_inline.h"

int choose(int x)
{
\tif (x)
\t\treturn twice(x);
\treturn 0;
}

int never(int x)
{
\tif (x > 3)
\t\treturn 1;
\treturn 2;
}

int main(int argc, char **argv)
{
\t(void)argv;
\treturn choose(argc - 1) < 0;
}
"""
HEADER = "static inline int twice(int x) { return 2 * x; }\n"
DRIVER = "drivers/gpu/drm/panthor"


class Files(unittest.TestCase):
    """Tracefiles."""

    def trace(self) -> Trace:
        file = File({3: 2, 4: 0}, {(3, 0, 0): 2, (3, 0, 1): 0, (4, 0, 0): None}, {"f": (3, 2)})
        return Trace("linux_1", {"/a.c": file})

    def test_read_as_it_was_written(self) -> None:
        self.assertEqual(tracefile.loads(tracefile.dumps(self.trace())), self.trace())

    def test_what_lcov_looks_for(self) -> None:
        self.assertEqual(tracefile.dumps(self.trace()).splitlines(), [
            "TN:linux_1", "SF:/a.c", "FN:3,f", "FNDA:2,f", "FNF:1", "FNH:1",
            "BRDA:3,0,0,2", "BRDA:3,0,1,0", "BRDA:4,0,0,-", "BRF:3", "BRH:1",
            "DA:3,2", "DA:4,0", "LF:2", "LH:1", "end_of_record"])

    def test_runs_are_added_up(self) -> None:
        trace = self.trace()
        trace.merge(Trace("linux_1", {"/a.c": File({4: 1}, {(4, 0, 0): 1, (3, 0, 0): None})}))
        self.assertEqual(trace.files["/a.c"].lines, {3: 2, 4: 1})
        self.assertEqual(trace.files["/a.c"].branches, {(3, 0, 0): 2, (3, 0, 1): 0, (4, 0, 0): 1})

    def test_a_line_of_several_functions(self) -> None:
        def line(count: int, *branches: int) -> dict[str, object]:
            return {"line_number": 7, "count": count, "branches": [{"count": n} for n in branches]}
        said = {"files": [{"file": "a.h", "functions": [],
                           "lines": [line(2, 2, 0), line(0, 0, 0)]}]}
        file = tracefile.from_gcov(said)["a.h"]
        self.assertEqual(file.lines, {7: 2})
        self.assertEqual(file.branches, {(7, 0, 0): 2, (7, 0, 1): 0,
                                         (7, 1, 0): None, (7, 1, 1): None})

    def test_something_else(self) -> None:
        for text in ("DA:x,1\n", "hello\n", "BRDA:1,2\n", "FNDA:1,f\n"):
            with self.assertRaisesRegex(Exception, "line 1 is none of a tracefile"):
                tracefile.loads(text)


class CoverageCase(BuildCase):
    """A tree with one object of the driver, built for this machine."""

    def setUp(self) -> None:
        super().setUp()
        if not proc.find("gcov"):
            self.skipTest("no gcov")
        self.enter(mock.patch.object(packages, "CROSS", ""))
        self.enter(mock.patch.object(packages, "ensure", lambda *_: None))
        self.real_pages = coverage._write_pages
        self.enter(mock.patch.object(coverage, "_write_pages", self.write_pages))
        self.enter(mock.patch.object(progress, "step", lambda _: mock.MagicMock()))
        self.pages: list[Path] = []
        self.write(f"src/{DRIVER}/panthor_inline.h", HEADER)
        self.write("obj/.config", "CONFIG_GCOV_KERNEL=y\n")
        self.obj = self.dir / "obj"
        (self.obj / DRIVER).mkdir(parents=True)
        (self.obj / "source").symlink_to(self.dir / "src")
        self.build(SOURCE)
        self.kernel = kernel.Kernel(Path("Image"), None, "7.3", "test", tree=self.obj)
        self.out = io.StringIO()

    def build(self, source: str) -> None:
        self.write(f"src/{DRIVER}/panthor_mmu.c", source)
        object_ = f"{DRIVER}/panthor_mmu.o"
        subprocess.run(["gcc", "--coverage", "-c", "-o", object_,
                        self.dir / "src" / DRIVER / "panthor_mmu.c"], cwd=self.obj, check=True)
        subprocess.run(["gcc", "--coverage", "-o", "program", object_], cwd=self.obj, check=True)

    def write_pages(self, folder: Path, _: Path) -> None:
        self.pages.append(folder)

    def run_guest(self, share: Path, *args: str) -> None:
        """What a guest's tests and its init would leave in `share`."""
        env = {**os.environ, "GCOV_PREFIX": str(share)}
        subprocess.run([self.obj / "program", *args], env=env, check=True)

    def run_once(self, *args: str) -> None:
        session = coverage.Session(str(self.dir / "out"), self.kernel)
        with session.share() as share:
            self.run_guest(share, *args)
            session.save(share, table.Paper(self.out))

    def trace(self) -> Trace:
        return tracefile.loads((self.dir / "out" / coverage.TRACE).read_text("utf-8"))


class Runs(CoverageCase):
    """From a guest's counters to a folder."""

    def test_one_run(self) -> None:
        self.run_once()
        path = str((self.dir / "src" / DRIVER / "panthor_mmu.c").resolve())
        file = self.trace().files[path]
        self.assertEqual((file.lines[5], file.lines[6], file.lines[12]), (1, 0, 0))
        self.assertEqual(sorted(map(str, file.branches.values())), ["0", "1", "None", "None"])
        self.assertEqual(self.pages, [self.dir / "out"])
        self.assertRegex(self.out.getvalue(), r"panthor_mmu\.c +\d+\.\d +25\.0 +85 +25\.0\n")

    def test_what_no_test_took_is_listed(self) -> None:
        self.run_once()
        listed = (self.dir / "out" / coverage.UNREACHED).read_text("utf-8").splitlines()
        self.assertEqual(len(listed), 3)
        self.assertRegex(listed[0], rf"^{DRIVER}/panthor_mmu\.c:5: branch [12] of 2 not taken: "
                         r"if \(x\)$")
        self.assertEqual(listed[1], f"{DRIVER}/panthor_mmu.c:12: branch 1 of 2 not come to: "
                         "if (x > 3)")

    def test_branches_but_for_those_of_assertions(self) -> None:
        self.build("#define WARN_ON(x) (x)\n" +
                   SOURCE.replace("if (x > 3)", "if (WARN_ON(x > 3))"))
        self.run_once()
        self.assertRegex(self.out.getvalue(), r"panthor_mmu\.c +\d+\.\d +25\.0 +85 +50\.0\n")

    def test_lines_of_assertions(self) -> None:
        text = ("a();\nif (drm_WARN_ON(dev, b(1) >\n    2) ||\n    c)\n"
                "WARN(1);\nWARNING(1);\ndrm_err(dev, \"d\",\n  e);\nf();\n")
        self.assertEqual(coverage.macro_lines(text), {2, 3, 5, 7, 8})

    def test_runs_are_added_up(self) -> None:
        self.run_once()
        self.run_once("an argument")
        path = str((self.dir / "src" / DRIVER / "panthor_mmu.c").resolve())
        self.assertEqual((self.trace().files[path].lines[5], self.trace().files[path].lines[6]),
                         (2, 1))
        self.assertIn("50.0", self.out.getvalue())

    def test_inline_functions_of_the_driver_count(self) -> None:
        self.run_once("an argument")
        names = [Path(name).name for name in self.trace().files]
        self.assertEqual(names, ["panthor_inline.h", "panthor_mmu.c"])

    def test_only_the_drivers_files_count(self) -> None:
        with mock.patch.object(coverage, "SOURCES", (f"{DRIVER}/*.h",)):
            self.run_once()
        self.assertEqual([Path(name).name for name in self.trace().files], ["panthor_inline.h"])

    def test_pages(self) -> None:
        if not proc.find("genhtml"):
            self.skipTest("no genhtml")
        with mock.patch.object(coverage, "_write_pages", self.real_pages):
            self.run_once()
        coverage_page = (self.dir / "out" / coverage.PAGES / "index.html").read_text("utf-8")
        self.assertIn("panthor", coverage_page)


class Refused(CoverageCase):
    """What cannot be counted."""

    def session(self) -> coverage.Session:
        return coverage.Session(str(self.dir / "out"), self.kernel)

    def test_a_kernel_without_gcov(self) -> None:
        self.write("obj/.config", "# CONFIG_GCOV_KERNEL is not set\n")
        self.assertIn("take --kernel built:coverage", self.error(self.session))

    def test_a_kernel_that_was_not_built_here(self) -> None:
        self.kernel = kernel.Kernel(Path("Image"), None, "7.3", "Debian 7.3.4-1")
        self.assertIn("the kernel (Debian 7.3.4-1) does not count", self.error(self.session))

    def test_nothing_of_the_driver_is_counted(self) -> None:
        next(self.obj.rglob("*.gcno")).unlink()
        self.assertIn("take --kernel built:coverage", self.error(self.session))

    def test_a_file_in_place_of_the_folder(self) -> None:
        self.write("out", "")
        self.assertIn("not a folder", self.error(self.session))

    def test_another_kernel(self) -> None:
        self.run_once()
        self.write(f"src/{DRIVER}/panthor_mmu.c", SOURCE + "\n")
        self.assertIn("is of another kernel", self.error(self.session))

    def test_something_else_in_the_folder(self) -> None:
        self.write(f"out/{coverage.TRACE}", "mine\n")
        self.assertIn("cannot be added to (line 1 is none", self.error(self.session))

    def test_a_guest_that_leaves_nothing(self) -> None:
        session = self.session()
        with session.share() as share:
            self.assertIn("has handed out no counters",
                          self.error(lambda: session.save(share, table.Paper(self.out))))
        self.assertFalse((self.dir / "out").exists())

    def place(self, share: Path) -> Path:
        return share / str((self.obj / DRIVER / "panthor_mmu.gcda").relative_to("/"))

    def test_a_guest_that_leaves_links(self) -> None:
        session = self.session()
        with session.share() as share:
            self.run_guest(share)
            good = self.place(share)
            shutil.move(good, self.dir / "secret.gcda")
            good.symlink_to(self.dir / "secret.gcda")
            self.assertIn("no counters", self.error(lambda: coverage.collect(session.profile,
                                                                             share)))
        with session.share() as share:
            (share / "elsewhere").mkdir()
            self.place(share).parent.parent.mkdir(parents=True)
            self.place(share).parent.symlink_to(self.dir)
            (self.dir / "panthor_mmu.gcda").write_bytes((self.dir / "secret.gcda").read_bytes())
            self.assertIn("no counters", self.error(lambda: coverage.collect(session.profile,
                                                                             share)))

    def test_a_guest_that_leaves_garbage(self) -> None:
        session = self.session()
        with session.share() as share:
            self.run_guest(share)
            good = self.place(share).read_bytes()
            # Of another build; not to its end; of something else
            for bad in (good[:8] + bytes(4) + good[12:], good[:-6], b"garbage" * 1000, b""):
                self.place(share).write_bytes(bad)
                self.assertIn("gcov cannot read the guest's counters of panthor_mmu.gcda",
                              self.error(lambda: coverage.collect(session.profile, share)))


if __name__ == "__main__":
    unittest.main()
