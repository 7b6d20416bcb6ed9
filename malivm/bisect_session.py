# SPDX-License-Identifier: GPL-2.0-or-later
"""A bisection as it is kept: what is asked at each commit, and what has been answered so far.

It lies in a folder of the cache, one for each question, so that a call that was interrupted is
taken up by the next one, and so that the program which `git bisect run` starts for each step
finds all that it needs.
"""

import argparse
import dataclasses
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from . import errors, history, linux, machine, paths, progress, repeat, table, trial
from .repeat import Seen
from .swap import Swap
from .trial import Answer

# A machine that came up once may fail to do so again on a busy host, but not for ever.
_MOST_SKIPS = 3


@dataclasses.dataclass
class Record:
    """What came of one commit."""
    commit: str
    subject: str
    answer: Answer
    reason: str = ""
    runs: int = 0
    failures: int = 0
    seconds: dict[str, float] = dataclasses.field(default_factory=dict)   # build, boot, test
    log: str = ""                       # the folder with the last run's console and all

    @property
    def total(self) -> float:
        """Seconds, all in all."""
        return sum(self.seconds.values())


class Session:
    """One bisection. Who uses it holds the lock of the tree's home."""

    def __init__(self, folder: Path, args: argparse.Namespace, good: str, bad: str, steps: int):
        self.folder, self.args, self.good, self.bad = folder, args, good, bad
        self.rule = repeat.Rule(args.repeat or 0, args.until_confidence or 0.0, steps)
        self.checkout = history.Checkout(history.Tree(args.tree))
        self.records = {record.commit: record for record in _records(folder / "steps")}
        self._paper = table.Paper(sys.stderr)

    def save(self) -> None:
        """Keep the question; the answers are kept as they come."""
        self.folder.mkdir(parents=True, exist_ok=True)
        paths.write_whole(self.folder / "question", json.dumps(
            {"args": vars(self.args), "good": self.good, "bad": self.bad,
             "steps": self.rule.steps}))

    @classmethod
    def load(cls, folder: Path) -> "Session":
        """What save() has kept."""
        kept = json.loads((folder / "question").read_text(encoding="utf-8"))
        args = argparse.Namespace(**kept["args"])
        args.swap = Swap(*args.swap)
        return cls(folder, args, kept["good"], kept["bad"], kept["steps"])

    @property
    def seen(self) -> Seen:
        """The runs at bad commits so far."""
        return sum((Seen(record.failures, record.runs) for record in self.records.values()
                    if record.answer is Answer.BAD), Seen())

    @property
    def mean(self) -> float:
        """Seconds that a step took so far, without the first one, which builds everything."""
        took = [record.total for record in self.records.values()]
        took = took[1:] or took
        return sum(took) / len(took) if took else 0.0

    def answer(self, commit: str, left: int | None = None) -> Record:
        """The answer of a commit, found out now if it is not known yet; `left` is how many more
        will be asked, if that is known."""
        if commit in self.records:
            return self.records[commit]
        subject = self.checkout.subject(commit)
        todo = ""
        if left is not None:
            todo = f", then about {left} more"
            if self.mean:
                todo += f": {_duration(self.mean * (left + 1))} to go"
        progress.say(f"commit {commit[:12]} ({subject}){todo}")
        record = self._find_out(commit, subject)
        self.records[commit] = record
        with open(self.folder / "steps", "a", encoding="utf-8") as file:
            file.write(json.dumps(dataclasses.asdict(record)) + "\n")
        runs = f" after {record.runs} runs" if record.runs > 1 else ""
        reason = f": {record.reason}" if record.reason else ""
        progress.say(f"commit {commit[:12]} is {trial.WORDS[record.answer]}{runs}{reason} "
                     f"({_duration(record.total)})")
        return record

    def _find_out(self, commit: str, subject: str) -> Record:
        record = Record(commit, subject, Answer.SKIP, seconds={"build": 0.0})
        begun = time.monotonic()
        try:
            self.checkout.move(commit)
            prepared = trial.prepare(self.args, self.checkout.path)
        except linux.Unfit as exc:
            record.reason = exc.message
            return record
        finally:
            record.seconds["build"] = time.monotonic() - begun
        self._run(record, prepared)
        return record

    def _run(self, record: Record, prepared: machine.Prepared) -> None:
        """Run the test until the answer is known."""
        end = record.commit == self.bad
        skips = 0
        log = self.folder / "logs" / record.commit[:12]
        record.log = str(log)
        record.seconds |= {"boot": 0.0, "test": 0.0}
        while True:
            outcome = trial.once(self.args, prepared, self._paper, log)
            record.seconds["boot"] += outcome.boot
            record.seconds["test"] += outcome.test
            if outcome.answer is Answer.SKIP:
                record.reason, skips = outcome.reason, skips + 1
                if not record.runs or skips >= _MOST_SKIPS:
                    record.answer = Answer.SKIP
                    return
                continue
            record.runs += 1
            if outcome.answer is Answer.BAD:
                record.failures += 1
                record.answer, record.reason = Answer.BAD, outcome.reason
            if self._done(record, end):
                return

    def _done(self, record: Record, end: bool) -> bool:
        """The commit's answer is known; the bad end's is once the rule knows enough of it."""
        if record.failures:
            return not end or self.rule.known_enough(Seen(record.failures, record.runs))
        if end:
            needed = self.rule.most_silent()
        else:
            needed = self.rule.passes(self.seen)
            if needed > repeat.MOST_RUNS:
                raise errors.MaliError(
                    f"with {self.seen.failures} failures in {self.seen.runs} runs at bad commits "
                    f"it would take more than {repeat.MOST_RUNS} runs to call one good: make the "
                    "failure more frequent (--inject, --smp), or name a number (--repeat)")
        record.answer, record.reason = Answer.GOOD, ""
        return record.runs >= needed


def _records(file: Path) -> Iterator[Record]:
    """Those that were written; the last one may be cut off."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        try:
            kept: dict[str, Any] = json.loads(line)
        except ValueError:
            continue
        kept["answer"] = Answer(kept["answer"])
        yield Record(**kept)


def _duration(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 6000:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
