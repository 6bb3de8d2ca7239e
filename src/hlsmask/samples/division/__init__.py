"""Train, val and test, without any ground in two of them."""
