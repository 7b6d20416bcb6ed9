# SPDX-License-Identifier: GPL-2.0-or-later
"""Files that are there whole or not at all, and programs that are run."""

import errno
import os
import signal
import subprocess
import sys
import unittest
from pathlib import Path
from unittest import mock

from build_support import PROJECT, BuildCase

from malivm import errors, packages, paths, proc


class Whole(BuildCase):
    """Nothing half-written is taken for complete."""

    def test_directory_when_it_fails(self) -> None:
        for exc in (KeyboardInterrupt, OSError(errno.ENOSPC, "x")):
            with self.assertRaises(BaseException):
                with paths.whole_dir(self.dir / "made") as temp:
                    (temp / "file").write_text("x", "ascii")
                    raise exc
            self.assertFalse((self.dir / "made").exists())
            self.assert_no_parts()

    def test_directory_is_replaced_whole(self) -> None:
        self.write("made/old", "")
        with paths.whole_dir(self.dir / "made") as temp:
            (temp / "new").write_text("x", "ascii")
            self.assertTrue((self.dir / "made" / "old").exists())
        self.assertEqual(os.listdir(self.dir / "made"), ["new"])

    def test_file_when_it_fails(self) -> None:
        path = self.write("file", "old")
        with mock.patch("os.replace", side_effect=OSError(errno.ENOSPC, "x")):
            with self.assertRaises(OSError):
                paths.write_whole(path, "new")
        self.assertEqual(path.read_text("ascii"), "old")
        self.assert_no_parts()

    def test_what_is_no_plain_file_is_written_to(self) -> None:
        target = self.write("target", "old")
        link = self.dir / "link"
        link.symlink_to(target)
        paths.write_whole(link, "new")
        self.assertTrue(link.is_symlink())
        self.assertEqual(target.read_text("ascii"), "new")
        fifo = self.dir / "fifo"
        os.mkfifo(fifo)
        reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
        paths.write_whole(fifo, "through")
        self.assertEqual(os.read(reader, 100), b"through")
        os.close(reader)
        self.assertTrue(fifo.is_fifo())

    def test_left_overs_of_a_killed_run(self) -> None:
        self.write("home/part_x/file", "")
        self.write("home/part_y", "")
        self.write("home/kept", "")
        with paths.lock(self.dir / "home"):
            self.assertEqual(sorted(os.listdir(self.dir / "home")), [".lock", "kept"])

    def test_lock_excludes_another_process(self) -> None:
        home = self.dir / "home"
        script = ("import sys; from malivm import paths; from pathlib import Path\n"
                  "with paths.lock(Path(sys.argv[1])): (Path(sys.argv[1]) / 'in').touch()")
        with paths.lock(home):
            other = subprocess.Popen([sys.executable, "-c", script, home], cwd=PROJECT,
                                     stderr=subprocess.PIPE, encoding="utf-8")
            assert other.stderr
            self.assertIn("waiting for another mali-vm", other.stderr.readline())
            self.assertFalse((home / "in").exists())
        self.assertEqual(other.wait(30), 0)
        other.stderr.close()
        self.assertTrue((home / "in").exists())

    def test_two_that_prune_at_a_time(self) -> None:
        home = self.dir / "home"
        self.write("home/kept/of", f"{self.dir}\n")
        self.write("home/gone/of", f"{self.dir / 'nothing'}\n")
        remove, programs = paths.remove, []

        def with_another(path: Path) -> None:
            code = ("import sys; from pathlib import Path; from malivm import paths; "
                    "paths.prune(Path(sys.argv[1]), 'of')")
            programs.append(subprocess.Popen([sys.executable, "-c", code, str(home)], cwd=PROJECT,
                                             stderr=subprocess.PIPE, text=True))
            assert programs[0].stderr
            self.assertIn("waiting for another mali-vm", programs[0].stderr.readline())
            remove(path)

        with mock.patch.object(paths, "remove", with_another):
            paths.prune(home, "of")
        self.assertEqual(programs[0].communicate(timeout=60)[1], "")
        self.assertEqual(programs[0].returncode, 0)
        self.assertEqual(sorted(path.name for path in home.iterdir()), [".lock", "kept"])

    def test_stat_key_tells_a_changed_file(self) -> None:
        path = self.write("file", "1")
        before = paths.stat_key(path)
        self.assertEqual(paths.stat_key(path), before)
        os.utime(path, ns=(0, 0))
        self.assertNotEqual(paths.stat_key(path), before)

    def test_full_disk(self) -> None:
        """On a file system of one megabyte, which takes root to mount."""
        full = self.dir / "full"
        full.mkdir()
        script = f"""
import sys
sys.path.insert(0, {str(PROJECT)!r})
from pathlib import Path
from malivm import errors, paths, proc
full = Path({str(full)!r})
try:
    with paths.whole_dir(full / "made") as temp:
        proc.run(["cp", "/proc/self/exe", "/usr/bin/python3", temp], "copying", cwd=temp)
        proc.run(["dd", "if=/dev/zero", "of=" + str(temp / "zero"), "bs=64k"], "copying", cwd=temp)
except errors.MaliError as exc:
    print(exc.message)
try:
    paths.write_whole(full / "file", bytes(2 << 20))
except OSError as exc:
    print(errors.from_os_error(exc).message)
print([path.name for path in full.iterdir()])
"""
        command = 'mount -t tmpfs -o size=1m tmpfs "$1" && exec "$2" -c "$3"'
        ran = subprocess.run(["unshare", "--mount", "sh", "-c", command, "sh", full,
                              sys.executable, script], capture_output=True, encoding="utf-8",
                             check=False)
        if "unshare" in ran.stderr or "mount:" in ran.stderr:
            self.skipTest("not allowed to mount")
        lines = ran.stdout.splitlines()
        self.assertEqual(len(lines), 3, ran.stderr)
        for line in lines[:2]:
            self.assertRegex(line, "^the disk that holds .* is full: free some space, or set XDG")
        self.assertEqual(lines[2], "[]")


class Errors(unittest.TestCase):
    """OSErrors as sentences."""

    def test_full_disk(self) -> None:
        error = errors.from_os_error(OSError(errno.ENOSPC, "No space left on device", "/x/y"))
        self.assertIn("the disk that holds /x/y is full", error.message)

    def test_permission(self) -> None:
        error = errors.from_os_error(PermissionError(errno.EACCES, "Permission denied", "/x"))
        self.assertIn("no permission to use /x", error.message)

    def test_other(self) -> None:
        error = errors.from_os_error(OSError(errno.EIO, "Input/output error", "/x"))
        self.assertEqual(error.message, "/x: Input/output error")


class Programs(BuildCase):
    """proc.run()."""

    def test_output_and_lines(self) -> None:
        lines: list[str] = []
        out = proc.run(["sh", "-c", "echo a; echo b >&2"], "x", on_line=lines.append)
        self.assertEqual((out, lines), ("a\nb\n", ["a\n", "b\n"]))

    def test_failure_shows_the_telling_line(self) -> None:
        script = "echo [1/2] cc; echo ../a.c:1:2: error: no; echo ninja: build stopped; exit 1"
        message = self.error(lambda: proc.run(["sh", "-c", script], "building", log="b"))
        self.assertTrue(message.startswith("building failed: ../a.c:1:2: error: no (all of it: "))
        self.assertIn("build stopped", proc.log_path("b").read_text("utf-8"))

    def test_a_files_name_tells_nothing(self) -> None:
        self.assertEqual(proc.telling_line("CC lib/error-inject.o\na.c:1: error: no b\n"),
                         "a.c:1: error: no b")

    def test_full_disk(self) -> None:
        script = "echo 'as: a.o: No space left on device'; exit 1"
        self.assertIn("is full", self.error(lambda: proc.run(["sh", "-c", script], "building")))

    def test_absent_program(self) -> None:
        self.assertIn("no-such-program is not there: run ./mali-vm setup",
                      self.error(lambda: proc.run(["no-such-program"], "x")))

    def test_interrupt_ends_the_child(self) -> None:
        script = ("from malivm import proc\n"
                  "try: proc.run(['sh', '-c', 'echo $$; exec sleep 1000'], 'x',\n"
                  "              on_line=lambda line: print(line, end='', flush=True))\n"
                  "except KeyboardInterrupt: print('interrupted')")
        parent = subprocess.Popen([sys.executable, "-c", script], cwd=PROJECT,
                                  stdout=subprocess.PIPE, encoding="ascii")
        assert parent.stdout
        child = Path("/proc") / parent.stdout.readline().strip()
        self.assertTrue(child.exists())
        parent.send_signal(signal.SIGINT)
        self.assertEqual(parent.stdout.read(), "interrupted\n")
        parent.wait()
        parent.stdout.close()
        self.assertFalse(child.exists())

    def test_interrupt_waits_for_what_must_not_be_left_half_done(self) -> None:
        script = ("from malivm import proc\n"
                  "try: proc.run(['sh', '-c', 'echo; read line < $0; echo > $1', *sys.argv[1:]],\n"
                  "              'x', to_its_end=True,\n"
                  "              on_line=lambda line: print(line, end='', flush=True))\n"
                  "except KeyboardInterrupt: print('interrupted')")
        fifo, end = self.dir / "fifo", self.dir / "end"
        os.mkfifo(fifo)
        # For both ways: neither end waits for the other, and nobody need be there to read.
        gate = os.open(fifo, os.O_RDWR)
        self.addCleanup(os.close, gate)
        parent = subprocess.Popen([sys.executable, "-c", "import sys\n" + script, fifo, end],
                                  cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  encoding="ascii", start_new_session=True)
        assert parent.stdout and parent.stderr
        parent.stdout.readline()
        os.killpg(parent.pid, signal.SIGINT)
        parent.stderr.readline()
        self.assertIn("x has to be finished first", parent.stderr.readline())
        self.assertFalse(end.exists())
        os.write(gate, b"go\n")
        self.assertEqual(parent.stdout.read(), "interrupted\n")
        self.assertTrue(end.exists())
        parent.wait()
        parent.stdout.close()
        parent.stderr.close()


class Packages(BuildCase):
    """Installing what the machine lacks."""

    def setUp(self) -> None:
        super().setUp()
        packages.ensure.cache_clear()
        self.addCleanup(packages.ensure.cache_clear)
        self.ran: list[list[str]] = []
        self.user = 1000
        self.fails = 0
        self.enter(mock.patch.object(proc, "run", self.run_program))
        self.enter(mock.patch.object(proc, "find", lambda name: f"/usr/bin/{name}"))
        self.enter(mock.patch("os.geteuid", lambda: self.user))
        self.enter(mock.patch.object(packages, "NEEDS", (
            packages.Need("a", "there", lambda: True), packages.Need("a", "lacking", lambda: False),
            packages.Need("b", "other", lambda: False))))

    def run_program(self, argv: list[str], what: str, **_: object) -> str:
        """Note what would be run."""
        self.ran.append(list(argv))
        if self.fails and "install" in argv:
            self.fails -= 1
            raise proc.Failed("apt-get failed: E: Unable to locate package lacking", "")
        return ""

    def test_only_what_is_lacking_and_said_first(self) -> None:
        self.user = 0
        packages.ensure("a")
        command = ["apt-get", "install", "--yes", "--no-install-recommends", "lacking"]
        self.assertEqual(self.ran, [command])
        self.assertIn(" ".join(command), self.said[0])

    def test_sudo_when_not_root(self) -> None:
        packages.ensure("a")
        self.assertEqual([argv[0] for argv in self.ran], ["sudo", "sudo"])

    def test_nothing_to_do(self) -> None:
        with mock.patch.object(packages, "NEEDS", packages.NEEDS[:1]):
            packages.ensure("a")
        self.assertEqual((self.ran, self.said), ([], []))

    def test_old_index(self) -> None:
        self.user, self.fails = 0, 1
        packages.ensure("a")
        self.assertEqual([argv[1] for argv in self.ran], ["install", "update", "install"])

    def test_cannot_be_installed(self) -> None:
        self.user, self.fails = 0, 2
        message = self.error(lambda: packages.ensure("a"))
        self.assertIn("Unable to locate package lacking", message)
        self.assertIn("apt-get install lacking", message)

    def test_no_sudo(self) -> None:
        with mock.patch.object(proc, "find", {"apt-get": "/usr/bin/apt-get"}.get):
            self.assertIn("as root, install them by hand (apt-get install lacking)",
                          self.error(lambda: packages.ensure("a")))


class Progress(unittest.TestCase):
    """What is shown of long work."""

    def run_step(self, body: str, setting: str = "LOG_EVERY = 15") -> list[str]:
        """Run `body` in a step and return what was shown, times left out."""
        script = f"from malivm import progress\nprogress.{setting}\n" \
                 f"with progress.step('work') as s:\n {body}"
        ran = subprocess.run([sys.executable, "-c", script], cwd=PROJECT, capture_output=True,
                             encoding="utf-8", check=False)
        return [line.rpartition(" (")[0] or line for line in ran.stderr.splitlines()]

    def test_begin_and_end(self) -> None:
        self.assertEqual(self.run_step("pass"), ["work ...", "work: done"])

    def test_failure(self) -> None:
        self.assertEqual(self.run_step("raise SystemExit(1)"), ["work ...", "work: failed"])

    def test_interrupt(self) -> None:
        self.assertIn("work: interrupted", self.run_step("raise KeyboardInterrupt"))

    def test_in_a_log_not_more_than_now_and_then(self) -> None:
        many = "[s.update(n, 100) for n in range(100)]"
        self.assertEqual(self.run_step(many, "LOG_EVERY = 1e9"), ["work ...", "work: done"])
        self.assertEqual(len(self.run_step(many, "LOG_EVERY = 0")), 102)


if __name__ == "__main__":
    unittest.main()
