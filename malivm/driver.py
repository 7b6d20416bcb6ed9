# SPDX-License-Identifier: GPL-2.0-or-later
"""The driver alone, built from a source tree as a module for another kernel, to take the place
of that kernel's own. The rest of the kernel is the one that is booted, its headers among it.
"""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from . import errors, kbuild, kernel, linux, modules, paths, progress

FOLDER = Path("drivers", "gpu", "drm", "panthor")
# What a source tree's folder of the driver has to be built from
_SOURCES = ("*.c", "*.h", "Makefile", "Kconfig")


def ensure(chosen: kernel.Kernel, tree: Path, option: str) -> kernel.Kernel:
    """`chosen`, with the driver of the source tree that `option` names, built or brought up to
    date. The tree is only read."""
    source = tree.expanduser().resolve() / FOLDER
    if not (source / "Makefile").exists():
        raise linux.Unfit(f"{option} has no {FOLDER}/Makefile: name a kernel's source tree "
                          "with panthor")
    if not chosen.modules or not modules.Index(chosen.modules).path(modules.DRIVER):
        raise errors.MaliError(f"{option}: in {chosen.release} the driver is built in, and no "
                               "module can take its place: take another kernel")
    build = kbuild.find(chosen)
    home = paths.cache_dir("driver", paths.digest(str(source), chosen.release, build.key))
    work = home / FOLDER.name
    linux.makeable(work)
    with paths.lock(home):
        work.mkdir(exist_ok=True)
        _copy(source, work)
        title = f"building the driver for {chosen.release}"
        with progress.step(title):
            kbuild.make(build, work, title)
    module = work / f"{modules.DRIVER}.ko"
    return dataclasses.replace(chosen, replaced={**chosen.replaced, modules.DRIVER: module},
                               origin=f"{chosen.origin}, the driver of {tree}")


def latest(variant: str, origin: linux.Source, config: Sequence[Path] = ()) -> kernel.Kernel:
    """The kernel of a source (see linux.ensure()). Where nothing but the driver has changed since
    it was built, the driver alone is, which takes a tenth of the time."""
    place = linux.place(origin, variant, config)
    if origin.of_user and not linux.VARIANTS[place.variant].profiled \
            and linux.only_changed_in(place, FOLDER):
        chosen = kernel.of(place)
        if chosen.modules and modules.Index(chosen.modules).path(modules.DRIVER):
            return ensure(chosen, origin.tree, str(origin.tree))
    return kernel.built(variant, origin, config)


def _files(folder: Path) -> dict[str, Path]:
    return {path.name: path for pattern in _SOURCES for path in folder.glob(pattern)
            # What modpost has written is no source.
            if not path.name.endswith(".mod.c")}


def _copy(source: Path, work: Path) -> None:
    """Have the files of `source` in `work`; one that is the same keeps its time for make."""
    wanted, have = _files(source), _files(work)
    for name in have.keys() - wanted.keys():
        have[name].unlink()
    for name, path in wanted.items():
        content = path.read_bytes()
        if name not in have or have[name].read_bytes() != content:
            paths.write_whole(work / name, content)
