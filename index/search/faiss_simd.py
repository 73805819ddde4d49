"""The SIMD level with which FAISS computes Hamming distances."""

from __future__ import annotations

import faiss


def require_exact_distances() -> None:
    """Make FAISS compute correct Hamming distances on any processor.

    On ARM, FAISS 1.15.1 sums the differing bits of 32 bytes in an 8-bit integer: if all 256 differ,
    the sum overflows to 0, and the farthest code is returned as the nearest. Its portable kernels
    are correct. The setting applies to the whole process; on other processors nothing changes.
    """
    wrong = (faiss.SIMDLevel_ARM_NEON, faiss.SIMDLevel_ARM_SVE)
    if faiss.SIMDConfig.get_level() in wrong:
        faiss.SIMDConfig.set_level(faiss.SIMDLevel_NONE)
