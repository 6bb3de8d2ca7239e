"""A scene becomes probabilities, and probabilities masks."""
