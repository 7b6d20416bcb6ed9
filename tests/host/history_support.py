# SPDX-License-Identifier: GPL-2.0-or-later
"""A kernel's history of a few files, for the tests of what goes through one."""

import os
import subprocess
from pathlib import Path
from unittest import mock

import fake_trial
import support
from build_support import BuildCase

from malivm import cli, guest, history, linux, trial

TESTS = [("evict.a", "one"), ("evict.b", "two"), ("soak.c", "three")]


class HistoryCase(BuildCase):
    """A git tree, whose driver says what comes of each commit (fake_trial)."""

    def setUp(self) -> None:
        super().setUp()
        self.tree = self.dir / "linux"
        self.tree.mkdir()
        self.enter(mock.patch.dict(os.environ, {
            fake_trial.RUNS: str(self.dir / "runs"), "HOME": str(self.dir),
            "GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "A",
            "GIT_COMMITTER_EMAIL": "a@b"}))
        self.git("init", "-q", "-b", "main", ".")
        for name in ("Makefile", "Kconfig", "arch/arm64/Kconfig", "lib/other.c"):
            self.write(f"linux/{name}", "")
        self.enter(mock.patch.object(trial, "prepare", fake_trial.prepare))
        self.enter(mock.patch.object(trial, "once", fake_trial.once))
        self.enter(mock.patch.object(trial, "key", lambda args: repr(sorted(vars(args).items()))))
        self.enter(mock.patch.object(guest, "list_tests", lambda: TESTS))
        self.enter(mock.patch.object(guest, "suites", dict))
        self.enter(mock.patch.object(linux, "FRAGMENTS", self.checkout / "configs/linux"))
        self.enter(mock.patch("signal.signal"))

    def git(self, *words: str) -> str:
        """In the user's tree."""
        done = subprocess.run([*history.GIT, *words], cwd=self.tree, check=True,
                              capture_output=True, text=True)
        return done.stdout.strip()

    def commit(self, says: str, more: str = "") -> str:
        """A commit of which comes what it `says`; `more` is what its other file has."""
        self.write(f"linux/{fake_trial.DRIVER}", f"{says}\n")
        self.write("linux/lib/other.c", more)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", f"this one is {says}{more}")
        return self.git("rev-parse", "HEAD")

    def commits(self, *says: str) -> list[str]:
        """One after another."""
        return [self.commit(word, str(number)) for number, word in enumerate(says)]

    def state(self) -> dict[str, tuple[int, bytes]]:
        """All files of the user's tree, git's own among them: times and contents. Of objects
        that git meets again it renews the time, and nothing else."""
        objects = self.tree / ".git" / "objects"
        return {str(path): (0 if path.is_relative_to(objects) else path.stat().st_mtime_ns,
                            path.read_bytes())
                for path in sorted(self.tree.rglob("*")) if path.is_file()}

    def runs(self) -> list[str]:
        """What ran."""
        path = Path(os.environ[fake_trial.RUNS])
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []

    def call(self, *words: str) -> tuple[int, str, str]:
        """The command: its exit code and what it printed; progress says all to `said`."""
        with support.captured() as (out, err):
            code = cli.main(list(words))
        return code, out.getvalue(), err.getvalue()
