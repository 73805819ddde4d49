"""Find out how a test split was cut: at random per user, or at the end of the users' interactions.

    python -m benchmarks.training.splits path/to/gowalla path/to/yelp2018

A random split gives each item its share of held-out interactions, up to a binomial deviation.
Prints the mean squares of the items' deviations in units of the binomial deviation, which are 1 for
random splits: for the test split, and for validation splits of train, random or the last
interactions of each user. Then prints the correlation of each validation split's deviations with
those of the test split. Only items with at least 50 training interactions count. No model is
trained or scored.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bitrecall.training.data.interactions import Interactions
from bitrecall.training.data.load import load_dataset
from bitrecall.training.data.split import cut_validation

SHARE = 0.2
LEAST_PAIRS = 50


def deviations(kept: Interactions, held_out: Interactions) -> NDArray[np.float64]:
    """Return each item's deviation from the mean held-out share, in binomial deviations, (n,)."""
    held = held_out.item_degrees
    total = held + kept.item_degrees
    share = held.sum() / total.sum()
    expected = share * total
    found: NDArray[np.float64] = (held - expected) / np.sqrt(
        np.maximum(expected * (1 - share), 1e-12)
    )
    return found


def main() -> int:
    """Print a row per data set and split, return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", nargs="+", type=Path)
    given = parser.parse_args()
    print("| data | held out | mean square deviation | correlation with the test's |")
    print("|---|---|---|---|", flush=True)
    for path in given.data:
        dataset = load_dataset(path)
        if dataset.test is None:
            parser.error(f"{path} has no test split")
        often = dataset.train.item_degrees >= LEAST_PAIRS
        of_test = deviations(dataset.train, dataset.test)[often]
        print(f"| {path.name} | the test split | {np.square(of_test).mean():.1f} | |")
        for cut in ("random", "latest"):
            found = deviations(*cut_validation(dataset.train, SHARE, 0, cut))[often]
            correlation = np.corrcoef(found, of_test)[0, 1]
            name = {"random": "a random fifth of train", "latest": "the last fifth of train"}[cut]
            square = np.square(found).mean()
            print(f"| {path.name} | {name} | {square:.1f} | {correlation:.2f} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
