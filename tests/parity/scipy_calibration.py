"""The losses of calibration, written from their definitions in numpy, and their minima by scipy: what Filbert's own fits are held to."""

import numpy as np
from scipy.optimize import minimize, minimize_scalar
from scipy.special import expit, log_softmax

RIDGE = 1e-6   # of vector scaling, as docs/calibrate.md has it


def softmax_loss(logits, truth):
    return -(log_softmax(logits, axis=1) * truth).sum(axis=1).mean()


def sigmoid_loss(logits, truth):
    return np.logaddexp(0, np.where(truth, -logits, logits)).mean()


def temperature(logits, truth, loss):
    """In the logarithm of the temperature, whose minimum is the same."""
    found = minimize_scalar(lambda log: loss(logits / np.exp(log), truth), bounds=(np.log(0.01), np.log(100)), method="bounded", options={"xatol": 1e-12})
    return float(np.exp(found.x))


def pull(weights, biases):
    return RIDGE / 2 * (((weights - 1) ** 2).sum() + (biases**2).sum())


def softmax_vector(logits, truth):
    labels = logits.shape[1]

    def loss(at):
        weights, biases = at[:labels], at[labels:]
        moved = logits * weights + biases
        off = (np.exp(log_softmax(moved, axis=1)) - truth) / len(logits)
        slope = np.concatenate([(off * logits).sum(axis=0) + RIDGE * (weights - 1), off.sum(axis=0) + RIDGE * biases])
        return softmax_loss(moved, truth) + pull(weights, biases), slope

    return _minimum(loss, labels)


def sigmoid_vector(logits, truth):
    """Each label by itself."""
    found = []
    for label in range(logits.shape[1]):
        column, is_true = logits[:, label], truth[:, label]

        def loss(at):
            moved = column * at[0] + at[1]
            off = (expit(moved) - is_true) / len(column)
            slope = np.array([(off * column).sum() + RIDGE * (at[0] - 1), off.sum() + RIDGE * at[1]])
            return np.logaddexp(0, np.where(is_true, -moved, moved)).mean() + pull(at[:1], at[1:]), slope

        found.append(_minimum(loss, 1))
    return [weight for weights, _ in found for weight in weights], [bias for _, biases in found for bias in biases]


def _minimum(loss, labels):
    at = np.concatenate([np.ones(labels), np.zeros(labels)])
    for _ in range(3):   # once more from where it stopped
        at = minimize(loss, at, jac=True, method="L-BFGS-B", options={"maxiter": 100_000, "maxfun": 100_000, "ftol": 0, "gtol": 1e-13, "maxcor": 50}).x
        at = minimize(loss, at, jac=True, method="BFGS", options={"maxiter": 10_000, "gtol": 1e-12}).x
    return at[:labels].tolist(), at[labels:].tolist()


def calibration_error(scores, is_right, bins):
    """Guo et al., 2017: bins ](m − 1) / M, m / M], and in each the distance of accuracy and confidence, by the share of the rows."""
    error = 0
    for bin in range(bins):
        inside = (scores > bin / bins) & (scores <= (bin + 1) / bins)
        if inside.any():
            error += inside.mean() * abs(is_right[inside].mean() - scores[inside].mean())
    return float(error)
