"""Weights are judged."""
