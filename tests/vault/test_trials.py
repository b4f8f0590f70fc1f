"""What the vault must survive: kills, writers at once, damage. The same trials run longer in scripts/soak.d/vault."""

from pathlib import Path

import pytest

from keyctl.vault import encrypted_file, envelope
from tests.vault.trials import damage, kill_while_changing, repeated_nonces, write_at_once

KILLS = 300
PLANTED_KILLS = 60
DAMAGES = 2000
SAVES = 10_000


@pytest.mark.slow
def test_300_kills_during_put_delete_and_rekey_leave_the_old_or_the_new_vault(tmp_path: Path) -> None:
    figures = kill_while_changing(tmp_path, KILLS, seed=3)
    assert figures.lost == []
    assert figures.kills == KILLS
    assert min(figures.during[step] for step in ("put", "delete", "rekey")) > KILLS / 20
    assert figures.old and figures.new


def test_the_kills_would_show_a_vault_that_is_written_in_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def in_place(path: Path, data: bytes, **_: object) -> None:
        with path.open("wb") as file:
            half = len(data) // 2
            file.write(data[:half])
            file.flush()
            envelope.read_document(data)  # lines of ours, on which a kill may fall
            file.write(data[half:])
        path.chmod(0o600)

    monkeypatch.setattr(encrypted_file, "write_whole", in_place)
    assert kill_while_changing(tmp_path, PLANTED_KILLS, seed=4).lost


def test_eight_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    assert write_at_once(tmp_path, writers=8, entries=25) == 200


def test_2000_damaged_files_get_the_one_error(tmp_path: Path) -> None:
    figures = damage(tmp_path, DAMAGES, seed=5)
    assert figures.taken == []
    assert figures.refused.total() == DAMAGES
    assert len(figures.refused) == 10


def test_no_nonce_repeats_in_10000_saves() -> None:
    assert repeated_nonces(SAVES) == 0
