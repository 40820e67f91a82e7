"""Rows of ids as the padded batches that the peers take, and what the CPU has."""

import json
import pathlib

import numpy

BATCH_ROWS = 32


def has_cpu_flag(*names):
    """Whether the CPU says that it has any of these, by Linux's names."""
    words = pathlib.Path("/proc/cpuinfo").read_text().split()
    return any(name in words for name in names)


def read_rows(path):
    return [json.loads(line)["input_ids"] for line in open(path) if line.strip()]


def in_batches(rows, length_sorted):
    """Of 32 rows, in their order or from the longest to the shortest, each padded to its longest: {name: int64 [batch, tokens]}."""
    rows = sorted(rows, key=len, reverse=True) if length_sorted else rows
    batches = []
    for first in range(0, len(rows), BATCH_ROWS):
        batch = rows[first:first + BATCH_ROWS]
        ids = numpy.zeros((len(batch), max(map(len, batch))), dtype=numpy.int64)
        mask = numpy.zeros_like(ids)
        for row, padded, ones in zip(batch, ids, mask):
            padded[:len(row)] = row
            ones[:len(row)] = 1
        batches.append({"input_ids": ids, "attention_mask": mask, "token_type_ids": numpy.zeros_like(ids)})
    return batches
