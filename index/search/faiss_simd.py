"""The instructions that FAISS computes Hamming distances with."""

from __future__ import annotations

import faiss


def require_exact_distances() -> None:
    """Have FAISS compute Hamming distances that are right on any processor.

    On ARM, FAISS 1.15.1 adds up the differing bits of 32 bytes in 8 bits: where all 256 differ, it
    counts none, and the farthest code comes out as the nearest. Its portable loops are right. The
    setting is FAISS's own, for the whole process; on other processors nothing changes.
    """
    wrong = (faiss.SIMDLevel_ARM_NEON, faiss.SIMDLevel_ARM_SVE)
    if faiss.SIMDConfig.get_level() in wrong:
        faiss.SIMDConfig.set_level(faiss.SIMDLevel_NONE)
