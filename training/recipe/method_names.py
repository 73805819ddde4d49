"""The methods that a recipe can name, and the similarities by which they rank items."""

from __future__ import annotations

from typing import Literal

MethodName = Literal["bitrecall", "proposed", "bgch", "hashgnn", "hashrec", "lightgcn"]
Similarity = Literal["hamming", "inner_product"]
