"""Names of the training methods, and the similarities that rank items."""

from __future__ import annotations

from typing import Literal

MethodName = Literal["bitrecall", "proposed", "bgch", "hashgnn", "hashrec", "lightgcn"]
Similarity = Literal["hamming", "inner_product"]
