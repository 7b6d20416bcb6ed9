# SPDX-License-Identifier: GPL-2.0-or-later
"""The reader of the guest's TAP: what it takes, and that nothing damaged passes."""

import unittest

import support  # noqa: F401
from malivm.eviction import Pass
from malivm.tap import TapReader, TapTest

GOOD = """\
# mali-vm: boot init=1.5 coldplug=0.3
TAP version 14
1..3
ok 1 - probe.query
  ---
  seconds: 1.25
  metrics: {"cycles": 100, "name": "a # b"}
  log: ["one", "two"]
  allow: ["reset .*"]
  known: {"stale": "docs/findings/x.md"}
  seen: {"docs/findings/y.md": "it stood still"}
  passes: [{"path": "unused", "begin": 5, "end": 7, "pages": 3, "refaults": 0, \
"trylock": {"op_lock": 2}, "delays": [9]}]
  ...
not ok 2 - probe.nodes
  ---
  seconds: 2
  reason: "no \\"render\\" node"
  ...
ok 3 - probe.bind # SKIP no driver
TAP version 14
1..1
ok 1 - evict.unused.shrink
# mali-vm: done
"""


def read(text: str) -> tuple[TapReader, list[TapTest]]:
    reader = TapReader()
    tests = [test for line in text.split("\n") for test in reader.feed(line)]
    return reader, tests + list(reader.finish())


class Good(unittest.TestCase):
    def test_streams_are_read_whole(self) -> None:
        reader, tests = read(GOOD)
        self.assertEqual(reader.errors, [])
        self.assertTrue(reader.done)
        self.assertEqual(reader.notes, ["boot init=1.5 coldplug=0.3"])
        self.assertEqual(tests, [
            TapTest("probe.query", True, seconds=1.25, log=["one", "two"], allow=["reset .*"],
                    known={"stale": "docs/findings/x.md"},
                    seen={"docs/findings/y.md": "it stood still"},
                    passes=[Pass("unused", 5, 7, 3, 0, {"op_lock": 2}, [9])],
                    metrics={"cycles": 100, "name": "a # b"}),
            TapTest("probe.nodes", False, seconds=2, reason='no "render" node'),
            TapTest("probe.bind", True, skipped=True, reason="no driver"),
            TapTest("evict.unused.shrink", True)])

    def test_carriage_returns_do_not_matter(self) -> None:
        self.assertEqual(read(GOOD.replace("\n", "\r\n"))[1], read(GOOD)[1])

    def test_a_test_is_out_when_its_block_ends(self) -> None:
        reader = TapReader()
        lines = GOOD.splitlines()
        end = lines.index("  ...")
        out = [list(reader.feed(line)) for line in lines[:end + 1]]
        self.assertEqual([len(tests) for tests in out], [0] * end + [1])

    def test_an_empty_plan_is_a_plan(self) -> None:
        reader, tests = read("TAP version 14\n1..0 # SKIP nothing here\n# mali-vm: done\n")
        self.assertEqual((reader.errors, tests), ([], []))


class Bad(unittest.TestCase):
    def errors(self, text: str) -> str:
        reader, _ = read(text)
        return "; ".join(reader.errors)

    def test_every_cut_is_noticed(self) -> None:
        # Wherever the port falls silent, something says so.
        lines = GOOD.splitlines()
        for count in range(len(lines)):
            reader, _ = read("\n".join(lines[:count]))
            self.assertFalse(reader.done and not reader.errors, lines[:count])
            if 2 <= count < lines.index("  ..."):
                self.assertNotEqual(reader.errors, [], lines[:count])

    def test_every_lost_line_is_noticed(self) -> None:
        # Lines without which nothing of importance is lost.
        spare = ("# mali-vm: boot", "  seconds", "  metrics", "  log", "  allow", "  known",
                 "  seen", "  passes", "  reason", "  ...")
        lines = GOOD.splitlines()
        for number, line in enumerate(lines):
            if line.startswith(spare):
                continue
            reader, _ = read("\n".join(lines[:number] + lines[number + 1:]))
            self.assertTrue(reader.errors or not reader.done, f"without: {line}")

    def test_plan_not_fulfilled(self) -> None:
        self.assertIn("2 tests were planned, 1 was reported after a.b",
                      self.errors("TAP version 14\n1..2\nok 1 - a.b\n# mali-vm: done\n"))

    def test_more_than_planned(self) -> None:
        self.assertIn("1 tests were planned, 2 were reported",
                      self.errors("TAP version 14\n1..1\nok 1 - a.b\nok 2 - a.c\n"))

    def test_next_suite_does_not_hide_a_short_one(self) -> None:
        self.assertIn("2 tests were planned",
                      self.errors("TAP version 14\n1..2\nok 1 - a.b\nTAP version 14\n1..0\n"))

    def test_wrong_number(self) -> None:
        self.assertIn("a.b is number 2, expected 1",
                      self.errors("TAP version 14\n1..1\nok 2 - a.b\n"))

    def test_bail_out(self) -> None:
        self.assertIn("evict was killed by SIGSEGV",
                      self.errors("TAP version 14\n1..2\nBail out! evict was killed by SIGSEGV\n"))

    def test_values_must_be_json_of_the_right_type(self) -> None:
        head = "TAP version 14\n1..1\nok 1 - a.b\n  ---\n"
        self.assertIn("seconds has a value", self.errors(head + '  seconds: "1"\n  ...\n'))
        self.assertIn("details are cut off", self.errors(head + "  seconds: 1.\n  ...\n"))
        self.assertIn("allow has no regular expression: (",
                      self.errors(head + '  allow: ["a", "("]\n  ...\n'))
        self.assertIn("known has no regular expression: [",
                      self.errors(head + '  known: {"[": "file"}\n  ...\n'))
        self.assertIn("metrics has a value", self.errors(head + "  metrics: []\n  ...\n"))
        self.assertIn("passes has something else",
                      self.errors(head + '  passes: [{"path": "unused"}]\n  ...\n'))

    def test_text_after_the_end(self) -> None:
        self.assertIn("after the end", self.errors("# mali-vm: done\nok 1 - a.b\n"))

    def test_other_text(self) -> None:
        self.assertIn("not TAP: Segmentation fault",
                      self.errors("TAP version 14\n1..0\nSegmentation fault\n"))


if __name__ == "__main__":
    unittest.main()
