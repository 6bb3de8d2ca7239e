"""The compact store: how samples lie in it, written and read."""

from hlsmask.samples.store.writing import StoreWriter as StoreWriter
