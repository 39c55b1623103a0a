"""Stores: what was acknowledged is in one of these."""
