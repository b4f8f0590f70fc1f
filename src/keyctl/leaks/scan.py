"""The course of `keyctl scan`: what to look for, where, and what to make of it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from keyctl.errors import CheckFailed, ExitCode, KeyctlError, SetupProblem, StoreUnusable, UsageProblem
from keyctl.leaks.git_objects import (
    ObjectPiece,
    Origin,
    commit_origin,
    objects_of,
    origins,
    read_objects,
    staged,
    top_of,
)
from keyctl.leaks.scan_files import Ignored, walk
from keyctl.leaks.scan_hits import SEVERAL_LINES
from keyctl.leaks.scan_places import usual_places
from keyctl.leaks.scan_prints import Prints
from keyctl.leaks.scan_report import Find, Owners, Report
from keyctl.leaks.scan_search import OVERLAP, PIECE_BYTES, Batch, Found, Place, Search, signs_of
from keyctl.leaks.scan_shapes import Shapes
from keyctl.leaks.scan_workers import Piece, look_through
from keyctl.terminal.output import Note, Result, Table, counting
from keyctl.vault.fingerprints import Fingerprints, Kept

if TYPE_CHECKING:
    from keyctl.app import App

_OBJECTS_BYTES = 16 * 1024 * 1024
_SHOWN_UNREAD = 5
STDIN = "-"


@dataclass(slots=True)
class _Known:
    """What is looked for, and what is known of it."""

    search: Search
    owners: Owners
    report: Report


def scan(app: App, paths: Sequence[str], *, is_open: bool, is_staged: bool) -> Result:
    """Looks for secrets in files, folders and their histories; without a path in this folder and the usual places.

    Raises SetupProblem where the store or a repository cannot be opened, UsageProblem for a path that is not there.
    """
    known = _known(app, is_open)
    if is_staged:
        _search_staged(known)
    else:
        files = [Path(path).absolute() for path in paths if path != STDIN]
        if STDIN in paths:
            _search_stdin(known)
        if not paths:
            files = [Path.cwd(), *usual_places(_user_home(app.environ), app.environ)]
        _search_files(app, known, files)
    return _told(known.report)


def sources(app: App) -> Report:
    """What a scan of the usual places finds with the store open: where a key that has leaked may have leaked from.

    Raises SetupProblem when the store does not open.
    """
    known = _known(app, is_open=True)
    _search_files(app, known, usual_places(_user_home(app.environ), app.environ))
    known.report.finds = _each_once(known.report.finds)
    return known.report


def _known(app: App, is_open: bool) -> _Known:
    """Raises as `scan` does."""
    accounts, prints, report = app.accounts.all(), Fingerprints(app.home), Report(is_open)
    needles = None
    if is_open:
        from keyctl.leaks.scan_needles import PASSPHRASE_MIN, Needles

        credentials, troubles = app.credentials(accounts)
        report.notes += [f"not searched for with the store open: {trouble.message}" for trouble in troubles.values()]
        short = {name for name, item in credentials.items() if 0 < len(item.passphrase or b"") < PASSPHRASE_MIN}
        report.notes += [
            f"{account.label}: the passphrase is too short to search for" for account in accounts if account.id in short
        ]
        kept = _kept(prints, report)  # after the store was opened: that makes those that were missing
        needles = Needles(credentials, signs_of(Prints(kept)))
    else:
        kept = _kept(prints, report)
    entries = kept.entries if kept else ()
    live = {entry.id: entry for entry in entries if entry.dead_since is None}
    report.without = [account.label for account in accounts if account.id not in live]
    report.weak = [account.label for account in accounts if account.id in live and not live[account.id].prints]
    return _Known(Search(Prints(kept), needles, Shapes()), Owners(accounts, entries), report)


def _kept(prints: Fingerprints, report: Report) -> Kept | None:
    """The fingerprints; None where there are none or they cannot be read, which with the store open is a warning."""
    try:
        return prints.read()
    except StoreUnusable as trouble:
        report.damaged = None if report.is_open else trouble
        return None


def _search_files(app: App, known: _Known, paths: list[Path]) -> None:
    report, walked = known.report, walk(paths)
    pieces: list[Piece] = [*walked.pieces]
    commits = list[list[str]]()
    for number, repository in enumerate(walked.repositories):
        try:
            objects, names = objects_of(repository, number, _OBJECTS_BYTES)
        except SetupProblem as trouble:
            report.unread.append(trouble.message)
            objects, names = [], []
        pieces += objects
        commits.append(names)
        report.objects += sum(len(piece.names) for piece in objects)
    report.files += walked.files
    report.bytes += sum(piece.size for piece in pieces)
    report.histories, report.ignored = len(commits), walked.ignored
    found, unread = look_through(known.search, pieces, lambda total: counting("Searching", total, app.output))
    report.unread += [*walked.unread, *dict.fromkeys(unread)]
    report.finds += _in_names(known, [piece.path for piece in walked.pieces if piece.at == 0])
    report.finds += [_find(known, item, item.place.path) for item in found if item.place.repository is None]
    for number, repository in enumerate(walked.repositories):
        own = [item for item in found if item.place.repository == number]
        report.finds += _in_history(known, repository, commits[number], own)


def _in_names(known: _Known, paths: list[str]) -> Iterator[Find]:
    """Secrets in the names of files."""
    batch, place = Batch(known.search), Place("")
    lines = "\n".join(path.replace("\n", " ") for path in paths)
    for item in (*batch.add(place, os.fsencode(lines)), *batch.flush()):
        yield _find(known, item, paths[item.line - 1], in_name=True)


def _in_history(known: _Known, repository: str, commits: list[str], found: list[Found]) -> Iterator[Find]:
    """The finds in a repository, each with the commit that brought it."""
    if not found:
        return
    blobs = {item.place.object for item in found if item.place.type == "blob"}
    top, texts = Path(repository).parent if Path(repository).name == ".git" else Path(repository), dict[str, bytes]()
    try:
        left_out = Ignored(top).in_folder
    except UsageProblem as trouble:  # in a repository of somebody else it must not end the scan
        known.report.notes.append(f"{trouble.message}; its whole history was searched")
        left_out = _nothing
    places = origins(repository, commits, blobs, left_out) if blobs else {}
    for item in found:
        if item.place.type != "blob":
            name = item.place.object
            if name not in texts:
                texts[name] = next(read_objects(ObjectPiece(repository, 0, (name,), 0)))[1]
            yield _find(known, item, None, commit_origin(name, texts[name]), repository)
            continue
        origin = places[item.place.object]
        if origin.path is not None and left_out(origin.path):
            known.report.ignored += 1
        else:
            yield _find(known, item, origin.path, origin, repository)


def _nothing(path: str) -> bool:
    return False


def _find(
    known: _Known,
    found: Found,
    path: str | None,
    origin: Origin | None = None,
    repository: str = "",
    *,
    in_name: bool = False,
) -> Find:
    hit, owners = found.hit, known.owners
    return Find(
        kind=hit.kind,
        form=hit.form,
        label=owners.label(hit.account_id) if hit.account_id else "",
        exchange=hit.exchange or owners.exchange(hit.account_id),
        key=owners.key(hit.account_id, hit.dead_since) if hit.account_id else "not stored here",
        dead_since=hit.dead_since,
        path=None if path is None else _without_secrets(path, known.search),
        line=None if in_name else found.line,
        repository=repository,
        object=found.place.object,
        commit=origin.commit if origin else None,
        author_date=origin.author_date if origin else None,
    )


def _without_secrets(path: str, search: Search) -> str:
    """The path as it may be shown: a folder or file that is named by a secret is not."""
    steps = path.split(os.sep)
    return os.sep.join("<hidden>" if any(search.hits([("", os.fsencode(step))])) else step for step in steps)


def _search_staged(known: _Known) -> None:
    """What the next commit of this folder's repository would bring."""
    left_out, report, batch = Ignored(top_of(Path.cwd())).in_folder, known.report, Batch(known.search)
    piece = staged(Path.cwd(), left_out)
    found = list[Found]()
    for place, text in read_objects(piece) if piece.names else ():
        report.bytes += len(text)
        found += batch.add(place, text)
    found += batch.flush()
    report.files = len(piece.names)
    for item in found:
        if left_out(item.place.path):
            report.ignored += 1
        else:
            report.finds.append(_find(known, Found(Place(item.place.path), item.line, item.hit), item.place.path))


def _search_stdin(known: _Known) -> None:
    batch = Batch(known.search)
    for place, text, lines in _pieces(sys.stdin.buffer):
        for item in (*batch.add(place, text), *batch.flush()):
            known.report.finds.append(_find(known, replace(item, line=item.line + lines), "stdin"))
        known.report.bytes = place.at + len(text)
    known.report.files += 1


def _pieces(stream: BinaryIO) -> Iterator[tuple[Place, bytes, int]]:
    """What comes in, in pieces that overlap, each with the number of lines before it."""
    tail, at, lines, part = b"", 0, 0, stream.read(PIECE_BYTES)
    while part:
        text, part = tail + part, stream.read(PIECE_BYTES)
        yield Place("stdin", at, goes_on=bool(part)), text, lines
        tail = text[-OVERLAP:]
        at += len(text) - len(tail)
        lines += text.count(b"\n", 0, len(text) - len(tail))


def _told(report: Report) -> Result:
    report.finds = _each_once(report.finds)
    went = f"Searched {_count(report.files, 'file')}"
    if report.histories:
        many = "histories" if report.histories > 1 else "history"
        went += f" and {report.histories} git {many} ({_count(report.objects, 'object')})"
    notes = [Note(f"{went}, {report.bytes / 1e6:,.1f} MB.")]
    if report.ignored:
        notes.append(Note(f"Excluded by .keyctlignore: {report.ignored}."))
    if not report.is_open:
        notes.append(
            Note(
                "The store is locked: keyctl searched for whole secrets only. For all encodings and passphrases: "
                "keyctl scan --open"
            )
        )
    errors = _errors(report)
    code = errors[0].exit_code if errors else ExitCode.OK
    first = _table(report.finds) if report.finds else Note("No secret found.")
    return Result(report.data(), (first, *notes), code, errors, tuple(_warnings(report)))


def _each_once(finds: Sequence[Find]) -> list[Find]:
    """The finds, each once: two pieces of a file may share one, and a shape may be a stored secret. The worst first."""
    surest_last = sorted(finds, key=lambda find: find.form.endswith(SEVERAL_LINES), reverse=True)
    once = {replace(find, form=""): find for find in surest_last}
    stored = {_place_of(find) for find in once.values() if find.is_stored}
    left = [find for find in once.values() if find.is_stored or _place_of(find) not in stored]
    return sorted(left, key=lambda find: (not find.is_stored, find.key != "in use", find.where))


def _place_of(find: Find) -> tuple[object, ...]:
    return find.exchange, find.kind, find.path, find.line, find.repository, find.object, find.commit


def _table(finds: Sequence[Find]) -> Table:
    here = f"{os.getcwd()}{os.sep}"
    rows = [
        (
            find.where.removeprefix(here),
            find.label or find.exchange,
            f"{find.kind}, {find.form}; {find.key}",
        )
        for find in finds
    ]
    return Table(("where", "account", "what"), rows)


def _errors(report: Report) -> tuple[KeyctlError, ...]:
    errors = list[KeyctlError]()
    if report.finds:
        live = dict.fromkeys(find.label for find in report.finds if find.is_stored and find.dead_since is None)
        hints = [f"act on it now: keyctl leak {label}" for label in list(live)[:2]]
        errors.append(
            CheckFailed(f"found secrets in {_count(len(report.finds), 'place')}", *hints, code="secrets_found")
        )
    if report.damaged is not None:
        errors.append(report.damaged)
    if report.unread:
        trouble = SetupProblem(f"{_count(len(report.unread), 'place')} could not be read", code="not_all_read")
        trouble.exit_code = ExitCode.PARTIAL
        errors.append(trouble)
    return tuple(errors)


def _warnings(report: Report) -> Iterator[str]:
    yield from report.notes
    if report.unread:
        more = len(report.unread) - _SHOWN_UNREAD
        shown = ", ".join(report.unread[:_SHOWN_UNREAD])
        yield f"could not be read: {shown}{f' and {more} more' if more > 0 else ''}"
    if report.without and not report.is_open:
        way = "" if report.damaged else "; to create them: keyctl scan --open"
        yield f"without fingerprints, so not searched for: {', '.join(report.without)}{way}"
    if report.weak and not report.is_open:
        yield f"too short or too simple for fingerprints, so not searched for: {', '.join(report.weak)}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _user_home(environ: Mapping[str, str]) -> Path | None:
    home = environ.get("HOME", "")
    return Path(home) if home.startswith("/") else None
