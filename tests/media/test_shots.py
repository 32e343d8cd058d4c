"""Shots are found at cuts, not in movement; each has a sharp key frame from its middle."""

import numpy as np
import pytest

from alciato.media.shots import LONGEST, cuts, find_shots, histogram, sharpness


def clip(*lengths: int, noise=0.0, seed=0):
    """Histograms of shots of these lengths in frames: every shot has colours of its own."""
    random = np.random.default_rng(seed)
    frames = []
    for length in lengths:
        base = random.dirichlet(np.full(64, 0.2))
        frames += [base * (1 - noise) + noise * random.dirichlet(np.full(64, 0.2)) for _ in range(length)]
    return np.array(frames, np.float32)


@pytest.mark.parametrize("noise", [0.0, 0.05, 0.15])
def test_cuts_are_where_the_colours_change(noise):
    assert cuts(clip(8, 5, 12, 6, noise=noise)) == [8, 13, 25]


def test_steady_movement_is_no_cut():
    start, end = clip(1), clip(1, seed=1)
    path = np.linspace(0, 1, 20)[:, None]
    assert cuts(start * (1 - path) + end * path) == []


def test_a_still_picture_is_one_shot():
    assert cuts(np.repeat(clip(1), 30, axis=0)) == []
    assert cuts(clip(1)) == []


def test_key_frames_are_the_sharpest_of_the_middle():
    seconds = np.arange(16) / 4
    sharp = np.ones(16, np.float32)
    sharp[[0, 5, 8, 11]] = 9, 4, 9, 3  # 0 and 8 begin a shot: not its middle
    shots = find_shots(clip(8, 8), sharp, seconds, 4.0, most=10)
    assert [(shot.start, shot.end, shot.key) for shot in shots] == [(0, 2, 5), (2, 4, 11)]


def test_a_long_shot_is_cut_into_pieces():
    seconds = np.arange(0, 35, 0.25)
    shots = find_shots(np.repeat(clip(1), len(seconds), 0), np.ones(len(seconds), np.float32), seconds, 35.0, most=99)
    assert len(shots) == 4
    assert all(shot.end - shot.start <= LONGEST for shot in shots)
    assert [shot.start for shot in shots[1:]] == [shot.end for shot in shots[:-1]]


def test_too_many_shots_are_thinned_evenly():
    lengths = [4] * 40
    seconds = np.arange(160) / 4
    shots = find_shots(clip(*lengths), np.ones(160, np.float32), seconds, 40.0, most=10)
    assert len(shots) == 10
    assert shots[0].start == 0
    assert shots[-1].end == 40


def test_no_frames_no_shots():
    assert find_shots(np.zeros((0, 64), np.float32), np.zeros(0, np.float32), np.zeros(0), 0.0, most=9) == []


def test_histogram_counts_shares():
    pixels = np.zeros((2, 2, 3), np.uint8)
    pixels[0, 0] = 255
    assert histogram(pixels)[[0, 63]].tolist() == [0.75, 0.25]


def test_blur_is_less_sharp():
    random = np.random.default_rng(0)
    rough = random.integers(0, 256, (40, 40, 3)).astype(np.uint8)
    smooth = np.repeat(np.repeat(rough[:10, :10], 4, 0), 4, 1)
    assert sharpness(rough) > sharpness(smooth) > sharpness(np.full((40, 40, 3), 9, np.uint8)) == 0
    assert sharpness(rough[:2]) == 0
