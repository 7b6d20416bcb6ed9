# SPDX-License-Identifier: GPL-2.0-or-later
"""The command line: parses it, calls the command, turns errors into one sentence."""

import argparse
import importlib
import os
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

from .errors import MaliError, from_os_error
from .options import COMMANDS, EXIT_CODES, Command

INTERRUPTED = 130


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise MaliError(f"{message}: see {self.prog} --help")


def _examples(command: Command) -> str:
    width = max((len(line) for line, _ in command.examples), default=0)
    lines = [f"  {line:<{width}}  {text}" for line, text in command.examples]
    return "\n".join(["examples:", *lines, "", EXIT_CODES])


def parser() -> argparse.ArgumentParser:
    """The parser that options.COMMANDS describes."""
    top = _Parser(prog="./mali-vm", formatter_class=argparse.RawDescriptionHelpFormatter,
                  description="Boots a Linux guest on an emulated Arm Mali CSF GPU and runs "
                  "tests of its panthor driver.",
                  epilog="Try: ./mali-vm run evict; more with ./mali-vm COMMAND --help")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True,
                                  parser_class=_Parser)
    for command in COMMANDS:
        sub = commands.add_parser(command.name, help=command.help, description=command.help,
                                  epilog=_examples(command), allow_abbrev=False,
                                  formatter_class=argparse.RawDescriptionHelpFormatter)
        for option in command.options:
            sub.add_argument(option.name, help=option.help, **option.more)
    return top


def _run_command(args: argparse.Namespace) -> int:
    if args.command == "setup":
        from .setup import ensure_all
        ensure_all(args.kernel)
        return 0
    # A command's module is loaded when it is called: start-up time counts in each run.
    module = importlib.import_module(f".{args.command}", __package__)
    code: int = module.main(args)
    return code


def _terminate(*_: object) -> None:
    raise KeyboardInterrupt


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _terminate)
    try:
        args = parser().parse_args(argv)
        code = _run_command(args)
        sys.stdout.flush()
        return code
    except MaliError as exc:
        print(f"mali-vm: {exc.message}", file=sys.stderr)
        return exc.code
    except KeyboardInterrupt:
        print("\nmali-vm: interrupted; no virtual machine is left running", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output left, as in `./mali-vm run --list | head`.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return INTERRUPTED
    except OSError as exc:
        error = from_os_error(exc)
        print(f"mali-vm: {error.message}", file=sys.stderr)
        return error.code
