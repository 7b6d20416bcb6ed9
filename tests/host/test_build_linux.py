# SPDX-License-Identifier: GPL-2.0-or-later
"""Building a kernel: from which source, with which options, what is kept and what is said."""

import os
import shutil
import tarfile
import time
import unittest
from pathlib import Path
from unittest import mock

from build_support import PROJECT, BuildCase

from malivm import apt, errors, kconfig, linux, packages, paths, proc

VERSION = "7.3.4-1~bpo13+1"
REPO = apt.Repo("arm64", ("trixie",))
STEPS = "  CC      a.o\n  CC [M]  b.o\n  UPD     c.h\n  LD [M]  b.ko\n"


def ensure(variant: str, *config: Path) -> linux.Built:
    """As --kernel built:VARIANT does."""
    return linux.ensure(variant, linux.source(REPO), config)


class Fragments(unittest.TestCase):
    """Options, put together and looked up."""

    def test_set_and_not_set(self) -> None:
        text = 'CONFIG_A=y\n# CONFIG_B is not set\n# CONFIG_C=y\nCONFIG_D="x y"\n'
        self.assertEqual(kconfig.parse(text),
                         {"CONFIG_A": "y", "CONFIG_B": "n", "CONFIG_D": '"x y"'})

    def test_the_later_one_wins(self) -> None:
        self.assertEqual(kconfig.merge(["CONFIG_A=y\n", "# CONFIG_A is not set\n"]),
                         {"CONFIG_A": "n"})

    def test_written_as_it_is_read(self) -> None:
        options = {"CONFIG_A": "m", "CONFIG_B": "n"}
        self.assertEqual(kconfig.parse(kconfig.text(options)), options)

    def test_refused(self) -> None:
        asked = {"CONFIG_A": "y", "CONFIG_B": "m", "CONFIG_C": "n", "CONFIG_D": "n",
                 "CONFIG_E": "y"}
        self.assertEqual(kconfig.refused(asked, "CONFIG_A=y\nCONFIG_B=y\nCONFIG_D=y\n"),
                         ["CONFIG_B", "CONFIG_D", "CONFIG_E"])

    def test_all_variants_have_their_fragments(self) -> None:
        for name, variant in linux.VARIANTS.items():
            for fragment in variant.fragments:
                text = (PROJECT / "configs/linux" / f"{fragment}.config").read_text("utf-8")
                self.assertTrue(kconfig.parse(text), f"{name}: {fragment}")

    def test_each_option_once_a_fragment(self) -> None:
        for path in (PROJECT / "configs/linux").glob("*.config"):
            lines = path.read_text("utf-8").splitlines()
            options = [name for line in lines for name in kconfig.parse(line)]
            self.assertEqual(sorted(options), sorted(set(options)), path.name)


class LinuxCase(BuildCase):
    """make does nothing but take the configuration, but for `drops`, and say some steps."""

    def setUp(self) -> None:
        super().setUp()
        self.enter(mock.patch.object(packages, "ensure", lambda *_: None))
        self.enter(mock.patch.object(linux, "FRAGMENTS", self.checkout / "configs/linux"))
        self.enter(mock.patch.object(linux, "_key", lambda make, asked: repr((make, asked))))
        for name in ("base", "debug", "coverage"):
            self.write(f"checkout/configs/linux/{name}.config", f"CONFIG_{name.upper()}=y\n")
        self.real_run = proc.run
        self.enter(mock.patch.object(proc, "run", self.run_program))
        self.made: list[str] = []
        self.words: list[str] = []
        self.fails = ""
        self.drops = ""

    def run_program(self, argv: list[str], what: str, **more: object) -> str:
        if argv[0] != "make":
            return self.real_run(argv, what, **more)    # type: ignore[arg-type]
        self.words = argv
        target = argv[-1]
        obj = Path(next(word for word in argv if word.startswith("O="))[2:])
        if "--dry-run" in argv:
            raise proc.Failed("make failed", STEPS.replace("  ", "set -e;  echo '  ", 1))
        self.made.append(target)
        if target == self.fails:
            raise proc.Failed(f"{what} failed: out of luck", "")
        config = obj / ".config"
        if target == "tinyconfig":
            config.write_text("# CONFIG_BASE is not set\n")
        elif target == "olddefconfig":
            taken = kconfig.parse(config.read_text())
            taken.pop(self.drops, None)
            config.write_text(kconfig.text(taken))
        elif target == "modules":
            on_line = more["on_line"]
            assert callable(on_line)
            for line in STEPS.splitlines():
                on_line(line)
        return ""

    def add_source(self, tree: str) -> Path:
        """A source tree that looks like one."""
        for name in ("Makefile", "Kconfig", "arch/arm64/Kconfig",
                     "drivers/gpu/drm/panthor/panthor_mmu.c", "drivers/gpu/drm/drm_gem.c",
                     "drivers/gpu/drm/drm_file.c"):
            self.write(f"{tree}/{name}", "config BASE\n\tbool\n" if "Kconfig" in name else "")
        return self.dir / tree


class Debian(LinuxCase):
    """From Debian's source, which is there already."""

    def setUp(self) -> None:
        super().setUp()
        self.tree = self.add_source(f"cache/mali-vm/src/linux-source-7.3_{VERSION}/tree")

    def test_it_is_built_once(self) -> None:
        built = ensure("")
        self.assertEqual(self.made, ["tinyconfig", "olddefconfig", "prepare", "modules"])
        self.assertEqual(built.tree, self.cache / f"linux/{VERSION}-debug/obj")
        self.assertEqual(kconfig.parse((built.tree / ".config").read_text()),
                         {"CONFIG_BASE": "y", "CONFIG_DEBUG": "y",
                          "CONFIG_LOCALVERSION": '"-debug"'})
        self.made.clear()
        self.assertEqual(ensure("debug"), built)
        self.assertEqual(self.made, [])

    def test_variants_lie_beside_each_other(self) -> None:
        self.assertNotEqual(ensure("plain").tree, ensure("debug").tree)
        self.assertNotIn("CONFIG_DEBUG", (ensure("plain").tree / ".config").read_text())

    def test_another_configuration_is_built_in_the_same_place(self) -> None:
        first = ensure("plain")
        self.write("checkout/configs/linux/base.config", "CONFIG_OTHER=y\n")
        self.made.clear()
        self.assertEqual(ensure("plain"), first)
        self.assertEqual(self.made, ["tinyconfig", "olddefconfig", "prepare", "modules"])
        self.assertIn("CONFIG_OTHER=y", (first.tree / ".config").read_text())

    def test_a_failed_build_goes_on_where_it_was(self) -> None:
        self.fails = "modules"
        self.assertIn("out of luck", self.error(lambda: ensure("")))
        self.fails = ""
        self.made.clear()
        ensure("")
        self.assertEqual(self.made, ["prepare", "modules"])
        self.assert_no_parts()

    def test_a_failed_configuration_is_made_anew(self) -> None:
        self.fails = "olddefconfig"
        self.error(lambda: ensure(""))
        self.fails = ""
        self.made.clear()
        ensure("")
        self.assertEqual(self.made[:2], ["tinyconfig", "olddefconfig"])

    def test_an_option_that_is_not_taken(self) -> None:
        self.drops = "CONFIG_DEBUG"
        for _ in range(2):
            message = self.error(lambda: ensure(""))
            self.assertIn(f"Linux {VERSION} does not take CONFIG_DEBUG=y, which the variant debug "
                          "asks for (it has n)", message)
            self.assertNotIn("modules", self.made)

    def test_no_such_variant(self) -> None:
        self.assertIn("there is no such variant of the kernel, take one of debug, plain",
                      self.error(lambda: ensure("fast")))

    def test_progress_counts_what_is_to_be_done(self) -> None:
        counts: list[tuple[int, int]] = []
        with mock.patch("malivm.progress.Step.update", lambda _, *two: counts.append(two)):
            ensure("")
        self.assertEqual(counts, [(1, 3), (2, 3), (2, 3), (3, 3)])

    def test_only_the_drivers_files_are_profiled(self) -> None:
        ensure("plain")
        self.assertFalse([word for word in self.words if word.startswith("GCOV")])
        ensure("coverage")
        self.assertEqual([word for word in self.words if word.startswith("GCOV")],
                         ["GCOV_PROFILE_drm_gem.o=y", "GCOV_PROFILE_panthor_mmu.o=y"])

    def test_a_cache_that_makefiles_cannot_work_in(self) -> None:
        os.environ["XDG_CACHE_HOME"] = str(self.dir / "a cache")
        self.add_source(f"a cache/mali-vm/src/linux-source-7.3_{VERSION}/tree")
        self.assertIn("set XDG_CACHE_HOME to a folder without spaces",
                      self.error(lambda: ensure("")))

    def test_what_was_built_from_a_source_that_is_gone_is_removed(self) -> None:
        old = ensure("plain").tree
        shutil.rmtree(self.tree.parent)
        self.add_source("cache/mali-vm/src/linux-source-7.3_7.3.5-1/tree")
        ensure("plain")
        self.assertFalse(old.exists())

    def test_clean(self) -> None:
        built = ensure("plain")
        linux.clean()
        self.assertFalse(built.tree.exists())
        self.assertTrue(self.tree.exists())


class OfUser(LinuxCase):
    """From a tree of the user's."""

    def setUp(self) -> None:
        super().setUp()
        self.tree = self.add_source("linux")
        self.enter(mock.patch.dict(os.environ, {"LINUX_SRC": str(self.tree)}))

    def test_nothing_is_written_to_it(self) -> None:
        before = sorted(self.tree.rglob("*"))
        built = ensure("")
        self.assertEqual(sorted(self.tree.rglob("*")), before)
        self.assertFalse(built.tree.is_relative_to(self.tree))
        self.assertIn(str(self.tree), self.words)

    def test_it_may_have_changed(self) -> None:
        ensure("")
        self.made.clear()
        ensure("")
        self.assertIn("modules", self.made)

    def configured(self) -> None:
        """What make leaves: which Kconfig files there are."""
        self.write(f"{linux.place(linux.source(REPO), '').tree}/include/config/auto.conf.cmd",
                   "deps_config := \\\n\tKconfig \\\n\tarch/arm64/Kconfig\n\n")

    def test_it_is_configured_once(self) -> None:
        ensure("")
        self.configured()
        self.made.clear()
        ensure("")
        self.assertEqual(self.made, ["modules"])

    def test_a_changed_kconfig_file_has_it_configured_anew(self) -> None:
        ensure("")
        self.configured()
        later = time.time() + 5
        os.utime(self.tree / "arch/arm64/Kconfig", (later, later))
        self.made.clear()
        ensure("")
        self.assertIn("olddefconfig", self.made)

    def test_a_kconfig_file_that_is_gone_has_it_configured_anew(self) -> None:
        ensure("")
        self.configured()
        (self.tree / "Kconfig").rename(self.tree / "Kconfig.moved")
        self.write("linux/Kconfig", "config BASE\n\tbool\n")
        (self.tree / "arch/arm64/Kconfig").unlink()
        self.made.clear()
        origin = linux.Source(self.tree, "x", paths.digest(str(self.tree))[:8], of_user=True)
        linux.ensure("", origin)
        self.assertIn("olddefconfig", self.made)

    def test_after_a_failed_build_it_is_counted_again(self) -> None:
        ensure("")
        self.configured()
        self.fails = "modules"
        self.error(lambda: ensure(""))
        self.fails = ""
        self.made.clear()
        ensure("")
        self.assertEqual(self.made, ["prepare", "modules"])

    def test_options_of_the_users_lie_beside(self) -> None:
        fragment = self.write("race.config", "CONFIG_DEBUG=y\n")
        built = ensure("plain", fragment)
        self.assertIn("CONFIG_DEBUG=y", (built.tree / ".config").read_text())
        self.assertNotEqual(built.tree, ensure("plain").tree)
        self.assertEqual(built.tree, ensure("plain", fragment).tree)

    def test_an_option_of_the_users_that_is_not_taken(self) -> None:
        fragment = self.write("race.config", "CONFIG_BASE=m\n")
        self.drops = "CONFIG_BASE"
        message = self.error(lambda: ensure("", fragment))
        self.assertIn("does not take CONFIG_BASE=m, which --config asks for", message)

    def test_what_has_changed_since_it_was_built(self) -> None:
        folder = Path("drivers/gpu/drm/panthor")
        built = linux.place(linux.source(REPO), "")
        self.assertFalse(linux.only_changed_in(built, folder))
        ensure("")
        self.assertTrue(linux.only_changed_in(built, folder))
        later = time.time() + 5
        os.utime(self.tree / folder / "panthor_mmu.c", (later, later))
        self.assertTrue(linux.only_changed_in(built, folder))
        other = self.tree / "drivers/gpu/drm/drm_gem.c"
        os.utime(other, (later, later))
        self.assertFalse(linux.only_changed_in(built, folder))
        os.utime(other, (1, 1))
        self.assertTrue(linux.only_changed_in(built, folder))
        other.unlink()
        os.utime(other.parent, (later, later))
        self.assertFalse(linux.only_changed_in(built, folder))

    def test_not_a_tree(self) -> None:
        shutil.rmtree(self.tree / "drivers")
        self.assertIn("is not a kernel source tree with panthor for arm64: it has no "
                      "drivers/gpu/drm/panthor", self.error(lambda: ensure("")))

    def test_a_tree_that_was_built_in(self) -> None:
        self.write("linux/.config", "")
        message = self.error(lambda: ensure(""))
        self.assertIn("has been configured or built in place (it has .config)", message)
        self.assertIn(f"--kernel {self.tree}", message)
        self.assertEqual(self.made, [])

    def test_an_option_that_this_version_does_not_know(self) -> None:
        self.drops = "CONFIG_DEBUG"
        ensure("")
        self.assertIn(f"Linux {self.tree} has no CONFIG_DEBUG: going on without it", self.said)

    def test_an_option_that_it_knows_and_does_not_take(self) -> None:
        self.drops = "CONFIG_BASE"
        self.assertIn("does not take CONFIG_BASE=y", self.error(lambda: ensure("")))


class Fetch(LinuxCase):
    """Debian's package."""

    def setUp(self) -> None:
        super().setUp()
        self.listed = ["linux-source-7.3", "linux-source-6.12", "linux-source-7.10",
                       "linux-source-7.3-rt"]
        self.enter(mock.patch.object(apt.Repo, "names", lambda *_: self.listed))
        self.enter(mock.patch.object(apt.Repo, "newest", self.newest))
        self.enter(mock.patch.object(apt.Repo, "extract", self.extract))

    def newest(self, name: str) -> apt.Version:
        return apt.Version(name, name.removeprefix("linux-source-") + ".4-1", "trixie")

    def extract(self, name: str, version: str, into: Path) -> None:
        tree = self.add_source(f"made/{name}")
        (into / "usr/src").mkdir(parents=True)
        with tarfile.open(into / f"usr/src/{name}.tar.xz", "w:xz") as archive:
            archive.add(tree, name)

    def test_the_version_that_the_options_are_for(self) -> None:
        found = linux.source(REPO)
        self.assertEqual(found.version, "7.3.4-1")
        self.assertTrue((found.tree / "Kconfig").exists())
        self.assertEqual([path.name for path in found.tree.parent.iterdir()], ["tree"])
        self.assert_no_parts()

    def test_what_was_fetched_is_kept_to(self) -> None:
        found = linux.source(REPO)
        self.listed.clear()
        self.assertEqual(linux.source(REPO), found)

    def test_the_newest_if_that_is_gone(self) -> None:
        self.listed.remove("linux-source-7.3")
        self.assertEqual(linux.source(REPO).version, "7.10.4-1")
        self.assertIn("there is no linux-source-7.3 any more: taking linux-source-7.10", self.said)

    def test_none(self) -> None:
        self.listed.clear()
        self.assertIn("set LINUX_SRC to a tree of your own", self.error(lambda: linux.source(REPO)))

    def test_interrupted(self) -> None:
        with mock.patch.object(apt.Repo, "extract", side_effect=errors.MaliError("no network")):
            self.assertEqual(self.error(lambda: linux.source(REPO)), "no network")
        self.assert_no_parts()
        self.assertEqual(list((self.cache / "src").glob("linux*")), [])


if __name__ == "__main__":
    unittest.main()
