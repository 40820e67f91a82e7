"""Stage 3 over arrays: what turns logits into scores, as transformers' pipeline does it."""


def softmax(logits, axis: int = -1):
    """Over `axis`, the maximum subtracted first."""
    import numpy

    logits = numpy.asarray(logits)
    shifted = numpy.exp(logits - logits.max(axis=axis, keepdims=True))
    return shifted / shifted.sum(axis=axis, keepdims=True)


def sigmoid(logits):
    import numpy

    return 1 / (1 + numpy.exp(-numpy.asarray(logits)))
