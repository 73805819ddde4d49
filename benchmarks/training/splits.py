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
MIN_PAIRS = 50


def deviations(kept: Interactions, held_out: Interactions) -> NDArray[np.float64]:
    """Return each item's deviation from the mean held-out share, in binomial deviations, (n,)."""
    held_out_counts = held_out.item_degrees
    total = held_out_counts + kept.item_degrees
    share = held_out_counts.sum() / total.sum()
    expected = share * total
    result: NDArray[np.float64] = (held_out_counts - expected) / np.sqrt(
        np.maximum(expected * (1 - share), 1e-12)
    )
    return result


def main() -> int:
    """Print a row per data set and split, return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", nargs="+", type=Path)
    arguments = parser.parse_args()
    print("| data | held out | mean square deviation | correlation with the test's |")
    print("|---|---|---|---|", flush=True)
    for path in arguments.data:
        dataset = load_dataset(path)
        if dataset.test is None:
            parser.error(f"{path} has no test split")
        often = dataset.train.item_degrees >= MIN_PAIRS
        of_test = deviations(dataset.train, dataset.test)[often]
        print(f"| {path.name} | the test split | {np.square(of_test).mean():.1f} | |")
        for cut in ("random", "latest"):
            result = deviations(*cut_validation(dataset.train, SHARE, 0, cut))[often]
            correlation = np.corrcoef(result, of_test)[0, 1]
            name = {"random": "a random fifth of train", "latest": "the last fifth of train"}[cut]
            square = np.square(result).mean()
            print(f"| {path.name} | {name} | {square:.1f} | {correlation:.2f} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
