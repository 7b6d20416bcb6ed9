# SPDX-License-Identifier: GPL-2.0-or-later
"""./mali-vm fuzz: has libFuzzer look for input that the device does not survive.

With a number of runs what happens is the same each time: a fixed seed, and nothing that an
earlier run has found. With minutes it goes on from there: inputs that reached something new
are kept in build/fuzz/NAME/corpus.
"""

import argparse
import re
import tempfile
from pathlib import Path

from . import errors, fuzz_device, fuzz_pure, packages, paths, proc, progress
from .fuzz_target import Program, Target
from .results import EXIT_FAIL, EXIT_PASS

TARGETS = (*fuzz_pure.TARGETS, fuzz_device.TARGET)
SEED = 1
# Of one input, in seconds: far more than any takes, on a machine that is at work
_TIMEOUT = 120
_SHOWN = 60                             # lines of the output of one that failed

_RUNS = re.compile(r"^#(\d+)\s")
_DONE = re.compile(r"^Done (\d+) runs in (\d+) second", re.MULTILINE)
_COVER = re.compile(r"cov: (\d+)")
_ARTIFACT = re.compile(r"Test unit written to (\S+)")


def ensure_all() -> None:
    """Build what all targets need."""
    packages.ensure("sanitized")
    for target in TARGETS:
        target.prepare()


def _home(target: Target) -> Path:
    return paths.build() / "fuzz" / target.name


def _words(target: Target, program: Program, args: argparse.Namespace, new: Path) -> list[str]:
    """The command; inputs that reach something new go to `new`."""
    # Long inputs from the start: short ones do not come far, and are no faster.
    words = [*program.argv, f"-max_len={target.max_len}", "-len_control=0",
             f"-timeout={_TIMEOUT}", f"-artifact_prefix={_home(target)}/"]
    if args.minutes:
        words += [f"-max_total_time={60 * args.minutes}"]
        words += [f"-seed={args.seed}"] if args.seed else []
    else:
        words += [f"-runs={args.runs or target.runs}", f"-seed={args.seed or SEED}"]
    return [*words, str(new), *([str(program.seeds)] if program.seeds else [])]


def _tell(target: Target, exc: proc.Failed) -> None:
    print("\n".join(exc.output.splitlines()[-_SHOWN:]), flush=True)
    found = _ARTIFACT.search(exc.output)
    if found:
        progress.say(f"to repeat this: ./mali-vm fuzz {target.name} --repeat {found[1]}")


def _fuzz(target: Target, args: argparse.Namespace) -> bool:
    """Run one target; returns whether nothing was found."""
    program = target.prepare()
    total = args.runs or target.runs
    with tempfile.TemporaryDirectory() as temp:
        new = _home(target) / "corpus" if args.minutes else Path(temp)
        new.mkdir(parents=True, exist_ok=True)
        try:
            with progress.step(f"fuzzing {target.title}") as step:
                def on_line(line: str) -> None:
                    count = _RUNS.match(line)
                    if count and not args.minutes:
                        step.update(min(int(count[1]), total), total)
                output = proc.run(_words(target, program, args, new), f"fuzzing {target.title}",
                                  env=program.env, log=f"fuzz-{target.name}", on_line=on_line)
        except proc.Failed as exc:
            _tell(target, exc)
            return False
    done, covered = _DONE.search(output), _COVER.findall(output)
    if not done or not covered:
        raise errors.MaliError(f"libFuzzer did not run {target.name}: "
                               f"see {proc.log_path('fuzz-' + target.name)}")
    print(f"{target.name}: {done[1]} inputs in {done[2]} s, {covered[-1]} places of the code "
          "reached, nothing found", flush=True)
    return True


def _repeat(target: Target, file: Path) -> bool:
    """Run one input; returns whether it is survived."""
    program = target.prepare()
    try:
        proc.run([*program.argv, f"-timeout={_TIMEOUT}", str(file)], f"running {file}",
                 env=program.env, log=f"fuzz-{target.name}")
    except proc.Failed as exc:
        print(exc.output, flush=True)
        return False
    print(f"{target.name}: {file} is survived", flush=True)
    return True


def _chosen(names: list[str]) -> list[Target]:
    known = [target.name for target in TARGETS]
    for name in names:
        if name not in known:
            raise errors.MaliError(f"there is no target {name}: choose from {', '.join(known)}")
    return [target for target in TARGETS if target.name in (names or known)]


def _file(name: str) -> Path:
    path = Path(name)
    if not path.is_file():
        raise errors.MaliError(f"{name} is not there, or no file")
    return path


def main(args: argparse.Namespace) -> int:
    """The command; returns the exit code."""
    targets = _chosen(args.names)
    if args.list:
        for target in targets:
            print(f"{target.name:<8} {target.title}")
        return EXIT_PASS
    if args.repeat and len(targets) != 1:
        raise errors.MaliError("--repeat wants the name of one target, as in "
                               f"./mali-vm fuzz {targets[0].name} --repeat {args.repeat}")
    packages.ensure("sanitized")
    if args.trace:
        corpus = _home(fuzz_device.TARGET) / "corpus"
        name = f"trace-{Path(args.trace).stem}"
        paths.write_whole(corpus / name, fuzz_device.convert(_file(args.trace)))
        progress.say(f"{args.trace} is an input now: {corpus / name}")
        return EXIT_PASS
    if args.repeat:
        passed = _repeat(targets[0], _file(args.repeat))
    else:
        passed = all([_fuzz(target, args) for target in targets])
    return EXIT_PASS if passed else EXIT_FAIL
