"""The store that other tests use keeps the contract too."""

import pytest

from tests.support.stores import MemoryStore, StoreContract


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def store(self) -> MemoryStore:
        return MemoryStore()
