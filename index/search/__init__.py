"""Nearest items by Hamming distance: the exact scan and FAISS's approximate indexes."""
