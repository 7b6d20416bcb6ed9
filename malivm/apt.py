# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian packages of other suites and architectures, through a private apt state.

The machine's own sources stay untouched: only the mirror's address and the way to it
(proxies) are taken from them. apt verifies every index and file against the installed
debian-archive-keyring.
"""

import dataclasses
import os
import re
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from . import errors, paths, proc, progress

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
INDEX_MAX_AGE = 7 * 24 * 3600
ATTEMPTS = 3
PAUSE = 1.0

_IN_RELEASE = re.compile(r"^'(?P<mirror>[^']+?)/*/dists/(?P<suite>[a-z]+)/InRelease'", re.MULTILINE)
_SUITES = ("bookworm", "trixie", "forky", "sid", "stable", "testing", "unstable", "oldstable")
_NO_NETWORK = re.compile(r"Could not (resolve|connect)|Temporary failure|Unable to connect|"
                         r"Network is unreachable|Connection (failed|timed out|refused)")

# The user's apt.conf is read as well (it may name a proxy): undo what in it would act on
# the machine (hooks) or look elsewhere (preferences). Retries are made here, not by apt: on
# a full disk apt 2.6 would wait for ever instead.
_CONF = """\
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear APT::Architectures;
APT::Architecture "{arch}";
APT::Architectures {{ "{arch}"; }};
APT::Default-Release "";
APT::Update::Error-Mode "any";
APT::Sandbox::User "{user}";
Acquire::Languages "none";
Acquire::Retries "0";
Acquire::http::Timeout "30";
Acquire::https::Timeout "30";
Dir::State "{state}";
Dir::State::lists "{state}/lists";
Dir::State::status "{state}/status";
Dir::State::extended_states "{state}/extended_states";
Dir::Cache "{state}/cache";
Dir::Cache::archives "{state}/cache/archives";
Dir::Cache::pkgcache "pkgcache.bin";
Dir::Cache::srcpkgcache "srcpkgcache.bin";
Dir::Log "{state}/log";
Dir::Etc::SourceList "{state}/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
"""


def os_release(field: str) -> str:
    """A field of /etc/os-release, or the empty string."""
    try:
        text = Path("/etc/os-release").read_text(encoding="utf-8")
    except OSError:
        return ""
    found = re.search(rf'^{field}="?([^"\n]*)"?$', text, re.MULTILINE)
    return found.group(1) if found else ""


def choose_mirror(print_uris: str, codename: str) -> str | None:
    """The Debian mirror in the output of ``apt-get update --print-uris``.

    `codename` is the machine's own release, whose line is preferred; other
    repositories may well have an InRelease file too, hence the list of names.
    """
    found = {m["suite"]: m["mirror"] for m in _IN_RELEASE.finditer(print_uris)}
    for suite in (codename, *_SUITES):
        if suite in _SUITES and suite in found:
            return found[suite]
    return None


def mirror() -> str:
    """The Debian mirror to use: DEBIAN_MIRROR, or the one the machine's apt uses."""
    override = os.environ.get("DEBIAN_MIRROR")
    if override:
        return override.rstrip("/")
    # Works before the first update as well, when indextargets still knows nothing.
    listed = proc.run(["apt-get", "update", "--print-uris"], "reading apt's configuration")
    chosen = choose_mirror(listed, os_release("VERSION_CODENAME"))
    if not chosen:
        raise errors.MaliError("apt's configuration names no Debian mirror: "
                               "set DEBIAN_MIRROR to the address of one")
    return chosen


@dataclasses.dataclass(frozen=True)
class Version:
    """One version of a package, as an index lists it."""

    package: str
    version: str
    suite: str


class Unavailable(errors.MaliError):
    """Something is listed in an index, but the mirror does not hand it out."""


class Repo:
    """The packages of `suites` for one architecture ("source": source packages)."""

    def __init__(self, arch: str, suites: Sequence[str]):
        self.arch = arch
        self.suites = tuple(suites)
        self._dir = paths.cache_dir("apt") / "-".join([arch, *suites])
        self._fresh = False

    def _conf(self) -> Path:
        """Write the private configuration; its path is what apt is given."""
        if not KEYRING.exists():
            raise errors.MaliError("the package debian-archive-keyring is missing: "
                                   "install it (apt-get install debian-archive-keyring)")
        state = self._dir
        for part in ("lists/partial", "cache/archives/partial", "log"):
            (state / part).mkdir(parents=True, exist_ok=True)
        kind = "deb-src" if self.arch == "source" else "deb"
        options = f"signed-by={KEYRING}"
        if self.arch != "source":
            options += f" arch={self.arch} target=Packages"
        lines = [f"{kind} [{options}] {mirror()} {suite} main\n" for suite in self.suites]
        arch = "amd64" if self.arch == "source" else self.arch
        # apt's own unprivileged user cannot enter the cache in root's home.
        user = "root" if os.geteuid() == 0 else "_apt"
        for name, text in (("status", ""), ("sources.list", "".join(lines)),
                           ("apt.conf", _CONF.format(arch=arch, state=state, user=user))):
            path = state / name
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                paths.write_whole(path, text)
                if name == "sources.list":
                    (state / "updated").unlink(missing_ok=True)
        return state / "apt.conf"

    def _apt(self, program: str, *args: str, what: str, cwd: Path | None = None,
             step: progress.Step | None = None) -> str:
        """Run one of apt's programs with the private state."""
        def on_line(line: str) -> None:
            if step and line.startswith("dlstatus:"):
                step.update(int(float(line.split(":")[2])), 100)
        argv: list[str | Path] = [program, "-c", self._conf(), "-q", *args]
        if step:
            argv[1:1] = ["-o", "APT::Status-Fd=1"]
        return proc.run(argv, what, cwd=cwd, on_line=on_line)

    def _fetch(self, *args: str, what: str, cwd: Path | None = None) -> None:
        """Have apt-get fetch something, once more if the network stumbles."""
        with progress.step(what) as step:
            for left in reversed(range(ATTEMPTS)):
                try:
                    self._apt("apt-get", *args, what=what, cwd=cwd, step=step)
                    return
                except proc.Failed as exc:
                    if not left or not _NO_NETWORK.search(exc.output):
                        raise
                    time.sleep(PAUSE)

    def update(self, force: bool = False) -> None:
        """Fetch the indices unless they are there and (without `force`) young enough."""
        with paths.lock(self._dir):
            self._conf()
            stamp = self._dir / "updated"
            have = stamp.exists()
            if self._fresh or (have and not force
                               and time.time() - stamp.stat().st_mtime < INDEX_MAX_AGE):
                return
            title = f"fetching the package index of {', '.join(self.suites)} ({self.arch})"
            try:
                self._fetch("update", what=title)
            except proc.Failed as exc:
                if not have:
                    raise self._explain(exc, "the package index") from exc
                progress.say("going on with the index fetched before")
            else:
                stamp.touch()
            self._fresh = True

    def _explain(self, exc: proc.Failed, wanted: str) -> errors.MaliError:
        """Turn apt's failure to fetch `wanted` into what the user can do."""
        if _NO_NETWORK.search(exc.output):
            return errors.MaliError(
                f"no network: {wanted} is not in the cache and {mirror()} does not answer: "
                "connect, or set DEBIAN_MIRROR to a mirror that can be reached, and run again")
        if "NO_PUBKEY" in exc.output:
            return errors.MaliError(
                f"the signature of {wanted} cannot be checked: the installed "
                "debian-archive-keyring is too old, upgrade it and run again")
        said = [line for line in exc.output.splitlines() if line.startswith(("E: ", "Err:"))]
        return Unavailable(f"{wanted} cannot be downloaded from {mirror()}: "
                           f"{said[-1] if said else exc.message}")

    def names(self, prefix: str) -> list[str]:
        """Names of packages that start with `prefix`."""
        self.update()
        return self._apt("apt-cache", "pkgnames", prefix, what="reading the index").split()

    def versions(self, packages: Iterable[str]) -> list[Version]:
        """All versions of `packages` that the indices list."""
        self.update()
        wanted = list(packages)
        if not wanted:
            return []
        found = []
        for line in self._apt("apt-cache", "madison", *wanted,
                              what="reading the index").splitlines():
            fields = [field.strip() for field in line.split("|")]
            if len(fields) == 3:
                suite = fields[2].split()[1].split("/")[0]
                found.append(Version(fields[0], fields[1], suite))
        return found

    def newest(self, package: str) -> Version:
        """The newest version of `package`."""
        found = [v for v in self.versions([package]) if v.package == package]
        if not found:
            raise errors.MaliError(f"{mirror()} has no package {package} in "
                                   f"{', '.join(self.suites)}: set DEBIAN_MIRROR to one that has")
        best = found[0]
        for other in found[1:]:
            if newer(other.version, best.version):
                best = other
        return best

    def _download(self, command: str, wanted: str, into: Path) -> list[Path]:
        """Have apt download `wanted`; once more with new indices if it is gone."""
        args = ["source", "--download-only", "--only-source"] if command == "source" else [command]
        try:
            self._fetch(*args, wanted, what=f"fetching {wanted}", cwd=into)
        except proc.Failed as exc:
            raise self._explain(exc, wanted) from exc
        return sorted(into.iterdir())

    def extract(self, package: str, version: str, into: Path) -> None:
        """Download a binary package and add what it holds to the directory `into`."""
        with tempfile.TemporaryDirectory(prefix=paths.PART, dir=into.parent) as temp:
            for deb in self._download("download", f"{package}={version}", Path(temp)):
                proc.run(["dpkg-deb", "--extract", deb, into], f"unpacking {deb.name}", cwd=into)

    def unpacked(self, package: str, version: str) -> Path:
        """The content of a binary package, downloaded when the cache lacks it."""
        home = paths.cache_dir("deb")
        target = home / f"{package}_{plain(version)}_{self.arch}"
        if target.exists():
            return target
        self.update()
        with paths.lock(home):
            if not target.exists():
                with paths.whole_dir(target) as temp:
                    self.extract(package, version, temp)
        return target

    def source(self, package: str, version: str) -> Path:
        """A source package, unpacked with Debian's patches applied."""
        home = paths.cache_dir("src")
        target = home / f"{package}-{plain(version)}"
        if target.exists():
            return target
        self.update()
        with paths.lock(home):
            if not target.exists():
                with paths.whole_dir(target) as temp:
                    files = self._download("source", f"{package}={version}", temp)
                    dsc = next(path for path in files if path.suffix == ".dsc")
                    with progress.step(f"unpacking {package} {version}"):
                        proc.run(["dpkg-source", "--extract", dsc.name, "tree"],
                                 f"unpacking {dsc.name}", cwd=temp)
                    for path in files:
                        path.unlink()
        return target / "tree"


def plain(version: str) -> str:
    """A Debian version without its epoch, fit for a file name."""
    return version.rpartition(":")[2]


def newer(left: str, right: str) -> bool:
    """Whether Debian version `left` is newer than `right`."""
    try:
        proc.run(["dpkg", "--compare-versions", left, "gt", right], "comparing versions")
    except proc.Failed:
        return False
    return True


def host_arch() -> str:
    """Debian's name of this machine's architecture."""
    return proc.run(["dpkg", "--print-architecture"], "asking dpkg").strip()
