#!/usr/bin/env python3
"""What scipy makes of pairs of samples: the tests of Kolmogorov and Smirnov and of chi-square, and the PSI by scipy.stats.entropy. Writes
tests/data/drift/two_samples.json.

    pip install numpy scipy && python3 tools/make_drift_goldens.py tests/data/drift/two_samples.json
"""

import json
import sys

import numpy
import scipy
from scipy import special, stats


def psi(reference, current):
    """Of counts, each sample with one more member that lies as both samples together do; bins that are empty in both left out."""
    reference, current = numpy.asarray(reference, float), numpy.asarray(current, float)
    kept = reference + current > 0
    reference, current = reference[kept], current[kept]
    both = (reference + current) / (reference.sum() + current.sum())
    r, c = (reference + both) / (reference.sum() + 1), (current + both) / (current.sum() + 1)
    return stats.entropy(c, r) + stats.entropy(r, c)


def counts_of(values):
    unique, counts = numpy.unique(values, return_counts=True)
    return {"values": unique.tolist(), "counts": counts.tolist()}


def of_numbers(reference, current):
    edges = numpy.unique(numpy.quantile(reference, numpy.arange(1, 10) / 10, method="inverted_cdf"))
    bins = [numpy.bincount(numpy.searchsorted(edges, values), minlength=len(edges) + 1) for values in (reference, current)]
    n, m = len(reference), len(current)
    result = stats.ks_2samp(reference, current)
    return {"reference": counts_of(reference), "current": counts_of(current), "edges": edges.tolist(), "bins": [each.tolist() for each in bins],
            "psi": psi(*bins), "ks": result.statistic, "ks_p": float(special.kolmogorov(numpy.sqrt(n * m / (n + m)) * result.statistic)),
            "ks_p_scipy": result.pvalue, "size": [n, m]}


def of_kinds(reference, current):
    table = numpy.array([reference, current])
    result = stats.chi2_contingency(table[:, table.sum(axis=0) > 0], correction=False)
    return {"reference": reference, "current": current, "psi": psi(reference, current), "chi_square": result.statistic, "p": result.pvalue}


def main():
    source = numpy.random.default_rng(7)
    draw = {
        "normal": lambda size, shift: numpy.round(source.normal(shift, 1, size), 4),
        "lengths": lambda size, shift: numpy.ceil(source.lognormal(3 + shift, 0.6, size)),
        "mostly zero": lambda size, shift: numpy.round(numpy.where(source.random(size) < 0.9 - shift / 3, 0, source.random(size)), 4),
        "constant": lambda size, shift: numpy.full(size, 1 + round(shift)),
    }
    numbers = [of_numbers(make(n, 0), make(m, shift)) for make in draw.values() for n, m in [(50, 30), (400, 300), (2000, 150)] for shift in [0, 0.1, 1]]
    kinds = [of_kinds(a, b) for a, b in [([10, 20, 30], [12, 18, 33]), ([1000, 0, 5], [400, 300, 0]), ([7, 3], [2, 9]), ([100, 0, 0, 50], [90, 0, 1, 70]),
                                         ([5] * 40, [6] * 20 + [4] * 20), ([1_000_000, 10], [900, 3])]]
    tails = {"kolmogorov": [[x, float(special.kolmogorov(x))] for x in (0.1, 0.3, 0.5, 0.8, 0.99, 1.0, 1.36, 2.0, 4.0, 8.0)],
             "chi_square": [[x, k, float(stats.chi2.sf(x, k))] for k in (1, 2, 5, 30, 400) for x in (0.01, 1.0, 4.0, 30.0, 420.0)]}
    with open(sys.argv[1], "w", encoding="ascii") as out:
        json.dump({"made_by": f"tools/make_drift_goldens.py, scipy {scipy.__version__}, numpy {numpy.__version__}", "numbers": numbers, "kinds": kinds, "tails": tails}, out)
        out.write("\n")


if __name__ == "__main__":
    main()
