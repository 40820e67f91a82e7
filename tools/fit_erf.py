#!/usr/bin/env python3
"""Fits the coefficients of erf in src/kernels/vector.cpp: erf(x) = x P(x²) / Q(x²) on [0, 4], P and Q of degree 5.

Reweighted least squares on the relative error, in float64; then the error of the float32 evaluation is measured.
Needs numpy.
"""

import math

import numpy as np

DEGREE = 5
ROUNDS = 60  # of reweighting; the maximum no longer moves after about 40

x = 2 * (1 - np.cos(np.linspace(0, np.pi, 4001)))[1:]
t = x * x
erf = np.array([math.erf(v) for v in x])
weight, denominator, best = np.ones_like(x), np.ones_like(x), None
for _ in range(ROUNDS):
    columns = [x * t**i / (erf * denominator) for i in range(DEGREE + 1)]
    columns += [-(t**i) / denominator for i in range(1, DEGREE + 1)]
    matrix = np.stack(columns, 1) * weight[:, None]
    scale = np.abs(matrix).max(0)
    solution = np.linalg.lstsq(matrix / scale, weight / denominator, rcond=None)[0] / scale
    p, q = solution[: DEGREE + 1], np.concatenate([[1.0], solution[DEGREE + 1 :]])
    denominator = np.polyval(q[::-1], t)
    error = np.abs(x * np.polyval(p[::-1], t) / denominator / erf - 1)
    if best is None or error.max() < best[0]:
        best = (error.max(), p, q)
    weight *= (error / error.max() + 1e-3) ** 0.3
    weight /= weight.max()

error, p, q = best
print("P", [float(np.float32(c)) for c in p])
print("Q", [float(np.float32(c)) for c in q])
x32 = np.linspace(1e-3, 4, 200001).astype(np.float32)
horner = lambda c: np.polyval(c[::-1].astype(np.float32), x32 * x32).astype(np.float32)
exact = np.array([math.erf(float(v)) for v in x32])
print(f"relative error: {error:.1e} of the fit, {np.abs(x32 * horner(p) / horner(q) / exact - 1).max():.1e} in float32")
