"""Tables, picture and page of an evaluation say what was judged; scikit-learn, pandas, Pillow and html.parser judge."""

import base64
import csv
import io
import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    confusion_matrix,
    f1_score,
    jaccard_score,
    precision_score,
    recall_score,
)

from hlsmask.errors import OutputError
from hlsmask.evaluation.confusion import Confusion
from hlsmask.evaluation.histogram import Histogram
from hlsmask.evaluation.picture import write_picture
#from hlsmask.evaluation.report import About, write_report
from hlsmask.evaluation.table import PUBLISHED_TASKS, write_comparison, write_csv, write_sensors
from hlsmask.evaluation.verdict import SCORES, Shown, Verdict
from hlsmask.masks import NOT_OBSERVED, PUBLISHED_NAMES, Mask

NAN = float("nan")
THRESHOLDS = dict(zip(Mask, (0.4, 0.5, 0.3, 0.5, 0.6), strict=True))
LIGHT = {
    Mask.WATER: (0.05, 0.06, 0.03, 0.02, 0.01, 0.01),
    Mask.CLOUD: (0.5, 0.5, 0.5, 0.5, 0.4, 0.35),
    Mask.CLOUD_SHADOW: (0.02, 0.03, 0.03, 0.1, 0.08, 0.05),
    Mask.SNOW_ICE: (0.8, 0.8, 0.8, 0.7, 0.1, 0.1),
    Mask.TERRAIN_SHADOW: (0.02, 0.02, 0.02, 0.05, 0.04, 0.03),
}
"""Reflectance of pure pixels, about."""


class Scene:
    """A sample that is made up: smooth shapes, bands that look like them, probabilities that nearly know them."""

    def __init__(self, number, size=64, *, masks=tuple(Mask), skill=0.25, sensor="S30", absent=(), unknown=()):
        rng = np.random.default_rng(number)
        fields = gaussian_filter(rng.normal(size=(5, size, size)), (0, size / 16, size / 16))
        fields /= fields.std(axis=(1, 2), keepdims=True)
        self.labels = (fields > 0.9).astype(np.uint8)
        self.labels[[list(Mask).index(mask) for mask in absent]] = 0
        bands = np.array((0.06, 0.09, 0.08, 0.3, 0.2, 0.12))[:, None, None] * rng.uniform(0.7, 1.3, (size, size))
        for mask, plane in zip(Mask, self.labels, strict=True):
            bands = np.where(plane == 1, np.array(LIGHT[mask])[:, None, None] * rng.uniform(0.9, 1.1), bands)
        self.bands = bands.astype(np.float32)
        noise = gaussian_filter(rng.normal(size=fields.shape), (0, 1, 1)) * 3
        chances = 1 / (1 + np.exp(-(fields - 0.9 + skill * 4 * noise) * 3))
        self.chances = chances.astype(np.float32)
        fill = np.add.outer(np.arange(size), np.arange(size)) < size // 3
        self.bands[:, fill], self.labels[:, fill], self.chances[:, fill] = np.nan, NOT_OBSERVED, np.nan
        self.labels[[list(Mask).index(mask) for mask in unknown]] = NOT_OBSERVED
        self.name, self.sensor, self.masks = f"HLS.S30.T13TDE.{number}", sensor, masks

    def said(self, thresholds):
        said = np.full(self.labels.shape, NOT_OBSERVED, np.uint8)
        for at, mask in enumerate(Mask):
            if mask in self.masks:
                said[at] = self.chances[at] > np.float32(thresholds[mask])
                said[at][np.isnan(self.chances[at])] = NOT_OBSERVED
        return said

    def shown(self):
        said = self.said(THRESHOLDS)
        counts = {m: Confusion.of(said[list(Mask).index(m)], self.labels[list(Mask).index(m)]) for m in self.masks}
        return Shown(self.name, self.sensor, self.bands, self.labels, said, counts)


def total(scenes, mask, thresholds):
    at = list(Mask).index(mask)
    return sum((Confusion.of(each.said(thresholds)[at], each.labels[at]) for each in scenes), Confusion())


def coded(planes, masks):
    rows = [planes[at] == 1 if mask in masks else np.zeros(planes.shape[1:], bool) for at, mask in enumerate(Mask)]
    none = np.all([planes[list(Mask).index(mask)] == 0 for mask in masks], axis=0)
    return np.array([*rows, none]).reshape(6, -1).astype(np.int64)


def verdict(scenes, name="ours", *, masks=tuple(Mask), plain=False):
    """Make a verdict on scenes, by hand."""
    rows = [list(Mask).index(mask) for mask in masks]
    counts = {mask: total(scenes, mask, THRESHOLDS) for mask in masks}
    sensors = {
        sensor: {mask: total([s for s in scenes if s.sensor == sensor], mask, THRESHOLDS) for mask in masks}
        for sensor in {scene.sensor for scene in scenes}
    }
    around = {
        mask: {score: (getattr(counts[mask], score) - 0.02, getattr(counts[mask], score) + 0.02) for score in SCORES}
        for mask in masks
    }
    sunlit = [np.where(scene.labels[4] == NOT_OBSERVED, NOT_OBSERVED, 1 - scene.labels[4] % 2) for scene in scenes]
    lit = [np.where(np.isnan(s.chances[4]), NOT_OBSERVED, 1 - s.chances[4] > np.float32(0.3)) for s in scenes]
    relief = Mask.TERRAIN_SHADOW in masks
    histogram = sum(
        (Histogram.of(masks, scene.chances[rows], scene.labels[rows]) for scene in scenes), Histogram.empty(masks)
    )
    pairs = [(coded(scene.labels, masks), coded(scene.said(THRESHOLDS), masks)) for scene in scenes]
    shown = tuple(scene.shown() for scene in scenes)
    return Verdict(
        name=name,
        masks=masks,
        samples=len(scenes),
        thresholds={} if plain else {mask: THRESHOLDS[mask] for mask in masks},
        counts=counts,
        intervals=around,
        sensors=sensors,
        boundary={mask: 0.5 + at / 10 for at, mask in enumerate(masks)},
        sunlit=sum((Confusion.of(*pair) for pair in zip(lit, sunlit, strict=True)), Confusion()) if relief else None,
        sunlit_threshold=0.3 if relief and not plain else None,
        histogram=None if plain else histogram,
        between=sum((true @ said.T for true, said in pairs), np.zeros((6, 6), np.int64)),
        shown=shown,
        worst=tuple(sorted(shown, key=lambda each: -each.error))[:6],
    )


def about(**changes):
    whole = About(
        checkpoint="ours.safetensors",
        version="0123456789abcdef",
        data="samples",
        validation=7,
        test=4,
        thresholds="best F1 of 7 validation samples, in steps of 0.1",
        published_scoring=False,
        notes=("no positive pixel of snow/ice in validation: 0.5 kept",),
        date="2025-03-04",
        benchmark="",
        protocol="",
    )
    return replace(whole, **changes)
