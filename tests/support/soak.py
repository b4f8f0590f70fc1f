"""The kill campaign at length: `python -m tests.support.soak --kills 10000 [--seed N] [--market spot|futures|both]`.

Exits 1 on any finding.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import tempfile
import time
from pathlib import Path

from tests.support.campaign import MARKETS, PLANS_PER_WORLD, Campaign, Figures


def main() -> int:
    """0 when no order was doubled, lost, wrong or stuck."""
    parser = argparse.ArgumentParser(
        description="Kills keyctl at random lines and compares its journal with the venues."
    )
    parser.add_argument("--kills", type=int, default=10_000, help="go on until so many runs were killed")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--market", choices=tuple(MARKETS), default="both")
    asked = parser.parse_args()
    total = Figures()
    workers = os.cpu_count() or 1
    print(f"seed {asked.seed}, {workers} workers, a line for each round of worlds", flush=True)
    rounds = 0
    # Workers are started anew (spawn): a campaign forks from a process that has only its own twin's thread.
    with multiprocessing.get_context("spawn").Pool(workers, maxtasksperchild=1) as pool:
        while total.kills < asked.kills and total.clean:
            seeds = [asked.seed * 1_000_003 + rounds * workers + number for number in range(workers)]
            for figures in pool.starmap(_world, [(seed, asked.market) for seed in seeds]):
                total.add(figures)
            rounds += 1
            print(total, flush=True)
    for finding in total.findings:
        print(finding)
    return 0 if total.clean else 1


def _world(seed: int, market: str) -> Figures:
    with tempfile.TemporaryDirectory() as folder, Campaign(Path(folder) / "world", seed, market=market) as campaign:
        return campaign.run(PLANS_PER_WORLD)


if __name__ == "__main__":
    sys.exit(main())
