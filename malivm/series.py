# SPDX-License-Identifier: GPL-2.0-or-later
"""./mali-vm series: a series of patches, built and tested after each one of them."""

import argparse
import dataclasses
import re
import sys
import tempfile
from pathlib import Path

from . import (bisect, errors, history, linux, mail, paths, proc, progress, results, run, table,
               trial)
from .results import BOOT, FAIL, SKIP

_REJECT_LINES = 60


@dataclasses.dataclass
class Stage:
    """The tree after a patch, or, with number 0, before the first one."""
    number: int
    subject: str
    commit: str = ""
    problem: str = ""                   # a sentence: why there are no results
    rejects: dict[str, str] = dataclasses.field(default_factory=dict)     # file -> hunks
    tests: dict[str, results.Test] = dataclasses.field(default_factory=dict)


class Refused(errors.MaliError):
    """A patch does not apply; `rejects` are the hunks that do not, by file."""

    def __init__(self, message: str, rejects: dict[str, str]):
        super().__init__(message)
        self.rejects = rejects


def apply(checkout: history.Checkout, patch: mail.Patch) -> str:
    """Commit a patch on top of what is checked out; the commit."""
    with tempfile.TemporaryDirectory(dir=checkout.origin.home) as temp:
        file = Path(temp) / "mail"
        file.write_bytes(patch.mail)
        try:
            if patch.subject:
                checkout.git("am", "--quiet", "--3way", "--no-gpg-sign", str(file), what="git am")
            else:
                checkout.git("apply", "--index", str(file), what="git apply")
                checkout.git("commit", "--quiet", "--allow-empty", "--message", "a patch")
        except proc.Failed as exc:
            raise _refused(checkout, file, exc) from exc
    return checkout.git("rev-parse", "HEAD").strip()


def _refused(checkout: history.Checkout, file: Path, exc: proc.Failed) -> Refused:
    """Find out which hunks do not apply, and leave the tree as it was before."""
    try:
        checkout.git("am", "--abort")
    except proc.Failed:
        pass                            # git apply
    body = file.with_name("patch")
    try:
        info = checkout.git("mailinfo", str(file.with_name("message")), str(body), stdin=file)
    except proc.Failed:
        info = ""
    if not info.strip() or not body.read_text(encoding="utf-8", errors="replace").strip():
        body = file
    rejects: dict[str, str] = {}
    said = exc.output
    try:
        checkout.git("apply", "--reject", "--whitespace=nowarn", str(body), what="git apply")
    except proc.Failed as failed:
        said = failed.output
    for left in sorted(checkout.path.rglob("*.rej")):
        name = str(left.relative_to(checkout.path)).removesuffix(".rej")
        rejects[name] = left.read_text(encoding="utf-8", errors="replace")
    missing = re.findall(r"^error: (\S+): No such file or directory$", said, re.MULTILINE)
    checkout.git("reset", "--quiet", "--hard")
    checkout.git("clean", "--quiet", "-ffdx")
    if missing:
        return Refused(f"it does not apply: the tree has no {', '.join(dict.fromkeys(missing))}",
                       rejects)
    if rejects:
        hunks = sum(text.count("\n@@ ") for text in rejects.values())
        return Refused(f"it does not apply: {hunks} hunks of {', '.join(rejects)} are rejected",
                       rejects)
    return Refused(f"it does not apply: {proc.telling_line(said)}", rejects)


def _test(args: argparse.Namespace, checkout: history.Checkout, stage: Stage, log: Path,
          paper: table.Paper) -> None:
    """Build what is checked out, and run the tests."""
    try:
        prepared = trial.prepare(args, checkout.path)
    except linux.Unfit as exc:
        stage.problem = exc.message
        return
    names = [name for name in trial.tests(args) if name != BOOT]
    try:
        report = run.run_tests(prepared, names, paper, timeout=args.timeout, seed=args.seed,
                               cases=args.cases, minutes=args.minutes,
                               keep_going=args.keep_going, log=str(log))
    finally:
        paper.clear()
    stage.tests = {test.name: test for test in report.tests}
    found = [finding for finding in report.unexpected if not finding.get("test")]
    if found:
        stage.tests["(the run)"] = results.Test("(the run)", FAIL, reason=found[0]["message"])


def _changes(stages: list[Stage]) -> list[tuple[str, str, Stage, results.Test]]:
    """(test, what happened, the patch that it happened with, the test there): a test starts to
    fail, or does not any more. What a patch that cannot be tested hides is told of the next."""
    found = []
    before: dict[str, str] = {}
    for stage in stages:
        for name, test in stage.tests.items():
            was, now = before.get(name), test.status
            if now == FAIL and was not in (None, FAIL):
                found.append((name, "starts to fail", stage, test))
            elif was == FAIL and now != FAIL:
                found.append((name, "does not fail any more", stage, test))
            before[name] = now
    return found


def _show(paper: table.Paper, stages: list[Stage]) -> int:
    """The table, and what changed with which patch; returns the exit code."""
    names = list(dict.fromkeys(name for stage in stages for name in stage.tests))
    tested = [stage for stage in stages if stage.tests]
    paper.line()
    for stage in stages:
        title = f"{stage.number:>3}  {stage.subject or 'the tree as it is'}"
        paper.line(f"{title}{': ' + paper.paint(stage.problem, 'red') if stage.problem else ''}")
        for name, text in stage.rejects.items():
            paper.line(f"       {name}.rej:")
            for line in text.splitlines()[:_REJECT_LINES]:
                paper.line(f"         {line}")
    paper.line()
    if tested:
        table.grid(paper, ["", *(str(stage.number) for stage in tested)],
                   [[name, *(table.verdict(paper, stage.tests[name].status)
                             if name in stage.tests else "" for stage in tested)]
                    for name in names])
        paper.line()
    changes = _changes(stages)
    for name, what, stage, test in changes:
        paper.line(f"{name} {what} with patch {stage.number} ({stage.subject})"
                   f"{': ' + test.reason if test.reason else ''}")
    for name in names:
        if tested[0].tests.get(name) and tested[0].tests[name].status == FAIL:
            paper.line(f"{name} fails before patch {tested[0].number + 1} already: "
                       f"{tested[0].tests[name].reason}")
    skipped = [name for name in names
               if all(stage.tests[name].status == SKIP for stage in tested if name in stage.tests)]
    for name in skipped:
        paper.line(f"{name} is skipped throughout: {tested[-1].tests[name].reason}"
                   if name in tested[-1].tests else f"{name} is skipped throughout")
    broken = [stage for stage in stages if stage.problem]
    failing = any(test.status == FAIL for stage in stages for test in stage.tests.values())
    paper.line(f"{len(stages) - 1} patches, {len(tested)} states tested, {len(broken)} not, "
               f"{sum(what == 'starts to fail' for _, what, _, _ in changes)} tests start to fail")
    return results.EXIT_FAIL if broken or failing else results.EXIT_PASS


def main(args: argparse.Namespace) -> int:
    """The command; returns the exit code."""
    tree = history.Tree(args.base, "--base")
    base = tree.commit(args.at, "--at")
    bisect.check(args)
    with tempfile.TemporaryDirectory() as temp:
        patches = mail.read(Path(args.patches).expanduser(), Path(temp))
    paper, quiet = table.Paper(), table.Paper(sys.stderr)
    if tree.dirty():
        progress.say(f"{tree.path} has changes that are not committed: they have no part in this")
    with paths.lock(tree.home):
        checkout = history.Checkout(tree)
        checkout.prepare()
        checkout.abandon()
        checkout.move(base)
        logs = tree.home / "series"
        stages = [Stage(0, "", base)]
        _test(args, checkout, stages[0], logs / "0", quiet)
        for number, patch in enumerate(patches, 1):
            stage = Stage(number, patch.subject)
            stages.append(stage)
            progress.say(f"patch {number} of {len(patches)}: {patch.subject}")
            try:
                stage.commit = apply(checkout, patch)
            except Refused as exc:
                stage.problem, stage.rejects = exc.message, exc.rejects
                left = len(patches) - number
                if left:
                    stages.append(Stage(number + 1, f"... and {left - 1} more" if left > 1 else
                                        patches[-1].subject,
                                        problem="not tried, after one that does not apply"))
                break
            _test(args, checkout, stage, logs / str(number), quiet)
        return _show(paper, stages)
