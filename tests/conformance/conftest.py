"""The environments that hold the exchanges' SDKs: found, used, and named with their versions at the end of the run."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.stage import Stage

HERE = Path(__file__).parent
PROJECT = HERE.parents[1]
# Read while the files are collected: an autouse fixture takes such variables away from the tests themselves.
ENVIRONMENTS = PROJECT / (os.environ.get("KEYCTL_CONFORMANCE_VENVS") or ".venv-sdk")
REQUIRED = os.environ.get("KEYCTL_TEST_REQUIRE_SDKS") == "1"
DRIVER_SECONDS = 60


@pytest.fixture(scope="session")
def name_sdk(tell: Callable[[str, str], None]) -> Callable[[str], None]:
    """Names a package with its version at the end of the run."""
    return lambda line: tell("drove the twin", line)


@pytest.fixture(scope="session")
def run_sdk(name_sdk: Callable[[str], None], tmp_path_factory: pytest.TempPathFactory) -> Callable[..., dict[str, Any]]:
    """Drives an exchange's own SDK, in its environment and process; what it saw comes back."""
    home = tmp_path_factory.mktemp("sdk-home")

    def run(exchange: str, package: str, given: dict[str, str], driver: str = "") -> dict[str, Any]:
        python = ENVIRONMENTS / exchange / "bin" / "python"
        if not python.is_file():
            reason = f"no environment with {package}: scripts/conformance makes it (needs a package index)"
            pytest.fail(reason) if REQUIRED else pytest.skip(reason)
        done = subprocess.run(
            [python, HERE / f"drive_{driver or exchange}.py"],
            input=json.dumps(given),
            capture_output=True,
            text=True,
            env={"HOME": str(home), "PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"},
            timeout=DRIVER_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        assert (told["package"], told["version"]) == (package, _locked(exchange, package)), "scripts/conformance is due"
        name_sdk(f"{package} {told['version']}")
        seen: dict[str, Any] = told["seen"]
        return seen

    return run


@pytest.fixture(scope="class")
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    """The twin of the test class's exchange, with a key of the class's algorithm."""
    with Stage(request.cls.exchange, request.cls.algorithm) as stage:
        yield stage


@pytest.fixture(scope="class")
def seen(request: pytest.FixtureRequest, stage: Stage, run_sdk: Callable[..., Any]) -> dict[str, Any]:
    """What the test class's client saw at the stage: it is driven once for all tests of the class."""
    found: dict[str, Any] = request.cls().drive(run_sdk, stage.given)
    stage.listening = False
    return found


def _locked(exchange: str, package: str) -> str:
    """The version that the lock file pins."""
    lock = (PROJECT / "requirements" / f"sdk-{exchange}.lock").read_text()
    found = re.search(rf"^{re.escape(package)}==(\S+)", lock, re.MULTILINE)
    assert found, f"requirements/sdk-{exchange}.lock does not pin {package}"
    return found[1]
