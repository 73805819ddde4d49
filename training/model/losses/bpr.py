"""Bayesian personalised ranking: positives against randomly drawn items.

S. Rendle et al., "BPR: Bayesian Personalized Ranking from Implicit Feedback", UAI 2009:
BPR-Opt without its regulariser; the optimiser's weight decay replaces it.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from bitrecall.training.model.losses.candidates import taken_pairs
from bitrecall.training.model.losses.pairs import Pairs, weights_of
from bitrecall.training.model.pair_scores import pair_scores


def bpr_loss(
    user_codes: Tensor,
    item_codes: Tensor,
    positives: Pairs,
    excluded: Pairs | None,
    temperature: float,
    *,
    negatives: int,
    generator: torch.Generator,
    weights: Tensor | None = None,
) -> Tensor:
    """Mean of −log σ((s_ui − s_uj)/τ) over items j drawn for each positive i.

    Args:
        user_codes: float32 (b, f), ±1 or any real values.
        item_codes: float32 (n, f).
        positives: the pairs to rank high.
        excluded: more pairs that are not drawn; disjoint from the positives.
        temperature: τ > 0, divides scores.
        negatives: q ≥ 1, items drawn for each positive.
        generator: random generator on the CPU, on whatever device the codes are.
        weights: float32 (p,), the weight of each positive; None is 1/p each.

    Returns:
        float32 scalar ≥ 0, in nats. A positive adds 0 if its user has all items.
    """
    weights = weights_of(positives, weights, user_codes)
    taken = taken_pairs(positives, excluded)
    counts = torch.bincount(taken.users, minlength=len(user_codes))
    rankable = counts[positives.users] < len(item_codes)
    users, items = positives.users[rankable], positives.items[rankable]
    drawn = draw_absent(users, taken, len(user_codes), len(item_codes), negatives, generator)
    columns = torch.cat([items[:, None], drawn], dim=1)
    scores = pair_scores(user_codes, item_codes, users, columns) / temperature
    return -(weights[rankable] * logsigmoid(scores[:, :1] - scores[:, 1:]).mean(dim=1)).sum()


def draw_absent(
    users: Tensor, taken: Pairs, n_users: int, n_items: int, count: int, generator: torch.Generator
) -> Tensor:
    """Draw items that users do not have, uniformly and independently.

    Args:
        users: int64 (p,), positions in the batch; each lacks at least one item.
        taken: the items that users have; pairs are unique.
        n_users: b, the number of users in the batch.
        n_items: n, the number of items in the catalogue.
        count: q, the number of draws per entry of ``users``.
        generator: a random generator on the CPU.

    Returns:
        int64 (p, q), item rows.
    """
    keys = (taken.users * n_items + taken.items).sort().values
    counts = torch.bincount(taken.users, minlength=n_users)
    starts = torch.cumsum(counts, 0) - counts
    draws = torch.rand(len(users), count, dtype=torch.float64, generator=generator)
    ranks = (draws.to(users.device) * (n_items - counts)[users][:, None]).long()
    # The r-th item that a user does not have is r plus the number of its items i_0 < i_1 < … with
    # i_j − j ≤ r. Offset by user, these i_j − j form one sorted array for all users.
    owners = keys // n_items
    shifted = keys - (torch.arange(len(keys), device=keys.device) - starts[owners])
    before = torch.searchsorted(shifted, users[:, None] * n_items + ranks, right=True)
    return ranks + before - starts[users][:, None]
