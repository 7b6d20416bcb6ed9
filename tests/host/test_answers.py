# SPDX-License-Identifier: GPL-2.0-or-later
"""What the guest asks the host: the answer to each question, and who gets none."""

import unittest
from collections.abc import Sequence
from typing import Any

import support  # noqa: F401
from malivm import answers
from malivm.qmp import Qmp, QmpClosed, QmpError
from malivm.rules import Rules


class FakeQmp(Qmp):
    """Answers from a table: of several values one after another, of one for ever."""

    def __init__(self, **values: Any):
        self.values = {name.replace("_", "-"): value if isinstance(value, list) else [value]
                       for name, value in values.items()}
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def execute(self, command: str, **arguments: Any) -> Any:
        self.asked.append((command, arguments))
        if command not in self.values:
            raise QmpError(command, f"The command {command} has not been found")
        left = self.values[command]
        value = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(value, Exception):
            raise value
        return value


def listed(**hits: int) -> list[dict[str, Any]]:
    """What x-mali-csf-inject-list says of rules that have hit so often."""
    return [{"name": name, "rule": f"as-command name={name} -> count", "hits": number,
             "matches": number, "optional": False} for name, number in hits.items()]


class AnswerCase(unittest.TestCase):
    def ask(self, text: str, **values: Any) -> str:
        self.qmp = FakeQmp(**values)
        return answers.Answerer(Rules(self.qmp), self.qmp).answer(f"# mali-vm: ask 7.1 {text} .")


class Questions(AnswerCase):
    PEEK = {"locked": False, "source": "tlb", "stale": True,
            "cached": {"exception": 0, "level": 3, "pa": 4096, "writable": True},
            "fresh": {"exception": 195, "level": 2}}

    def test_translate(self) -> None:
        self.assertEqual(
            self.ask("translate 1 0x1000 write", x_mali_csf_translate=self.PEEK),
            "7.1 ok locked=0 source=tlb stale=1 cached.exception=0 cached.level=3 cached.pa=4096 "
            "cached.writable=1 fresh.exception=195 fresh.level=2")
        self.assertEqual(self.qmp.asked, [
            ("x-mali-csf-translate", {"as": 1, "va": 4096, "access": "write"})])

    def test_an_access_reads_unless_it_is_said(self) -> None:
        self.ask("translate 1 4096", x_mali_csf_translate=self.PEEK)
        self.assertEqual(self.qmp.asked[0][1]["access"], "read")

    def test_findings_and_properties(self) -> None:
        kinds = [{"name": "freed-page", "count": 3}, {"name": "powered-off", "count": 0}]
        self.assertEqual(self.ask("findings", x_mali_csf_findings={"kinds": kinds}),
                         "7.1 ok freed-page=3 powered-off=0")
        for value, word in ((12, "12"), (True, "1"), ("g610", "g610")):
            self.assertEqual(self.ask("property x", qom_get=value), f"7.1 ok {word}")
        self.assertEqual(self.qmp.asked[0][1]["path"], "/machine/peripheral/gpu")

    def test_swap_disk(self) -> None:
        self.qmp = FakeQmp(qom_set={})
        answerer = answers.Answerer(Rules(self.qmp), self.qmp)
        for text in ("swap-disk slow", "swap-disk bad-reads", "test-end a.one", "test-end a.two"):
            self.assertEqual(answerer.answer(f"# mali-vm: ask 1 {text} ."), "1 ok")
        # It is sound again when the test has ended, and then left alone.
        self.assertEqual([asked["value"] for _, asked in self.qmp.asked],
                         ["swap-slow", "swap-bad-reads", "swap-file"])
        self.assertIn("sound, slow, bad-reads, bad-writes, not wet", self.ask("swap-disk wet"))

    def test_hits(self) -> None:
        rules = listed(one=3, two=0)
        self.assertEqual(self.ask("hits one", x_mali_csf_inject_list=[rules]), "7.1 ok 3")
        self.assertEqual(self.ask("inject-list", x_mali_csf_inject_list=[rules]),
                         "7.1 ok one=3 two=0")
        self.assertEqual(self.ask("hits three", x_mali_csf_inject_list=[rules]),
                         "7.1 error there is no rule three")

    def test_refusals_are_the_devices_own_words(self) -> None:
        self.assertEqual(self.ask("inject-add a -> b",
                                  x_mali_csf_inject_add=QmpError("x", "no\nevent a")),
                         "7.1 error no event a")

    def test_wrong_questions(self) -> None:
        for text, says in (("fly", "there is no command fly"), ("hits", "it is hits NAME"),
                           ("hits a b", "it is hits NAME"), ("tlb 1 2", "it is tlb AS FIRST LAST"),
                           ("tlb 1 2 x", "it is tlb AS FIRST LAST"),
                           ("inject-add", "it is inject-add RULE"),
                           ("findings all", "it is findings, with")):
            with self.subTest(text):
                self.assertIn(f"7.1 error {says}", self.ask(text))
                self.assertEqual(self.qmp.asked, [])

    def test_every_command_has_a_usage_for_its_arguments(self) -> None:
        for name, command in answers.COMMANDS.items():
            words = command.usage.split()
            self.assertEqual(len(words), len(command.kinds), name)
            self.assertEqual(sum("[" in word for word in words), command.optional, name)

    def test_nobody_hears_the_answer_to_half_a_question(self) -> None:
        answerer = answers.Answerer(Rules(FakeQmp()), FakeQmp())
        for line in ("# mali-vm: ask 7.1 hits one", "# mali-vm: ask 7.1", "# mali-vm: ask ",
                     "# mali-vm: ask 7.1 inject-add as-command as=1"):
            self.assertTrue(answers.is_question(line))
            self.assertEqual(answerer.answer(line), "")

    def test_nor_that_of_a_qemu_that_has_ended(self) -> None:
        self.assertEqual(self.ask("findings", x_mali_csf_findings=QmpClosed()), "")

    def test_what_is_too_long_is_refused(self) -> None:
        answer = self.ask("property x", qom_get="y" * answers.MAX_ANSWER)
        self.assertEqual(answer, "7.1 error the answer is too long: ask for less")


class Regions(AnswerCase):
    def mappings(self, text: str, *parts: Any) -> str:
        return self.ask(f"mappings {text}", x_mali_csf_mappings=list(parts))

    @staticmethod
    def page(va: int, size: int, pa: int | None, **more: Any) -> dict[str, Any]:
        page = {} if pa is None else {"pa": pa, "contiguous": True, "readable": True,
                                      "writable": False, "executable": False, "attr": 0x4c}
        return {"va": va, "size": size, "exception": 0, **page, **more}

    def test_mappings_end_with_the_region(self) -> None:
        parts = {"ranges": [self.page(0x1000, 0x2000, 0x8000), self.page(0x5000, 0x4000, 0x20000),
                            self.page(0xa000, 0x1000, 0)]}
        self.assertEqual(self.mappings("3 0x1000 0x6fff", parts),
                         "7.1 ok 2 1000:2000:0:8000:1:4:4c 5000:2000:0:20000:1:4:4c")
        self.assertEqual(self.qmp.asked[0][1], {"as": 3, "first": 0x1000})
        self.assertEqual(self.mappings("3 0x1000 0x6fff 1", parts),
                         "7.1 ok 2 1000:2000:0:8000:1:4:4c")

    def test_what_is_cut_between_two_parts_is_one_range(self) -> None:
        first = {"ranges": [self.page(0, 0x1000, 0x8000)], "next": 0x1000}
        for pa, contiguous in ((0x9000, 1), (0x8000, 0)):
            rest = {"ranges": [self.page(0x1000, 0x1000, pa)]}
            self.assertEqual(self.mappings("0 0 0xffff", first, rest),
                             f"7.1 ok 1 0:2000:0:8000:{contiguous}:4:4c")
        self.assertEqual(self.qmp.asked[1][1]["first"], 0x1000)
        other = {"ranges": [self.page(0x1000, 0x1000, 0x9000, writable=True)]}
        self.assertEqual(self.mappings("0 0 0xffff", first, other),
                         "7.1 ok 2 0:1000:0:8000:1:4:4c 1000:1000:0:9000:1:6:4c")

    def test_faulting_ranges(self) -> None:
        part = {"ranges": [self.page(0x1000, 0x1000, None, exception=0xd8)]}
        self.assertEqual(self.mappings("0 0 0xffff", part), "7.1 ok 1 1000:1000:d8:0:0:0:0")

    def test_a_list_without_an_end(self) -> None:
        part = {"ranges": [], "next": 0}
        self.assertIn("ask for a smaller region", self.mappings("0 0 0xffff", part))
        self.assertEqual(len(self.qmp.asked), answers.MAX_PARTS)

    def test_tlb_counts_translations_that_reach_into_the_region(self) -> None:
        def entry(va: int, size: int, table: bool = False) -> dict[str, Any]:
            return {"va": va, "size": size, "table": table}

        parts = [{"entries": [entry(0x40000000, 1 << 30, True), entry(0x40000000, 0x200000)],
                  "total": 4, "next": 0x40200000},
                 {"entries": [entry(0x40200000, 0x1000), entry(0x40201000, 0x1000)], "total": 4}]
        self.assertEqual(self.ask("tlb 2 0x40100000 0x40200fff", x_mali_csf_tlb=parts),
                         "7.1 ok 2")
        self.assertEqual(self.qmp.asked[0][1], {"as": 2, "first": 0x40000000})


class TestsRules(unittest.TestCase):
    """Rules of the command line, called `given`, and of a test."""

    def setUp(self) -> None:
        self.qmp = FakeQmp(
            x_mali_csf_inject_add={"name": "mine"}, x_mali_csf_inject_remove={},
            x_mali_csf_inject_list=[listed(given=0), listed(given=1, mine=2)])
        self.rules = Rules(self.qmp)
        self.rules.start()
        self.answerer = answers.Answerer(self.rules, self.qmp)

    def ask(self, text: str) -> str:
        return self.answerer.answer(f"# mali-vm: ask 7.1 {text} .")

    def removed(self) -> Sequence[str]:
        return [its["name"] for command, its in self.qmp.asked
                if command == "x-mali-csf-inject-remove"]

    def test_a_test_removes_its_own(self) -> None:
        self.assertEqual(self.ask("inject-add as-command as=1 -> never"), "7.1 ok mine")
        self.assertIn(("x-mali-csf-inject-add", {"rule": "as-command as=1 -> never"}),
                      self.qmp.asked)
        self.assertEqual(self.ask("inject-remove mine").split(), ["7.1", "ok"])
        self.assertEqual(self.removed(), ["mine"])
        rule, = self.rules.take_test()
        self.assertEqual((rule.name, rule.hits), ("mine", 2))
        self.assertEqual(self.rules.take_test(), [])

    def test_and_no_other(self) -> None:
        for name in ("given", "mine"):
            self.assertEqual(self.ask(f"inject-remove {name}"),
                             f"7.1 error this test has added no rule {name}")
        self.assertEqual(self.removed(), [])

    def test_what_it_leaves_is_removed_at_its_end(self) -> None:
        for end in (lambda: self.ask("test-end a.one"), self.rules.take_test):
            self.ask("inject-add x -> count")
            end()
            self.assertEqual(self.removed(), ["mine"])
            self.rules.take_test()
            self.qmp.asked.clear()

    def test_its_hits_are_kept_when_qemu_has_ended(self) -> None:
        self.ask("inject-add x -> count")
        for name in ("list", "remove"):
            self.qmp.values[f"x-mali-csf-inject-{name}"] = [QmpClosed()]
        rule, = self.rules.take_test()
        self.assertEqual((rule.name, rule.hits), ("mine", 2))
        self.assertEqual([rule.hits for rule in self.rules.given], [1])

    def test_the_host_stays_the_hosts(self) -> None:
        for rule in ("x -> snapshot file=/etc/passwd", "x ->pause", "x -> PAUSE"):
            self.assertIn("error a test cannot use", self.ask(f"inject-add {rule}"))
        self.assertEqual([command for command, _ in self.qmp.asked], ["x-mali-csf-inject-list"])

    def test_without_rules_nobody_asks_for_them(self) -> None:
        qmp = FakeQmp()
        rules = Rules(qmp)
        rules.refresh()
        self.assertEqual((rules.take_test(), rules.given, qmp.asked), ([], [], []))


if __name__ == "__main__":
    unittest.main()
