# SPDX-License-Identifier: GPL-2.0-or-later
"""The guest's kernel: Debian's prebuilt ones, one built here, or an Image or built tree of the
user's."""

import dataclasses
import functools
import gzip
import json
import os
import re
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from . import apt, errors, linux, packages, paths, proc, progress

SUITES = ("trixie", "trixie-backports")
# Larger, and looked into only for a version that the suites above do not have.
EXTRA_SUITES = ("sid",)

# The plain arm64 flavour: no -rt, -cloud, -16k, -dbg or -unsigned.
_PACKAGE = re.compile(r"^linux-image-(?P<release>(?P<number>\d+\.\d+(?:\.\d+)*)"
                      r"(?:\+deb\d+(?:\.\d+)?|-\d+)?-arm64)$")
# Newer kernels are split up: the image package only depends on these.
_PARTS = ("linux-image", "linux-binary", "linux-modules", "linux-base")

# Documentation/arch/arm64/booting.rst, "Call the kernel image"
_MAGIC_OFFSET = 0x38
_MAGIC = b"ARM\x64"


@dataclasses.dataclass(frozen=True)
class Kernel:
    """A kernel to boot."""

    image: Path
    #: the directory of this release (.../lib/modules/RELEASE), with modules.dep in it;
    #: None if there are no modules
    modules: Path | None
    release: str
    #: what the user reads: where it came from
    origin: str
    #: the built tree, of a kernel that was given as one
    tree: Path | None = None
    #: the version of its packages, of a kernel of Debian's
    debian: str = ""
    #: what its command line has to have
    args: Mapping[str, str] = dataclasses.field(default_factory=dict)
    #: modules to take in place of its own: name -> file
    replaced: Mapping[str, Path] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class _Candidate:
    """A kernel that an index lists."""

    number: tuple[int, ...]
    release: str
    version: str
    suite: str
    repo: apt.Repo
    #: the packages that hold it; some are listed of which a part is not
    packages: tuple[str, ...]
    complete: bool


def resolve(spec: str, config: Sequence[Path] = ()) -> Kernel:
    """The kernel `spec` names: debian[:VERSION], built[:VARIANT], an arm64 Image, or a tree,
    built or to be built; `config` are files with more options for one that is built here."""
    wanted = to_build(spec)
    if wanted:
        return built(*wanted, config)
    kind, _, rest = spec.partition(":")
    path = Path(spec).expanduser()
    if config:
        raise errors.MaliError(f"--config has no effect on --kernel {spec}, which is built already:"
                               " take built[:VARIANT], or a source tree")
    if kind == "debian":
        return _debian(rest)
    try:
        path = path.resolve(strict=True)
    except OSError as exc:
        raise errors.MaliError(f"there is no kernel at {spec}: give debian[:VERSION], "
                               "built[:VARIANT], an arm64 Image or a kernel tree") from exc
    if path.is_dir():
        return _tree(path)
    if path.parts[-4:-1] == ("arch", "arm64", "boot") and (path.parents[3] / ".config").exists():
        return _tree(path.parents[3], path)
    return _image(path)


def to_build(spec: str) -> tuple[str, linux.Source] | None:
    """Variant and source of a kernel that is built here; None if `spec` names another one."""
    kind, _, rest = spec.partition(":")
    if kind == "built":
        linux.variant_name(rest)
        return rest, linux.source(apt.Repo("arm64", SUITES))
    path = Path(spec).expanduser()
    if kind != "debian" and _is_source(path):
        return linux.QUICK, linux.given(path, f"--kernel {spec}")
    return None


def number(release: str) -> tuple[int, ...]:
    """The numbers that `release` begins with; () if it begins with none."""
    found = re.match(r"\d+(\.\d+)*", release)
    return _number(found[0]) if found else ()


# Debian's kernels


def _number(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))


def _debian(wanted: str) -> Kernel:
    """The newest Debian kernel whose version starts with the parts of `wanted`."""
    if wanted and not re.fullmatch(r"\d+(\.\d+)*|\d\S*-arm64", wanted):
        raise errors.MaliError(f"debian:{wanted}: not a kernel version, give one such as "
                               "debian:7.3 or debian:6.12.107")
    home = paths.cache_dir("kernels")
    note = home / f"debian{':' + wanted if wanted else ''}.json"
    try:
        directory = home / json.loads(note.read_text(encoding="ascii"))["directory"]
    except (OSError, ValueError, KeyError):
        directory = home
    if directory != home and directory.exists():
        return _debian_kernel(directory)
    directory = _fetch(wanted)
    paths.write_whole(note, json.dumps({"directory": directory.name}))
    return _debian_kernel(directory)


def _debian_kernel(directory: Path) -> Kernel:
    release, version, suite = directory.name.split("_")
    modules = directory / "lib" / "modules" / release
    image = modules / "vmlinuz"
    if not image.exists():
        image = directory / "boot" / f"vmlinuz-{release}"
    return Kernel(image, modules, release, f"Debian {version} ({suite})", debian=version)


def _matches(candidate: _Candidate, wanted: str) -> bool:
    if not wanted or candidate.release == wanted:
        return True
    if wanted.endswith("-arm64"):
        return False
    number = _number(wanted)
    return candidate.number[:len(number)] == number


def _candidates(suites: tuple[str, ...]) -> list[_Candidate]:
    """The kernels that `suites` list, newest first."""
    repo = apt.Repo("arm64", suites)
    matches = [match for match in map(_PACKAGE.match, repo.names("linux-image-")) if match]
    parts = {match: [f"{part}-{match['release']}" for part in _PARTS] for match in matches}
    found = repo.versions(name for names in parts.values() for name in names)
    listed = {(one.package, one.version): one.suite for one in found}
    candidates = []
    for match, names in parts.items():
        for version in [one.version for one in found if one.package == match[0]]:
            held = tuple(name for name in names if (name, version) in listed)
            # Split up, but without the part that holds the modules?
            complete = len({"linux-binary", "linux-modules"}
                           & {name.removesuffix(f"-{match['release']}") for name in held}) != 1
            candidates.append(_Candidate(_number(match["number"]), match["release"], version,
                                         listed[match[0], version], repo, held, complete))
    return sorted(candidates, key=lambda one: (one.number, one.version), reverse=True)


def _fetch(wanted: str) -> Path:
    """Fetch the newest kernel that matches `wanted` and can be had."""
    known: list[_Candidate] = []
    refused: errors.MaliError | None = None
    for suites in (SUITES, EXTRA_SUITES):
        listed = _candidates(suites)
        known += listed
        for candidate in listed:
            if not _matches(candidate, wanted):
                continue
            try:
                return _unpack(candidate)
            except apt.Unavailable as exc:
                # Index and pool of a mirror do not always agree: take the next best.
                refused = refused or exc
                if candidate.complete:
                    progress.say(exc.message)
    numbers = sorted({one.number for one in known if one.complete}, reverse=True)
    versions = ", ".join(".".join(map(str, number)) for number in numbers)
    why = f"{refused.message}; " if refused else f"there is no Debian kernel {wanted} for arm64; "
    raise errors.MaliError(f"{why}what there is: {versions}")


def _unpack(candidate: _Candidate) -> Path:
    """Fetch the packages of a kernel and index its modules."""
    home = paths.cache_dir("kernels")
    name = f"{candidate.release}_{apt.plain(candidate.version)}_{candidate.suite}"
    target = home / name
    if target.exists():
        return target
    if not candidate.complete:
        raise apt.Unavailable(f"linux-image-{candidate.release} cannot be used: "
                              "the package with its modules is not in the index")
    packages.ensure("guest")
    with paths.lock(home):
        with paths.whole_dir(target) as temp:
            for package in candidate.packages:
                candidate.repo.extract(package, candidate.version, temp)
            if not (temp / "lib").exists():
                (temp / "lib").symlink_to("usr/lib")
            with progress.step("indexing the kernel's modules"):
                proc.run(["depmod", "--basedir", temp, candidate.release],
                         "indexing the kernel's modules", cwd=temp)
    return target


# Kernels built here


def built(variant: str, origin: linux.Source, config: Sequence[Path] = ()) -> Kernel:
    """The kernel of a variant (see linux.ensure()), brought up to date."""
    return of(linux.ensure(variant, origin, config))


def of(done: linux.Built) -> Kernel:
    """A kernel that was built, as it is."""
    return dataclasses.replace(_tree(done.tree), args=linux.VARIANTS[done.variant].args,
                               origin=f"{done.source.version}, built as {done.variant}")


def _is_source(path: Path) -> bool:
    """A kernel's source in which nothing was built."""
    return (path / "Kconfig").exists() and (path / "Makefile").exists() \
        and not (path / ".config").exists()


# The user's kernels


def _image(path: Path) -> Kernel:
    """A kernel from an Image file, with the modules that lie beside it, if any."""
    image = _plain_image(path)
    release = _release(image)
    for modules in (path.parent, path.parent / "modules", path.parent / "modules" / release,
                    path.parent / "lib" / "modules" / release,
                    path.parent.parent / "lib" / "modules" / release):
        if (modules / "kernel").is_dir():
            return Kernel(image, _indexed(modules, release), release, str(path))
    progress.say(f"{path} has no modules beside it (modules/kernel or lib/modules/{release}): "
                 "panthor has to be built in")
    return Kernel(image, None, release, str(path))


def _plain_image(path: Path) -> Path:
    """`path` itself if it is an arm64 Image, or what it decompresses to."""
    try:
        with open(path, "rb") as file:
            head = file.read(64)
    except OSError as exc:
        raise errors.from_os_error(exc) from exc
    if head[_MAGIC_OFFSET:_MAGIC_OFFSET + 4] == _MAGIC and head[4:8] != b"zimg":
        return path
    what = "it does not have the magic number of one"
    if head[:2] == b"\x1f\x8b":
        home = paths.cache_dir("kernels")
        plain = home / f"Image-{paths.digest(paths.stat_key(path))}"
        if not plain.exists():
            try:
                data = gzip.decompress(path.read_bytes())
            except (OSError, EOFError, zlib.error) as exc:
                raise errors.MaliError(f"{path} is a damaged gzip file ({exc})") from exc
            if data[_MAGIC_OFFSET:_MAGIC_OFFSET + 4] == _MAGIC:
                paths.write_whole(plain, data)
        if plain.exists():
            return plain
        what = "what it decompresses to does not have the magic number of one"
    elif head[:4] == b"\x7fELF":
        what = "it is an ELF file; arch/arm64/boot/Image of the same build is what boots"
    elif head[4:8] == b"zimg":
        what = "it is an EFI zboot image; give arch/arm64/boot/Image of the same build"
    raise errors.MaliError(f"{path} is not an arm64 Linux Image: {what}")


@functools.cache
def _release(image: Path) -> str:
    """The release that the kernel's banner names."""
    found = re.search(rb"Linux version (\d\S+) ", image.read_bytes())
    return found.group(1).decode("ascii", "replace") if found else "unknown"


def _indexed(modules: Path, release: str) -> Path:
    """`modules`, or a view of it in the cache that depmod has been run on."""
    if (modules / "modules.dep").exists():
        return modules
    files = {str(path.relative_to(modules)): path
             for path in sorted((modules / "kernel").rglob("*.ko*"))}
    return _view(files, modules, release)


def _tree(tree: Path, image: Path | None = None) -> Kernel:
    """The kernel of a built tree, with its modules as modules_install would lay them out.

    Nothing is written to the tree and no make is run in it: it may be of another
    toolchain, or read-only.
    """
    for name in ("Image", "Image.gz"):
        image = image or next(iter(tree.glob(f"arch/arm64/boot/{name}")), None)
    if not image:
        raise errors.MaliError(f"{tree} is not a built arm64 kernel tree: it has no "
                               "arch/arm64/boot/Image; build one (make ARCH=arm64 Image modules)")
    image = _plain_image(image)
    try:
        release = (tree / "include/config/kernel.release").read_text(encoding="utf-8").strip()
    except OSError:
        release = _release(image)
    files = {}
    order = tree / "modules.order"
    for line in order.read_text(encoding="utf-8").split() if order.exists() else []:
        # Up to Linux 6.3 the names end in .ko, after that in .o.
        module = tree / Path(line).with_suffix(".ko")
        if not module.exists():
            raise errors.MaliError(f"{tree} is not built to its end, {module.name} is missing: "
                                   "run make ARCH=arm64 modules there")
        files[f"kernel/{module.relative_to(tree)}"] = module
    return Kernel(image, _view(files, tree, release) if files else None, release, str(tree),
                  tree=tree)


def _view(files: dict[str, Path], source: Path, release: str) -> Path:
    """A directory of links to `files` (name in it -> module), indexed by depmod."""
    lists = {name: source / name
             for name in ("modules.order", "modules.builtin", "modules.builtin.modinfo")
             if (source / name).exists()}
    home = paths.cache_dir("kernels")
    key = paths.digest(release, [(name, paths.stat_key(path))
                                 for name, path in (files | lists).items()])
    target = home / f"view-{paths.digest(str(source))[:8]}"
    modules = target / "lib" / "modules" / release
    try:
        if (target / "key").read_text(encoding="ascii") == key:
            return modules
    except OSError:
        pass
    packages.ensure("guest")
    with paths.lock(home), paths.whole_dir(target) as temp:
        for name, path in (files | lists).items():
            link = temp / "lib" / "modules" / release / name
            link.parent.mkdir(parents=True, exist_ok=True)
            if name == "modules.order":
                text = path.read_text(encoding="utf-8")
                link.write_text(re.sub(r"(?m)^(?:kernel/)?(.*?)\.k?o$", r"kernel/\1.ko", text),
                                encoding="utf-8")
            else:
                os.symlink(path, link)
        proc.run(["depmod", "--basedir", temp, release], "indexing the modules", cwd=temp)
        (temp / "key").write_text(key, encoding="ascii")
    return modules
