# SPDX-License-Identifier: GPL-2.0-or-later
"""What of a program's source ran: gcov's counters, added up, in lcov's form of a file.

The form is described in geninfo(1). Of it, what is written is read again: lines, branches and
functions; what lcov computes from them (LF, BRH, ...) is computed anew.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .errors import MaliError

#: line, block, number in the block
Branch = tuple[int, int, int]


def _sum(left: int | None, right: int | None) -> int | None:
    return right if left is None else left if right is None else left + right


@dataclass
class File:
    """One source file."""
    lines: dict[int, int] = field(default_factory=dict)
    #: how often it was taken; None if the program never came to where it is chosen
    branches: dict[Branch, int | None] = field(default_factory=dict)
    #: name -> its first line, how often it was called
    functions: dict[str, tuple[int, int]] = field(default_factory=dict)

    def add(self, other: "File") -> None:
        """Add another run's counters."""
        for line, count in other.lines.items():
            self.lines[line] = self.lines.get(line, 0) + count
        for branch, taken in other.branches.items():
            self.branches[branch] = _sum(self.branches.get(branch), taken)
        for name, (line, count) in other.functions.items():
            self.functions[name] = (line, self.functions.get(name, (line, 0))[1] + count)

    @property
    def lines_hit(self) -> int:
        """Lines that ran."""
        return sum(count > 0 for count in self.lines.values())

    @property
    def branches_hit(self) -> int:
        """Branches that were taken."""
        return sum(bool(taken) for taken in self.branches.values())


@dataclass
class Trace:
    """All files, by their paths, and what they were built as: counters of two builds, whose
    lines differ, are never added up."""
    build: str
    files: dict[str, File] = field(default_factory=dict)

    def add(self, path: str, file: File) -> None:
        """Add the counters of one file."""
        self.files.setdefault(path, File()).add(file)

    def merge(self, other: "Trace") -> None:
        """Add those of another run of the same build."""
        for path, file in other.files.items():
            self.add(path, file)


def from_gcov(said: Mapping[str, Any]) -> dict[str, File]:
    """What gcov --json-format says of one object: the files it was compiled from."""
    found: dict[str, File] = {}
    for entry in said["files"]:
        file = found.setdefault(str(entry["file"]), File())
        blocks: dict[int, int] = {}
        for line in entry["lines"]:
            number, count = int(line["line_number"]), int(line["count"])
            # A line comes once for each function that it is part of.
            block = blocks[number] = blocks.get(number, -1) + 1
            one = File({number: count})
            for index, branch in enumerate(line["branches"]):
                one.branches[number, block, index] = int(branch["count"]) if count else None
            file.add(one)
        for function in entry["functions"]:
            file.add(File(functions={str(function["name"]): (
                int(function["start_line"]), int(function["execution_count"]))}))
    return found


def dumps(trace: Trace) -> str:
    """`trace` as the text of a tracefile."""
    out = []
    for path, file in sorted(trace.files.items()):
        out += [f"TN:{trace.build}", f"SF:{path}"]
        functions = sorted(file.functions.items(), key=lambda item: item[1][0])
        out += [f"FN:{line},{name}" for name, (line, _) in functions]
        out += [f"FNDA:{count},{name}" for name, (_, count) in functions]
        out += [f"FNF:{len(functions)}",
                f"FNH:{sum(count > 0 for _, (_, count) in functions)}"]
        out += [f"BRDA:{line},{block},{index},{'-' if taken is None else taken}"
                for (line, block, index), taken in sorted(file.branches.items())]
        out += [f"BRF:{len(file.branches)}", f"BRH:{file.branches_hit}"]
        out += [f"DA:{line},{count}" for line, count in sorted(file.lines.items())]
        out += [f"LF:{len(file.lines)}", f"LH:{file.lines_hit}", "end_of_record"]
    return "".join(f"{line}\n" for line in out)


_COMPUTED = ("FNF", "FNH", "BRF", "BRH", "LF", "LH")


def loads(text: str) -> Trace:
    """The tracefile that dumps() wrote; also after lcov has read and written it."""
    trace = Trace("")
    file = File()
    for number, line in enumerate(text.splitlines(), 1):
        key, _, value = line.partition(":")
        fields = re.split(",", value)
        try:
            if key == "TN":
                trace.build = value
            elif key == "SF":
                file = trace.files.setdefault(value, File())
            elif key == "DA":
                file.add(File({int(fields[0]): int(fields[1])}))
            elif key == "BRDA":
                branch = (int(fields[0]), int(fields[1]), int(fields[2]))
                file.add(File(branches={branch: None if fields[3] == "-" else int(fields[3])}))
            elif key == "FN":
                file.add(File(functions={fields[-1]: (int(fields[0]), 0)}))
            elif key == "FNDA":
                start = file.functions[fields[1]][0]
                file.add(File(functions={fields[1]: (start, int(fields[0]))}))
            elif key not in (*_COMPUTED, "end_of_record"):
                raise ValueError
        except (ValueError, IndexError, KeyError) as exc:
            raise MaliError(f"line {number} is none of a tracefile of ./mali-vm: {line}") from exc
    return trace


def total(files: Iterable[File]) -> tuple[int, int, int, int]:
    """Lines that ran, lines, branches that were taken, branches."""
    chosen = list(files)
    return (sum(file.lines_hit for file in chosen), sum(len(file.lines) for file in chosen),
            sum(file.branches_hit for file in chosen), sum(len(file.branches) for file in chosen))
