#!/usr/bin/env python3
"""The same segmentation with scikit-image on the whole picture, and how far a result of ours differs from it.

    reference.py PICTURE --compare DIR [--untiled DIR]

DIR holds `summary.json`, `nuclei.csv` and `mask.png`, as the grid's result or `cells-native` gives them. With `--untiled`, a
second result of ours in one tile: how many of its nuclei DIR has too. Ends with 1 when a bar is missed.
Needs scikit-image 0.26 (`pip install -r requirements.txt`).
"""

import argparse
import csv
import json
import math
import pathlib
import sys

import numpy as np
from scipy import ndimage
from skimage import color, feature, filters, io, measure, morphology, restoration, segmentation

COUNT_OFF_MAX = 0.03
DICE_MIN = 0.99
SAME_MIN = 0.99
# Nuclei are the same when they have one area and their centroids, as rounded in the table, agree.
CENTROID_OFF_MAX = 0.002


def noise(channel):
    """Standard deviation of the noise after Immerkær, over the inner pixels."""
    mask = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]])
    response = np.abs(ndimage.convolve(channel, mask)[1:-1, 1:-1])
    return math.sqrt(math.pi / 2) * response.mean() / 6


def reference(picture):
    """Threshold, noise, mask and labels of a whole RGB picture."""
    channel = color.rgb2hed(picture[..., :3])[..., 0]
    threshold = filters.threshold_otsu(channel, 256)
    sigma = noise(channel)
    denoised = restoration.denoise_nl_means(channel, patch_size=5, patch_distance=6, h=0.8 * sigma, fast_mode=True)
    mask = morphology.remove_small_objects(denoised > threshold, max_size=39)
    mask = ndimage.binary_fill_holes(mask)
    distance = ndimage.distance_transform_edt(mask)
    peaks = feature.peak_local_max(
        filters.gaussian(distance, 1), min_distance=5, exclude_border=False, labels=measure.label(mask)
    )
    markers = np.zeros(mask.shape, dtype=np.int32)
    markers[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
    return threshold, sigma, mask, segmentation.watershed(-distance, markers, mask=mask)


def table(folder):
    """Nuclei of a result: x, y, area."""
    with open(folder / "nuclei.csv", newline="") as file:
        return np.array([[float(row["x"]), float(row["y"]), float(row["area"])] for row in csv.DictReader(file)])


def share_of_same(nuclei, others):
    """Share of the nuclei that are among the others, with the same area."""
    distances = np.abs(nuclei[:, None, :2] - others[None, :, :2]).max(axis=2)
    same = (distances <= CENTROID_OFF_MAX) & (nuclei[:, None, 2] == others[None, :, 2])
    return same.any(axis=1).mean()


def dice(mask, other):
    """Agreement of two masks: 1 is the same."""
    return 2 * np.count_nonzero(mask & other) / (np.count_nonzero(mask) + np.count_nonzero(other))


def compare(picture, folder, untiled):
    """Print the figures; whether all bars are met."""
    threshold, sigma, mask, labels = reference(io.imread(picture))
    summary = json.loads((folder / "summary.json").read_text())
    nuclei = table(folder)
    centroids = np.array([[p.centroid[1], p.centroid[0], p.area] for p in measure.regionprops(labels)])
    count_off = abs(len(nuclei) - labels.max()) / labels.max()
    agreement = dice(mask, io.imread(folder / "mask.png") > 0)
    print(f"threshold   ours {summary['threshold']:.6f}  scikit-image {threshold:.6f}")
    print(f"noise       ours {summary['sigma']:.7f}  scikit-image {sigma:.7f}")
    print(f"nuclei      ours {len(nuclei)}  scikit-image {labels.max()}  off by {count_off:.2%} (at most {COUNT_OFF_MAX:.0%})")
    print(f"mask        Dice {agreement:.5f} (at least {DICE_MIN})")
    print(f"identical   {share_of_same(nuclei, centroids):.2%} of ours have the area and centroid of scikit-image's")
    good = summary["nuclei"] == len(nuclei) and count_off <= COUNT_OFF_MAX and agreement >= DICE_MIN
    if untiled is not None:
        same = share_of_same(table(untiled), nuclei)
        print(f"tiles       {same:.2%} of the nuclei without tiles are the same with them (at least {SAME_MIN:.0%})")
        good = good and same >= SAME_MIN
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("picture", type=pathlib.Path)
    parser.add_argument("--compare", type=pathlib.Path, required=True, metavar="DIR", help="result to compare")
    parser.add_argument("--untiled", type=pathlib.Path, metavar="DIR", help="result in one tile")
    arguments = parser.parse_args()
    good = compare(arguments.picture, arguments.compare, arguments.untiled)
    print("all bars met" if good else "a bar is missed")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
