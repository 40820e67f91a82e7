"""The lengths of a mixed workload, the same for every engine."""

import numpy

MEAN_TOKENS, MAX_TOKENS, SIGMA = 38, 256, 0.8  # of the lognormal lengths, special tokens included


def mixed_lengths(texts):
    """Lognormal, rounded, cut to MAX_TOKENS; moved until what is left has the mean MEAN_TOKENS."""
    spread = SIGMA * numpy.random.default_rng(4).standard_normal(texts)
    low, high = 0.0, numpy.log(MAX_TOKENS)
    for _ in range(40):
        middle = (low + high) / 2
        lengths = numpy.clip(numpy.exp(middle + spread).round().astype(int), 3, MAX_TOKENS)
        low, high = (middle, high) if lengths.mean() < MEAN_TOKENS else (low, middle)
    return lengths
