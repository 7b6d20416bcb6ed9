# SPDX-License-Identifier: GPL-2.0-or-later
"""./mali-vm bisect: from a test that fails to the commit that broke it, by `git bisect run`."""

import argparse
import math
import os
import shlex
import subprocess
import sys

from . import history, linux, paths, progress, table, trial
from .bisect_session import Record, Session
from .errors import MaliError
from .trial import Answer

FOUND, RANGE = 0, 1

# git starts the step, and the kernel ends it when git dies, however that happens.
STEP = ("-m", "malivm.bisect_step")
_WITH_PARENT = ("setpriv", "--pdeathsig", "TERM", "--")


def _ends(tree: history.Tree, args: argparse.Namespace) -> tuple[str, str, int]:
    """The good and the bad commit, and how many there are to choose from."""
    good, bad = tree.commit(args.good, "--good"), tree.commit(args.bad, "--bad")
    if good == bad:
        raise MaliError(f"--good {args.good} and --bad {args.bad} are the same commit: "
                        "name one that passes and one that fails")
    deeper = f": {tree.path} is a shallow clone, git fetch --unshallow gets the rest" \
        if tree.shallow else ""
    base = tree.merge_base(good, bad)
    if not base:
        raise MaliError(f"--good {args.good} and --bad {args.bad} have no history in common"
                        f"{deeper or ': name commits of one tree'}")
    if base == bad:
        raise MaliError(f"--good {args.good} comes after --bad {args.bad}: name them the other "
                        "way around; what is looked for is the commit that breaks the test")
    return good, bad, int(tree.git("rev-list", "--count", f"{good}..{bad}"))


def check(args: argparse.Namespace) -> None:
    """Complain about what would only show after a long build."""
    if not args.tests:
        raise MaliError("--test is missing: name the test that fails, "
                        "./mali-vm run --list shows all")
    trial.tests(args)
    linux.fragments(args.config)
    if trial.whole(args):
        linux.variant_name(args.kernel.partition(":")[2])
    elif args.config:
        raise MaliError(f"--config has no effect on --kernel {args.kernel}, of which only the "
                        "driver is built: take built[:VARIANT]")


def _check_ends(session: Session) -> None:
    """The bad commit fails and the good one does not, or there is nothing to look for."""
    bad = session.answer(session.bad)
    if bad.answer is Answer.SKIP:
        raise MaliError(f"the bad commit {session.bad[:12]} cannot be tested: {bad.reason}")
    if bad.answer is Answer.GOOD:
        raise MaliError(f"the test does not fail at the bad commit {session.bad[:12]}, in "
                        f"{bad.runs} runs: name a worse commit or another test, or have it run "
                        "more often (--repeat)")
    good = session.answer(session.good)
    if good.answer is Answer.SKIP:
        raise MaliError(f"the good commit {session.good[:12]} cannot be tested: {good.reason}; "
                        "name another one")
    if good.answer is Answer.BAD:
        raise MaliError(f"the test fails at the good commit {session.good[:12]} as well "
                        f"({good.reason}): name an older one")


def _bisect(session: Session) -> None:
    """Have git ask for commits until it knows enough, or is stopped."""
    checkout = session.checkout
    # Without a checkout: a commit whose answer is known already costs nothing then.
    checkout.git("bisect", "reset")
    checkout.git("bisect", "start", "--no-checkout", session.bad, session.good)
    theirs, ours = os.pipe()
    step = [*_WITH_PARENT, "env", f"PYTHONPATH={paths.PROJECT}", sys.executable, *STEP,
            str(session.folder), str(theirs)]
    words = [*_WITH_PARENT, *checkout.words("bisect", "run", *step)]
    with open(session.folder / "git.log", "w", encoding="utf-8") as log, \
            open(theirs, "rb"), open(ours, "wb"):
        git = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, pass_fds=[theirs],
                               env={**os.environ, "LC_ALL": "C.UTF-8"})
        try:
            git.wait()
        except KeyboardInterrupt:
            # A terminal's Ctrl-C was theirs as well; another signal was not.
            git.terminate()
            git.wait()
            raise


def _candidates(session: Session) -> list[str]:
    """The commits of which one is the culprit, as git knows them; the newest is the first."""
    git = session.checkout.git
    refs = git("for-each-ref", "--format=%(refname)", "refs/bisect").split()
    good = [ref for ref in refs if ref.startswith("refs/bisect/good-")]
    return git("rev-list", "refs/bisect/bad", "--not", *good).split()


def _steps_table(paper: table.Paper, session: Session) -> None:
    rows = []
    for record in session.records.values():
        word = {Answer.GOOD: "green", Answer.BAD: "red", Answer.SKIP: "yellow"}[record.answer]
        seconds = [f"{record.seconds[part]:.1f}" if part in record.seconds else ""
                   for part in ("build", "boot", "test")]
        rows.append([record.commit[:12], paper.paint(trial.WORDS[record.answer], word),
                     f"{record.failures}/{record.runs}", *seconds, record.subject[:50]])
    table.grid(paper, ["commit", "", "failed", "build s", "boot s", "test s", ""], rows,
               right=(2, 3, 4, 5))
    paper.line()
    for record in session.records.values():
        if record.reason:
            paper.line(f"  {record.commit[:12]}: {record.reason}")


def _reached(session: Session) -> str:
    """How sure the result is, where runs were repeated."""
    if session.rule.confidence == 0 and session.rule.repeat <= 1:
        return ""
    good = [record.runs for record in session.records.values() if record.answer is Answer.GOOD]
    seen = session.seen
    return (f"{seen.failures} of {seen.runs} runs at bad commits failed, and {len(good)} commits "
            f"were called good after {min(good)} to {max(good)} passes: the result is right with "
            f"a confidence of at least {100 * session.rule.attained(seen, good):.1f}%")


def _finish(session: Session) -> int:
    """Say what was found; returns the exit code."""
    paper = table.Paper()
    commits = _candidates(session)
    _steps_table(paper, session)
    paper.line()
    if len(commits) == 1:
        paper.line(paper.paint(f"{commits[0]} is the first bad commit", "bold"))
        paper.line(session.checkout.git("show", "--format=%an, %as%n%n    %s%n",
                                        "--stat", commits[0]).rstrip())
    else:
        paper.line("the first bad commit is one of these, all but the first of which could not be "
                   "tested:")
        for commit in commits:
            paper.line(f"  {commit[:12]} {session.checkout.subject(commit)}")
    reached = _reached(session)
    if reached:
        paper.line(reached)
    culprit = session.records[commits[0]]
    if session.checkout.at() != culprit.commit:
        session.checkout.move(culprit.commit)
    _tell_again(paper, session, culprit)
    # The next call with the same question begins anew; what was said is kept.
    (session.folder / "steps").replace(session.folder / "steps.done")
    return FOUND if len(commits) == 1 else RANGE


def _tell_again(paper: table.Paper, session: Session, culprit: Record) -> None:
    paper.line()
    paper.line(f"log of each step: {session.folder / 'logs'}")
    paper.line("the failure once more, while the checkout has this commit:")
    paper.line(f"  {trial.words(session.args, session.checkout.path)}")
    tree = shlex.quote(str(session.checkout.origin.path))
    paper.line("the commit in a worktree of your own:")
    paper.line(f"  git -C {tree} worktree add --detach ../culprit {culprit.commit[:12]}")


def _settled(session: Session, commits: list[str]) -> bool:
    """All that may be the culprit, but for the one that surely is bad, was skipped."""
    return all(commit in session.records and session.records[commit].answer is Answer.SKIP
               for commit in commits[1:])


def main(args: argparse.Namespace) -> int:
    """The command; returns the exit code."""
    tree = history.Tree(args.tree)
    good, bad, count = _ends(tree, args)
    check(args)
    if args.until_confidence and not 0.5 <= args.until_confidence < 1:
        raise MaliError(f"--until-confidence {args.until_confidence}: a probability from 0.5 to "
                        "below 1, such as 0.95")
    if tree.dirty():
        progress.say(f"{tree.path} has changes that are not committed: they have no part in this")
    args.tree = str(tree.path)
    steps = math.ceil(math.log2(count)) + 1
    folder = tree.home / "bisect" / paths.digest(good, bad, trial.key(args))
    with paths.lock(tree.home):
        session = Session(folder, args, good, bad, steps)
        session.checkout.prepare()
        session.save()
        if session.records:
            progress.say(f"going on after {len(session.records)} commits of an earlier call")
        progress.say(f"{count} commits from {good[:12]} to {bad[:12]}: both ends first, then about "
                     f"{steps - 1} steps")
        try:
            _check_ends(session)
            _bisect(session)
        except KeyboardInterrupt:
            progress.say("\nthe same command goes on from here")
            raise
        session = Session.load(folder)
        if not _settled(session, _candidates(session)):
            raise MaliError("the bisection was stopped (see above): the same command goes on "
                            f"from there; git's own words are in {folder / 'git.log'}")
        return _finish(session)
