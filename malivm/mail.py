# SPDX-License-Identifier: GPL-2.0-or-later
"""Patches out of mail: an mbox, a folder of patches, or a text page of a list's web archive.

Such a page (public-inbox, "All of lore.kernel.org") has all messages of a thread one below the
other, each with its subject and date instead of a header. From whatever it is, mails are made
that git reads.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from . import errors, history, proc

# A message of an archive's page: its end, its first lines, and the lines of its body's head.
_PAGE_END = re.compile(r"^\^ permalink raw reply.*$", re.MULTILINE)
_PAGE_HEAD = re.compile(r"^\* (?P<subject>.+)\n(?:^[@ ].*\n)*"
                        r"^From: (?P<author>.+) @ (?P<date>[\d-]+ +[\d:]+) UTC.*\n"
                        r"(?:^[ \t]+\S.*\n)*\n", re.MULTILINE)

_TAG = re.compile(r"^\[(?P<words>[^\]]*\bPATCH\b[^\]]*)\]\s*(?P<rest>.*)$", re.DOTALL)
_NUMBER = re.compile(r"\b(\d+)/(\d+)\b")
_VERSION = re.compile(r"\bv(\d+)\b", re.IGNORECASE)
_DIFF = re.compile(r"^(?:diff --git a/|--- a?/?\S+\n\+\+\+ )", re.MULTILINE)


@dataclass(frozen=True)
class Patch:
    """A patch, in the form of a mail."""
    subject: str                        # without what is in brackets
    number: int                         # of a series, from 1; 0 if it does not say
    total: int
    version: int
    mail: bytes


def read(path: Path, scratch: Path) -> list[Patch]:
    """The patches of the newest version of the series in `path`, in their order; `scratch` is
    an empty folder."""
    mails = _mails(path, scratch)
    found = [patch for patch in map(_patch, mails) if patch]
    if not found:
        raise errors.MaliError(f"{path} has no patch: name an mbox, a folder of patches (git "
                               "format-patch), or the text page of a thread of an archive")
    newest = max(patch.version for patch in found)
    chosen = [patch for patch in found if patch.version == newest]
    # What is sent again, or comes over two lists, is the same patch.
    numbers = {(patch.number, patch.subject): patch for patch in reversed(chosen)}
    chosen = [patch for patch in chosen if numbers[patch.number, patch.subject] is patch]
    if all(patch.number for patch in chosen):
        chosen.sort(key=lambda patch: patch.number)
        have, total = [patch.number for patch in chosen], chosen[0].total
        lacking = [str(number) for number in range(1, total + 1) if number not in have]
        if lacking:
            raise errors.MaliError(f"{path} lacks patch {', '.join(lacking)} of {total} of the "
                                   "series: get the whole thread")
        if len(have) != len(set(have)):
            raise errors.MaliError(f"{path} has more than one series of version {newest}: "
                                   "keep the patches of one")
    return chosen


def _mails(path: Path, scratch: Path) -> list[bytes]:
    if path.is_dir():
        files = sorted(file for file in path.iterdir()
                       if file.suffix in (".patch", ".diff", ".eml", ".mbox", ".txt", "")
                       and file.is_file() and not file.name.startswith("."))
        found = []
        for number, file in enumerate(files):
            folder = scratch / str(number)
            folder.mkdir()
            found += _mails(file, folder)
        return found
    try:
        data = path.read_bytes()
    except OSError as exc:
        raise errors.from_os_error(exc) from exc
    if data[:2] == b"\x1f\x8b":
        raise errors.MaliError(f"{path} is compressed: gunzip it first")
    text = data.decode("utf-8", "replace")
    if _PAGE_END.search(text):
        return page(text)
    if not text.startswith("From "):
        return [data]
    proc.run([*history.GIT, "mailsplit", "--keep-cr", f"-o{scratch}", path], "git mailsplit")
    return [file.read_bytes() for file in sorted(scratch.iterdir())]


def page(text: str) -> list[bytes]:
    """The messages of an archive's text page as mails."""
    mails = []
    for part in _PAGE_END.split(text):
        head = _PAGE_HEAD.search(part)
        if not head:
            continue
        mails.append(f"From: {head['author']} <unknown@localhost>\n"
                     f"Date: {head['date']} +0000\nSubject: {head['subject']}\n"
                     "Content-Type: text/plain; charset=utf-8\n"
                     f"Content-Transfer-Encoding: 8bit\n\n{part[head.end():]}".encode())
    return mails


def _patch(mail: bytes) -> Patch | None:
    """The patch that a mail holds; None if it is talk."""
    text = mail.decode("utf-8", "replace").replace("\r\n", "\n")
    head, _, body = text.partition("\n\n")
    if not _DIFF.search(body):
        # A diff alone, without a header
        return Patch("", 0, 0, 1, mail) if _DIFF.match(text) else None
    found = re.search(r"^Subject: (.*(?:\n[ \t]+.*)*)", head, re.MULTILINE | re.IGNORECASE)
    subject = " ".join(found[1].split()) if found else ""
    tag = _TAG.match(subject)
    if not tag:
        # An answer quotes a diff; what git format-patch --keep-subject wrote does not say so.
        return None if re.match(r"(?i)re:|aw:|fwd:", subject) else Patch(subject, 0, 0, 1, mail)
    number, version = _NUMBER.search(tag["words"]), _VERSION.search(tag["words"])
    which, total = (int(number[1]), int(number[2])) if number else (0, 0)
    if number and not which:
        return None                     # the cover letter, with a diffstat at most
    return Patch(tag["rest"], which, total, int(version[1]) if version else 1, mail)
