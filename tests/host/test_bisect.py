# SPDX-License-Identifier: GPL-2.0-or-later
"""./mali-vm bisect: the right commit, the user's tree untouched, whatever happens meanwhile."""

import os
import signal
import subprocess
import sys
import unittest
from pathlib import Path
from unittest import mock

from history_support import HistoryCase

import fake_trial
from malivm import bisect, cli

FAKE_STEP = (str(Path(fake_trial.__file__)),)


class BisectCase(HistoryCase):
    """With steps that do not build anything."""

    def setUp(self) -> None:
        super().setUp()
        self.enter(mock.patch.object(bisect, "STEP", FAKE_STEP))

    def bisect(self, good: str, bad: str, *more: str) -> tuple[int, str, str]:
        return self.call("bisect", "--tree", str(self.tree), "--good", good, "--bad", bad,
                         "--test", "evict.a", *more)


class Found(BisectCase):
    def test_the_culprit(self) -> None:
        ids = self.commits(*["good"] * 7, *["bad"] * 5)
        before = self.state()
        code, out, err = self.bisect(ids[0], "main")
        self.assertEqual((code, err), (0, ""))
        self.assertIn(f"{ids[7]} is the first bad commit", out)
        self.assertIn("this one is bad7", out)
        self.assertIn("evict.a: content", out)
        # Both ends, and log2 of what is between them
        self.assertLessEqual(len(self.runs()), 2 + 4)
        self.assertEqual(self.state(), before)

    def test_each_place(self) -> None:
        ids = self.commits(*["good"] * 3)
        for place in range(1, 4):
            self.git("checkout", "-q", "-B", f"branch{place}", ids[0])
            new = self.commits(*["good"] * (place - 1), *["bad"] * (4 - place))
            with self.subTest(place):
                code, out, _ = self.bisect(ids[0], f"branch{place}")
                self.assertEqual(code, 0)
                self.assertIn(f"{new[place - 1]} is the first bad commit", out)

    def test_what_does_not_build_or_boot_is_left_out(self) -> None:
        ids = self.commits("good", "good", "nobuild", "noboot", "good", "bad", "bad")
        code, out, _ = self.bisect(ids[0], ids[-1])
        self.assertEqual(code, 0)
        self.assertIn(f"{ids[5]} is the first bad commit", out)

    def test_only_a_range_is_left(self) -> None:
        ids = self.commits("good", "nobuild", "noboot", "bad", "bad")
        code, out, _ = self.bisect(ids[0], ids[-1])
        self.assertEqual(code, 1)
        self.assertIn("the first bad commit is one of these", out)
        for number in (1, 2, 3):
            self.assertRegex(out, rf"(?m)^  {ids[number][:12]} this one")
        self.assertIn("it is no C", out)
        self.assertIn("Kernel panic", out)

    def test_a_branch_that_was_merged(self) -> None:
        base = self.commits("good")[0]
        self.git("checkout", "-q", "-b", "side")
        side = [self.commit("bad", "x"), self.commit("bad", "y")]
        self.git("checkout", "-q", "main")
        self.commit("good", "main")
        self.git("merge", "-q", "-X", "theirs", "-m", "merged", "side")
        code, out, _ = self.bisect(base, "main")
        self.assertEqual(code, 0)
        self.assertIn(f"{side[0]} is the first bad commit", out)

    def test_names_of_all_kinds(self) -> None:
        ids = self.commits("good", "bad")
        self.git("tag", "-a", "-m", "x", "v1", ids[0])
        code, out, _ = self.bisect("v1", "HEAD")
        self.assertEqual(code, 0)
        self.assertIn(ids[1], out)

    def test_commits_that_no_branch_has(self) -> None:
        ids = self.commits("good", "bad")
        self.git("checkout", "-q", "--detach")
        self.git("branch", "-D", "main")
        self.git("checkout", "-q", "--orphan", "other")
        code, _, _ = self.bisect(ids[0], ids[1])
        self.assertEqual(code, 0)

    def test_the_command_that_has_it_again(self) -> None:
        ids = self.commits("good", "bad")
        rule = "as-command command=unlock -> delay time=5ms"
        _, out, _ = self.bisect(ids[0], ids[1], "--inject", rule, "--seed", "7", "--smp", "1",
                                "--device-opt", "coherent=off", "--kernel", "built:debug")
        line = next(line for line in out.splitlines() if "./mali-vm run" in line)
        self.assertRegex(line, r"^  LINUX_SRC=\S+/tree ./mali-vm run evict.a")
        for part in (f"--inject '{rule}'", "--seed 7", "--smp 1", "--kernel built:debug",
                     "--device-opt coherent=off"):
            self.assertIn(part, line)
        for part in ("--memory", "--timeout", "--sanitize", "--keep-going", "--model"):
            self.assertNotIn(part, line)
        checkout = Path(line.split("=", 1)[1].split()[0])
        self.assertEqual((checkout / fake_trial.DRIVER).read_text("utf-8"), "bad\n")

    def test_and_that_of_the_driver_alone(self) -> None:
        ids = self.commits("good", "bad")
        _, out, _ = self.bisect(ids[0], ids[1], "--kernel", "debian:7.3")
        self.assertRegex(out, r"\n  ./mali-vm run evict.a --kernel debian:7.3 --driver \S+/tree\n")

    def test_only_files_that_differ_are_written(self) -> None:
        ids = self.commits("good", "good", "bad")
        self.bisect(ids[0], ids[2])
        tree = next((self.cache / "trees").glob("*/tree"))
        before = (tree / "Makefile").stat().st_mtime_ns
        self.bisect(ids[0], ids[1])
        self.assertEqual((tree / "Makefile").stat().st_mtime_ns, before)


class Flaky(BisectCase):
    def test_one_run_would_be_misled(self) -> None:
        ids = self.commits(*["good"] * 4, *["sometimes 3"] * 4)
        code, out, _ = self.bisect(ids[0], ids[-1], "--repeat", "6")
        self.assertEqual(code, 0)
        self.assertIn(f"{ids[4]} is the first bad commit", out)

    def test_until_it_is_likely_enough(self) -> None:
        ids = self.commits(*["good"] * 4, *["sometimes 2"] * 4)
        code, out, _ = self.bisect(ids[0], ids[-1], "--until-confidence", "0.9")
        self.assertEqual(code, 0)
        self.assertIn(f"{ids[4]} is the first bad commit", out)
        found = next(line for line in out.splitlines() if "confidence of at least" in line)
        self.assertGreaterEqual(float(found.rpartition(" ")[2].rstrip("%")), 90.0)

    def test_it_never_fails(self) -> None:
        ids = self.commits("good", "good")
        code, _, err = self.bisect(ids[0], ids[1], "--repeat", "5")
        self.assertEqual(code, 2)
        self.assertIn("does not fail at the bad commit", err)
        self.assertEqual(self.runs(), ["good"] * 5)


class Refused(BisectCase):
    def refused(self, *words: str) -> str:
        code, _, err = self.call("bisect", *words)
        self.assertEqual(code, 2)
        self.assertEqual(len(err.splitlines()), 1, err)
        self.assertEqual(self.runs(), [])
        return err

    def ends(self, good: str, bad: str, *more: str) -> str:
        return self.refused("--tree", str(self.tree), "--good", good, "--bad", bad, *more)

    def test_no_such_folder(self) -> None:
        self.assertIn("there is no such folder",
                      self.refused("--tree", "/nowhere", "--good", "a", "--bad", "b"))

    def test_not_in_git(self) -> None:
        plain = self.write("plain/Makefile", "").parent
        self.assertIn("is not in git",
                      self.refused("--tree", str(plain), "--good", "a", "--bad", "b"))

    def test_commits_that_are_not_there(self) -> None:
        self.commits("good", "bad")
        self.assertIn("--good v9 is no commit", self.ends("v9", "main"))
        self.assertIn("--bad v9 is no commit", self.ends("main~1", "v9"))
        self.assertIn("--bad --all is no commit",
                      self.refused("--tree", str(self.tree), "--good", "main", "--bad=--all"))

    def test_the_same_commit(self) -> None:
        self.commits("good")
        self.assertIn("are the same commit", self.ends("main", "HEAD"))

    def test_the_wrong_way_around(self) -> None:
        ids = self.commits("good", "bad")
        self.assertIn("the other way around", self.ends(ids[1], ids[0]))

    def test_strangers(self) -> None:
        self.commits("good")
        self.git("checkout", "-q", "--orphan", "other")
        self.commit("bad", "other")
        self.assertIn("no history in common", self.ends("main", "other"))

    def test_shallow(self) -> None:
        self.commits("good", "good", "bad")
        whole = self.tree
        self.tree = self.dir / "shallow"
        subprocess.run(["git", "clone", "-q", "--depth", "1", f"file://{whole}", self.tree],
                       check=True)
        old = subprocess.run(["git", "-C", whole, "rev-parse", "HEAD~1"], check=True, text=True,
                             capture_output=True).stdout.strip()
        self.assertIn("git fetch --unshallow", self.ends(old, "HEAD"))
        self.assertIn("git fetch --unshallow", self.ends("HEAD~1", "HEAD"))

    def test_no_test(self) -> None:
        ids = self.commits("good", "bad")
        self.assertIn("--test is missing", self.ends(*ids))
        self.assertIn("no test or suite evict.z", self.ends(*ids, "--test", "evict.z"))

    def test_values(self) -> None:
        ids = self.commits("good", "bad")
        for words, says in ((("--until-confidence", "1"), "a probability"),
                            (("--repeat", "0"), "--help"),
                            (("--kernel", "built:fast"), "no such variant"),
                            (("--config", "nowhere"), "there is no such file"),
                            (("--config", __file__), "has no option")):
            with self.subTest(words):
                self.assertIn(says, self.ends(*ids, "--test", "evict.a", *words))


class Ends(BisectCase):
    def test_the_good_one_fails_as_well(self) -> None:
        ids = self.commits("bad", "bad")
        code, _, err = self.bisect(*ids)
        self.assertEqual(code, 2)
        self.assertIn("fails at the good commit", err)
        self.assertIn("evict.a: content", err)

    def test_the_bad_one_cannot_be_tested(self) -> None:
        for says, why in (("nobuild", "it is no C"), ("noboot", "Kernel panic")):
            ids = self.commits("good", says)
            with self.subTest(says):
                code, _, err = self.bisect(*ids)
                self.assertEqual(code, 2)
                self.assertIn("cannot be tested", err)
                self.assertIn(why, err)

    def test_a_dirty_tree_is_told_of_and_left_alone(self) -> None:
        ids = self.commits("good", "bad")
        self.write("linux/lib/other.c", "edited")
        self.write("linux/untracked", "")
        before = self.state()
        code, _, _ = self.bisect(*ids)
        self.assertEqual(code, 0)
        self.assertTrue(any("not committed" in text for text in self.said))
        self.assertEqual(self.state(), before)


class Stopped(BisectCase):
    def test_a_full_disk_stops_it_and_the_next_call_goes_on(self) -> None:
        ids = self.commits("good", "good", "full", "bad", "bad")
        code, _, err = self.bisect(ids[0], ids[-1])
        self.assertEqual(code, 2)
        self.assertIn("the bisection was stopped", err)
        done = len(self.runs())
        code, _, _ = self.bisect(ids[0], ids[-1])
        self.assertEqual(code, 2)
        self.assertEqual(len(self.runs()), done)
        self.assertTrue(any("going on after" in text for text in self.said))

    def test_a_mistake_of_ours_is_no_bad_commit(self) -> None:
        ids = self.commits("good", "good", "bug", "bad", "bad")
        code, out, err = self.bisect(ids[0], ids[-1])
        self.assertEqual(code, 2)
        self.assertNotIn("first bad commit", out)
        self.assertIn("was stopped", err)

    def test_git_was_killed_in_a_checkout(self) -> None:
        ids = self.commits("good", "good", "bad", "bad")
        self.bisect(ids[0], ids[-1])
        tree = next((self.cache / "trees").glob("*/tree"))
        (tree / ".git/index.lock").touch()
        (tree / "lib/other.c").write_text("half")
        (tree / "lib/junk.c").touch()
        code, out, _ = self.bisect(ids[0], ids[-1])
        self.assertEqual(code, 0)
        self.assertIn(f"{ids[2]} is the first bad commit", out)
        self.assertFalse((tree / "lib/junk.c").exists())
        self.assertNotEqual((tree / "lib/other.c").read_text(), "half")

    def start(self, good: str, bad: str) -> subprocess.Popen[str]:
        """The command as a process, whose trials are faked, too."""
        script = ("import sys, unittest.mock as m\n"
                  "import fake_trial; fake_trial.install()\n"
                  "from malivm import bisect, cli, guest, paths, trial\n"
                  f"bisect.STEP = {FAKE_STEP!r}\n"
                  "guest.list_tests = lambda: [('evict.a', 'one')]\n"
                  "guest.suites = dict\n"
                  "trial.key = lambda args: repr(sorted(vars(args).items()))\n"
                  "sys.exit(cli.main(sys.argv[1:]))\n")
        return subprocess.Popen(
            [sys.executable, "-c", script, "bisect", "--tree", str(self.tree), "--good", good,
             "--bad", bad, "--test", "evict.a"], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, process_group=0,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)})

    def interrupt(self, number: int, everyone: bool) -> None:
        ids = self.commits("good", "good", "hang", "bad", "bad")
        before = self.state()
        with self.start(ids[0], ids[-1]) as command:
            assert command.stderr is not None
            for line in command.stderr:
                if line == "hanging\n":
                    break
            group = os.getpgid(command.pid)
            (os.killpg if everyone else os.kill)(group, number)
            rest = command.stderr.read()
        self.assertEqual(self.state(), before)
        # All that it had started has ended: the pipe is closed, or read() would not have.
        if number != signal.SIGKILL:
            self.assertEqual(command.returncode, cli.INTERRUPTED, rest)
            self.assertIn("the same command goes on from here", rest)
        # With that commit mended, so that it is not asked again what is known
        ran = len(self.runs())
        words = self.runs()
        self.assertEqual(words[-1], "hang")
        with mock.patch.dict(os.environ, {"FAKE_TRIAL_HANG": "good"}):
            code, out, _ = self.bisect(ids[0], ids[-1])
        self.assertEqual(code, 0)
        self.assertIn(f"{ids[3]} is the first bad commit", out)
        self.assertEqual(self.runs()[ran:], ["hang", "bad"])

    def test_ctrl_c(self) -> None:
        self.interrupt(signal.SIGINT, True)

    def test_terminated(self) -> None:
        self.interrupt(signal.SIGTERM, False)

    def test_killed(self) -> None:
        self.interrupt(signal.SIGKILL, False)


if __name__ == "__main__":
    unittest.main()
