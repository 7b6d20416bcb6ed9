# SPDX-License-Identifier: GPL-2.0-or-later
"""A kernel tree's history, and a checkout of our own to build it in.

The user's tree is never written to, not even by git: its objects are read through an alternates
file, by a repository of ours in the cache. There the files are checked out, one commit after
another, so that make sees which of them have changed.
"""

import shlex
from pathlib import Path

from . import errors, linux, paths, proc, progress

# Run from a hook or a rebase, git would be told of another repository.
_OTHERS = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR",
           "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_PREFIX")
GIT: tuple[str, ...] = ("env", *(word for name in _OTHERS for word in ("-u", name)), "git")
# What of the user's own settings would run programs, or change files.
_OURS = ("core.hooksPath=/dev/null", "core.autocrlf=false", "core.fsmonitor=false",
         "commit.gpgSign=false", "gc.auto=0", "maintenance.auto=false",
         "advice.detachedHead=false", "core.untrackedCache=false")
# Who commits the patches of a series, in a repository that nobody else sees
_IDENTITY = ("user.name=mali-vm", "user.email=mali-vm@localhost")


class Tree:
    """The user's tree, which is only read."""

    def __init__(self, name: str, option: str = "--tree"):
        self.option = f"{option} {name}"
        self.path = Path(name).expanduser().resolve()
        if not self.path.is_dir():
            raise errors.MaliError(f"{self.option}: there is no such folder: name a kernel's "
                                   "git tree")
        try:
            self._objects = Path(self.git("rev-parse", "--path-format=absolute", "--git-path",
                                          "objects").strip())
        except proc.Failed as exc:
            if "not a git repository" in exc.output:
                raise errors.MaliError(f"{self.option} is not in git: name a clone of a kernel "
                                       "tree that has the commits") from exc
            raise
        self.shallow = self.git("rev-parse", "--is-shallow-repository").strip() == "true"

    def git(self, *words: str) -> str:
        """What git says of the tree; it must not refresh the index, either."""
        return proc.run([*GIT, "-C", str(self.path), *words],
                        f"git {words[0]} in {self.path}", env={"GIT_OPTIONAL_LOCKS": "0"})

    def commit(self, revision: str, what: str) -> str:
        """The commit that `revision` names; `what` is the option it was given by."""
        try:
            return self.git("rev-parse", "--quiet", "--verify", "--end-of-options",
                            f"{revision}^{{commit}}").strip()
        except proc.Failed as exc:
            more = ": it is a shallow clone, git fetch --unshallow gets the rest" \
                if self.shallow else ": fetch it, or name another"
            raise errors.MaliError(f"{what} {revision} is no commit of {self.path}{more}") from exc

    def merge_base(self, one: str, other: str) -> str:
        """The newest commit that both come from, "" if there is none."""
        try:
            return self.git("merge-base", one, other).strip()
        except proc.Failed:
            return ""

    def dirty(self) -> bool:
        """Files of the tree differ from its last commit."""
        if self.git("rev-parse", "--is-bare-repository").strip() == "true":
            return False
        return bool(self.git("status", "--porcelain", "--untracked-files=no").strip())

    def partial(self) -> bool:
        """It was cloned without all files (git clone --filter)."""
        try:
            return bool(self.git("config", "--get-regexp", r"^remote\..*\.promisor$").strip())
        except proc.Failed:
            return False

    @property
    def objects(self) -> Path:
        """Where its commits and files are."""
        return self._objects

    @property
    def home(self) -> Path:
        """Our folder for it, the same for all worktrees of a repository."""
        return paths.cache_dir("trees", paths.digest(str(self._objects))[:12])


class Checkout:
    """Our own checkout of a tree; only who holds the lock of its `home` may use it."""

    def __init__(self, tree: Tree):
        self.origin = tree
        self.path = tree.home / "tree"
        linux.makeable(self.path)

    def git(self, *words: str, what: str = "", **more: object) -> str:
        """Run git in it."""
        return proc.run(self.words(*words), what or f"git {words[0]} in {self.path}",
                        **more)  # type: ignore[arg-type]

    def words(self, *words: str) -> list[str]:
        """The command line for git in it."""
        settings = [part for one in (*_OURS, *_IDENTITY) for part in ("-c", one)]
        return [*GIT, "-C", str(self.path), *settings, *words]

    def prepare(self) -> None:
        """Have the repository there, and whatever an interrupted call left of it gone."""
        git_dir = self.path / ".git"
        if not (git_dir / "HEAD").exists():
            self.path.mkdir(parents=True, exist_ok=True)
            self.git("init", "--quiet", ".", what="making a checkout")
        paths.write_whole(git_dir / "objects" / "info" / "alternates", f"{self.origin.objects}\n")
        shallow = self.origin.git("rev-parse", "--path-format=absolute", "--git-path", "shallow")
        own = git_dir / "shallow"
        if self.origin.shallow:
            paths.write_whole(own, Path(shallow.strip()).read_text(encoding="ascii"))
        else:
            own.unlink(missing_ok=True)
        for lock in ("index.lock", "HEAD.lock"):
            if (git_dir / lock).exists():
                (git_dir / lock).unlink()
                self._unsure.touch()

    @property
    def _unsure(self) -> Path:
        """There while files may be neither those of one commit nor of another."""
        return self.path / ".git" / "mali-vm-moving"

    def at(self) -> str:
        """The commit whose files are there, "" if it is unknown."""
        if self._unsure.exists():
            return ""
        try:
            return self.git("rev-parse", "--quiet", "--verify", "HEAD").strip()
        except proc.Failed:
            return ""

    def move(self, commit: str) -> None:
        """Have the files of `commit` there: only those that differ are written."""
        if self.at() == commit:
            return
        first = not (self.path / ".git" / "index").exists()
        with progress.step(f"checking out {commit[:12]}"):
            was_unsure = self._unsure.exists()
            self._unsure.touch()
            try:
                self.git("checkout", "--quiet", "--force", "--detach", commit, what="git checkout")
            except proc.Failed as exc:
                raise self._explain(exc, commit) from exc
            if was_unsure and not first:
                self.git("clean", "--quiet", "-ffdx", what="git clean")
            self._unsure.unlink()

    def abandon(self) -> None:
        """Forget a series that was being applied when somebody interrupted it."""
        for name in ("rebase-apply", "rebase-merge"):
            if (self.path / ".git" / name).exists():
                paths.remove(self.path / ".git" / name)
                self._unsure.touch()

    def _explain(self, exc: proc.Failed, commit: str) -> errors.MaliError:
        if self.origin.partial():
            return errors.MaliError(
                f"{self.origin.path} is a partial clone (git clone --filter) that lacks files of "
                f"{commit[:12]}: git -C {shlex.quote(str(self.origin.path))} checkout "
                f"{commit[:12]} fetches them, or name a whole clone")
        return exc

    def subject(self, commit: str) -> str:
        """A commit's first line."""
        return self.git("show", "--no-patch", "--format=%s", commit).strip()
