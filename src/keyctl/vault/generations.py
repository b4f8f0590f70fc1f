"""Notices when somebody has put an older vault back: what was seen is kept elsewhere, in the journal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from keyctl.errors import SetupProblem, StoreUnusable
from keyctl.home.files import unwritable
from keyctl.vault.sealing import Document

if TYPE_CHECKING:
    from keyctl.terminal.prompt import Prompt

_WORD = "older"
_UNCHECKED = "unchecked"


class Memory(Protocol):
    """What the journal knows of vaults."""

    def vault_generation(self, vault_id: str) -> int:
        """The highest generation that was seen; 0 for an unknown vault."""

    def vault_content(self, vault_id: str) -> str:
        """The hash of the vault that was seen last; empty for an unknown one."""

    def note_vault(self, vault_id: str, generation: int, content: str = "") -> None:
        """Remembers a generation and the hash of its file when it is the highest so far."""

    def accept_vault(self, vault_id: str, generation: int, content: str = "") -> None:
        """Takes a generation as the highest, even a lower one."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What tells one version of a vault from another: the hash of its file, and those of the versions it came from."""

    content: str
    line: tuple[str, ...] = ()


class _NoMemory:
    """Knows nothing of any vault, and remembers nothing: for one command in a folder that cannot be written."""

    def vault_generation(self, vault_id: str) -> int:
        return 0

    def vault_content(self, vault_id: str) -> str:
        return ""

    def note_vault(self, vault_id: str, generation: int, content: str = "") -> None:
        return None

    def accept_vault(self, vault_id: str, generation: int, content: str = "") -> None:
        return None


class Generations:
    """Watches the vault's generation. `remember` gives the memory, which is opened at the first use.

    `folder` is where the memory is: where nothing can be written in it, a person may use the vault without the check.
    """

    def __init__(
        self, remember: Callable[[], Memory], prompt: Prompt, *, accept: bool = False, folder: Path | None = None
    ) -> None:
        self._remember = remember
        self._prompt = prompt
        self._accept = accept
        self._folder = folder

    @cached_property
    def _memory(self) -> Memory:
        try:
            memory = self._remember()
            memory.vault_generation("")  # the file is opened by the first question
        except StoreUnusable as trouble:
            why = "" if self._folder is None else unwritable(self._folder)
            if not why:
                raise
            trouble.hints = (f"cannot write in {self._folder}: {why}", *trouble.hints)
            if not self._prompt.has_terminal or not self._may_go_unchecked(why):
                raise
            return _NoMemory()
        return memory

    def _may_go_unchecked(self, why: str) -> bool:
        question = (
            f"keyctl cannot write in {self._folder} ({why}), so it cannot check whether an older vault was put\n"
            f"back. Type {_UNCHECKED} to use the vault without that check"
        )
        return self._prompt.confirm_typed(question, _UNCHECKED)

    def highest(self, vault_id: str) -> int:
        """The highest generation seen so far. Ask before reading the file again: a writer may be quicker than we."""
        return self._memory.vault_generation(vault_id)

    def is_ours(self, document: Document, mark: Mark) -> bool:
        """Whether the vault is the one that was seen last or comes from it; a first one always is."""
        seen = self._memory.vault_content(document["id"])
        return not seen or seen == mark.content or seen in mark.line

    def seen_last(self, document: Document) -> str:
        """The hash of the vault that was seen last under that id."""
        return self._memory.vault_content(document["id"])

    def check(self, document: Document, highest: int, mark: Mark, keep: Callable[[], None]) -> bool:
        """Whether the vault, read after `highest` was, is of another line: one that another machine wrote meanwhile.

        A newer one of our line is remembered. Asks the person at the terminal about an older one; before another one
        takes its place, `keep` puts our own copy aside. Raises SetupProblem (vault_older).
        """
        if document["generation"] >= highest and not self.is_ours(document, mark):
            if not self._accept:
                return True
            keep()
            self._memory.accept_vault(document["id"], document["generation"], mark.content)
            return False
        if document["generation"] > highest or (document["generation"] == highest and not self.seen_last(document)):
            self.note(document, mark)
        elif document["generation"] < highest and not self._is_accepted(document["generation"], highest):
            raise SetupProblem(
                f"this vault is older than the last one seen here (generation {document['generation']}, not {highest})",
                "if you restored a backup yourself: keyctl vault check --accept-generation",
                "if you did not, it was changed: keys removed since then may be in it again",
                code="vault_older",
            )
        elif document["generation"] < highest:
            keep()
            self._memory.accept_vault(document["id"], document["generation"], mark.content)
        return False

    def note(self, document: Document, mark: Mark) -> None:
        """Remembers a vault that is in place. Call it after the rename, never before."""
        self._memory.note_vault(document["id"], document["generation"], mark.content)

    def _is_accepted(self, found: int, highest: int) -> bool:
        if self._accept:
            return True
        if not self._prompt.has_terminal:
            return False
        question = (
            f"This vault is older than the last one seen here (generation {found}, not {highest}).\n"
            f"Did you restore a backup on purpose? Type {_WORD} to use it from now on"
        )
        return self._prompt.confirm_typed(question, _WORD)
