"""Codes for users and items that training has not seen."""
