"""Heads: one file a family, each giving all masks at once."""
