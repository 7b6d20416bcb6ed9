# SPDX-License-Identifier: GPL-2.0-or-later
"""Packages: where from, and what is said when they cannot be had."""

import unittest
from pathlib import Path
from unittest import mock

from build_support import BuildCase

from malivm import apt, kernel, proc, qemu

HOST = "http://mirror.example"


def uris(*lists: str) -> str:
    """What apt-get update --print-uris says of `lists` ("PATH SUITE")."""
    lines = []
    for entry in lists:
        path, suite = entry.split()
        lines += [f"'{HOST}{path}/dists/{suite}/InRelease' x_InRelease 0 ",
                  f"'{HOST}{path}/dists/{suite}/main/binary-amd64/Packages.xz' x_Packages 0 "]
    return "\n".join(lines) + "\n"


class ChooseMirror(unittest.TestCase):
    """Which of the machine's repositories is Debian's."""

    def test_own_release_first(self) -> None:
        text = uris("/other sid", "/x bookworm", "/debian trixie")
        self.assertEqual(apt.choose_mirror(text, "trixie"), HOST + "/debian")

    def test_security_and_updates_are_none(self) -> None:
        text = uris("/debian-security bookworm-security", "/debian bookworm-updates")
        self.assertIsNone(apt.choose_mirror(text, "bookworm"))

    def test_other_repositories_are_none(self) -> None:
        self.assertIsNone(apt.choose_mirror(uris("/cloud nodistro", "/u noble"), "noble"))

    def test_suite_by_its_role(self) -> None:
        self.assertEqual(apt.choose_mirror(uris("/debian stable"), "trixie"), HOST + "/debian")

    def test_slash_at_the_end_of_the_mirror(self) -> None:
        self.assertEqual(apt.choose_mirror(uris("/debian/ trixie"), "trixie"), HOST + "/debian")


def failing_apt(said: str) -> "mock._patch[object]":
    """apt-get download fails, saying `said`; the index is there."""
    def run(self: apt.Repo, program: str, *args: str, **_: object) -> str:
        if "download" in args:
            raise proc.Failed("apt-get failed", said)
        return ""
    return mock.patch.object(apt.Repo, "_apt", run)


class Unavailable(BuildCase):
    """What cannot be fetched."""

    def setUp(self) -> None:
        super().setUp()
        self.enter(mock.patch.object(apt, "KEYRING", Path("/dev/null")))
        self.enter(mock.patch.object(apt, "PAUSE", 0))
        self.enter(mock.patch.object(apt.Repo, "update", lambda self, force=False: None))
        self.repo = apt.Repo("arm64", ["trixie"])

    def fetch(self, said: str) -> str:
        """The error of fetching a package when apt fails with `said`."""
        with failing_apt(said):
            return self.error(lambda: self.repo.unpacked("thing", "1:2.0-1"))

    def test_no_network(self) -> None:
        message = self.fetch("Err:1 x trixie\n  Could not connect to x:80\nE: Failed to fetch x")
        self.assertIn("no network: thing=1:2.0-1", message)
        self.assertIn("DEBIAN_MIRROR", message)
        self.assert_no_parts()

    def test_stumbling_network(self) -> None:
        attempts = []

        def run(self: apt.Repo, program: str, *args: str, cwd: Path, **_: object) -> str:
            attempts.append(args)
            if len(attempts) == 1:
                raise proc.Failed("apt-get failed", "Err:1 x\n  Connection timed out")
            (cwd / "thing.deb").touch()
            return ""
        with mock.patch.object(apt.Repo, "_apt", run):
            self.assertEqual([path.name for path in self.repo._download("download", "thing=2",
                                                                        self.dir)
                              if path.suffix == ".deb"], ["thing.deb"])
        self.assertEqual(len(attempts), 2)

    def test_gone_from_the_mirror(self) -> None:
        message = self.fetch("E: Failed to fetch http://x/thing.deb  404  Not Found\n")
        self.assertRegex(message, r"thing=1:2\.0-1 cannot be downloaded from .*404  Not Found")
        self.assert_no_parts()

    def test_unknown_key(self) -> None:
        message = self.fetch("W: GPG error: NO_PUBKEY 0123\nE: not signed")
        self.assertIn("debian-archive-keyring is too old", message)

    def test_nothing_is_taken_for_fetched(self) -> None:
        self.fetch("E: Failed to fetch http://x/thing.deb  404  Not Found\n")
        self.assertEqual([], [path for path in (self.cache / "deb").iterdir()
                              if path.name != ".lock"])

    def test_cached_needs_no_apt(self) -> None:
        target = self.cache / "deb" / "thing_2.0-1_arm64"
        target.mkdir(parents=True)
        with mock.patch.object(apt.Repo, "update", side_effect=AssertionError):
            self.assertEqual(self.repo.unpacked("thing", "1:2.0-1"), target)


class NoNetwork(BuildCase):
    """With apt itself, and a mirror that does not answer."""

    def setUp(self) -> None:
        super().setUp()
        self.enter(mock.patch.object(apt, "PAUSE", 0))
        if not apt.KEYRING.exists() or not proc.find("apt-get"):
            self.skipTest("not a Debian machine")

    def test_kernel(self) -> None:
        self.assertIn("no network", self.error(lambda: kernel.resolve("debian")))
        self.assert_no_parts()

    def test_qemu_source(self) -> None:
        self.assertIn("no network", self.error(qemu.pristine_dir))
        self.assert_no_parts()


class DebianKernel(BuildCase):
    """Choosing among the kernels that the indices list."""

    LISTED = {
        kernel.SUITES: ("7.3.4+deb13", "7.3.10+deb13", "7.2.9+deb13", "6.12.94+deb13"),
        kernel.EXTRA_SUITES: ("7.4.1+deb14",),
    }
    # Of the newest of all, only what is not to be taken.
    OTHERS = ("linux-image-9.0.1+deb13-rt-arm64", "linux-image-9.0.1+deb13-arm64-16k",
              "linux-image-9.0.1+deb13-arm64-dbg", "linux-image-9.0.1+deb13-arm64-unsigned",
              "linux-image-9.0.1+deb13-cloud-arm64", "linux-image-arm64")

    def setUp(self) -> None:
        super().setUp()
        self.missing: set[str] = set()
        self.unlisted: set[str] = set()
        self.asked: list[tuple[str, ...]] = []
        test = self

        def names(self: apt.Repo, prefix: str) -> list[str]:
            test.asked.append(self.suites)
            return [*test.OTHERS, *(f"{prefix}{name}-arm64" for name in test.LISTED[self.suites])]

        def versions(self: apt.Repo, packages: list[str]) -> list[apt.Version]:
            return [apt.Version(package, "1", self.suites[-1]) for package in packages
                    if package not in test.unlisted]

        self.enter(mock.patch.object(apt.Repo, "names", names))
        self.enter(mock.patch.object(apt.Repo, "versions", versions))
        self.real_unpack = kernel._unpack
        self.enter(mock.patch.object(kernel, "_unpack", self.unpack))

    def unpack(self, candidate: kernel._Candidate) -> Path:
        """Pretend to fetch a kernel."""
        if candidate.release in self.missing:
            raise apt.Unavailable(f"{candidate.release} cannot be downloaded: 404")
        if candidate.complete:
            name = f"{candidate.release}_1_{candidate.suite}"
            (self.cache / "kernels" / name).mkdir(parents=True)
        return self.real_unpack(candidate)

    def test_newest_by_number(self) -> None:
        self.assertEqual(kernel.resolve("debian").release, "7.3.10+deb13-arm64")
        self.assertEqual(self.asked, [kernel.SUITES])

    def test_by_its_first_parts(self) -> None:
        self.assertEqual(kernel.resolve("debian:6.12").release, "6.12.94+deb13-arm64")

    def test_parts_are_whole_numbers(self) -> None:
        self.assertIn("no Debian kernel 7.3.1 ", self.error(lambda: kernel.resolve("debian:7.3.1")))

    def test_from_the_extra_suites(self) -> None:
        self.assertEqual(kernel.resolve("debian:7.4").release, "7.4.1+deb14-arm64")

    def test_cached_asks_nobody(self) -> None:
        kernel.resolve("debian:7.2")
        self.asked.clear()
        self.assertEqual(kernel.resolve("debian:7.2").release, "7.2.9+deb13-arm64")
        self.assertEqual(self.asked, [])

    def test_next_best_when_listed_but_not_there(self) -> None:
        self.missing = {"7.3.10+deb13-arm64"}
        self.assertEqual(kernel.resolve("debian:7.3").release, "7.3.4+deb13-arm64")
        self.assertIn("7.3.10+deb13-arm64 cannot be downloaded: 404", self.said)

    def test_not_there_names_what_is_listed(self) -> None:
        self.missing = {"7.2.9+deb13-arm64"}
        message = self.error(lambda: kernel.resolve("debian:7.2.9"))
        self.assertIn("7.2.9+deb13-arm64 cannot be downloaded", message)
        self.assertIn("7.4.1, 7.3.10, 7.3.4, 7.2.9, 6.12.94", message)

    def test_its_modules_are_not_listed(self) -> None:
        self.unlisted = {"linux-modules-7.3.10+deb13-arm64"}
        self.assertEqual(kernel.resolve("debian:7.3").release, "7.3.4+deb13-arm64")
        message = self.error(lambda: kernel.resolve("debian:7.3.10"))
        self.assertIn("linux-image-7.3.10+deb13-arm64 cannot be used", message)
        self.assertIn("what there is: 7.4.1, 7.3.4, 7.2.9", message)

    def test_not_split_up(self) -> None:
        self.unlisted = {f"linux-{part}-6.12.94+deb13-arm64" for part in ("modules", "binary")}
        self.assertEqual(kernel.resolve("debian:6.12").release, "6.12.94+deb13-arm64")

    def test_nonsense(self) -> None:
        self.assertIn("not a kernel version", self.error(lambda: kernel.resolve("debian:newest")))


if __name__ == "__main__":
    unittest.main()
