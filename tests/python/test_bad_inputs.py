"""Texts that are none, and what is no column of texts, wherever texts may come from: the error names the row. tests/python/test_spark.py has Spark's."""

import importlib.util

import numpy
import pytest

from filbert import FilbertClassifier, classify, pipeline

MIXED = ["good", None, float("nan"), 3, 2.5, b"bad", ["film"], {"text": "book"}, True, "bad"]
FOUND = [None, "None", "nan (float)", "3 (int)", "2.5 (float)", "b'bad' (bytes)", "['film'] (list)", "{'text': 'book'} (dict)", "True (bool)", None]
needs = {name: pytest.mark.skipif(importlib.util.find_spec(name) is None, reason=f"{name} is not installed") for name in ("pandas", "pyarrow")}


def series(values, **options):
    import pandas

    return pandas.Series(values, **options)


def arrow(values, *options):
    import pyarrow

    return pyarrow.array(values, *options)


def no_utf8():
    import pyarrow

    return pyarrow.Array.from_buffers(pyarrow.string(), 3, pyarrow.array([b"good", b"\xff", None], pyarrow.binary()).buffers())


def objects(values):
    array = numpy.empty(len(values), dtype=object)
    array[:] = values
    return array


@pytest.mark.parametrize("made", [list, tuple, iter, objects, pytest.param(lambda values: series(values, dtype=object), marks=needs["pandas"])])
def test_texts_of_mixed_types(tiny, made):
    answers = list(classify(made(MIXED), model=tiny, on_error="row"))
    expected = [None if found is None else f"row {row}: expected text (str), found {found}" for row, found in enumerate(FOUND)]
    assert [answer.error for answer in answers] == expected
    assert [answer.label is None for answer in answers] == [found is not None for found in FOUND]
    with pytest.raises(TypeError, match="row 1: expected text .str., found None"):
        list(classify(made(MIXED), model=tiny))
    with pytest.raises(TypeError, match="row 1: expected text .str., found None"):
        FilbertClassifier(tiny).predict_proba(made(MIXED))


@pytest.mark.parametrize("row", range(1, 9))
def test_each_of_them_by_itself(tiny, classifier, row):
    for call in (lambda texts: classify(texts, model=tiny), FilbertClassifier(tiny).predict_proba, FilbertClassifier(tiny).predict):
        with pytest.raises(ValueError, match="row 1: expected text .str., found"):
            call(["good", MIXED[row]])


# column: (what makes it, the row at fault, what is said of it)
COLUMNS = {
    "numpy: numbers": (lambda: numpy.array([1, 2]), 0, "1 (int)"),
    "numpy: NaN": (lambda: numpy.array([float("nan")]), 0, "nan (float)"),
    "numpy: bytes": (lambda: numpy.array([b"good"]), 0, "b'good' (bytes)"),
    "pandas: numbers": (lambda: series([1, 2]), 0, "np.int64(1) (int64)"),
    "pandas: NaN": (lambda: series([float("nan"), 1.5]), 0, "np.float64(nan) (float64)"),
    "pandas: string with None": (lambda: series(["good", None], dtype="string"), 1, "<NA> (NAType)"),
    "pandas: category with None": (lambda: series(["good", None], dtype="category"), 1, "nan (float)"),
    "pandas: another index": (lambda: series(["good", None], index=[7, 3], dtype=object), 1, "None"),
    "pyarrow: numbers": (lambda: arrow([1, 2]), 0, "1 (int)"),
    "pyarrow: NaN": (lambda: arrow([float("nan"), None]), 0, "nan (float)"),
    "pyarrow: null": (lambda: arrow(["good", None]), 1, "None"),
    "pyarrow: nulls alone": (lambda: arrow([None, None]), 0, "None"),
    "pyarrow: dictionary": (lambda: arrow(["good", None]).dictionary_encode(), 1, "None"),
    "pyarrow: binary": (lambda: arrow([b"good"]), 0, "b'good' (bytes)"),
    "pyarrow: no UTF-8": (no_utf8, 1, "b'\\xff' (bytes)"),
}


@pytest.mark.parametrize("name", [pytest.param(name, marks=needs.get(name.split(":")[0], ())) for name in COLUMNS])
def test_columns_with_a_row_at_fault(tiny, name):
    make, row, found = COLUMNS[name]
    message = f"row {row}: expected text (str), found {found}"
    assert next(answer.error for answer in classify(make(), model=tiny, on_error="row") if answer.error) == message
    for call in (lambda texts: classify(texts, model=tiny), FilbertClassifier(tiny).predict_proba):
        with pytest.raises(TypeError) as error:
            call(make())
        assert str(error.value) == message


EMPTY = {
    "list": list, "iterator": lambda: iter([]), "numpy: of numbers": lambda: numpy.array([]), "numpy: of str": lambda: numpy.array([], dtype=str),
    "pandas: object": lambda: series([], dtype=object), "pandas: string": lambda: series([], dtype="string"), "pandas: float": lambda: series([], dtype=float),
    "pyarrow: string": lambda: arrow([]), "pyarrow: null": lambda: arrow([], "null"),
}


@pytest.mark.parametrize("name", [pytest.param(name, marks=needs.get(name.split(":")[0], ())) for name in EMPTY])
def test_nothing_gives_nothing(tiny, classifier, name):
    assert list(classify(EMPTY[name](), model=tiny)) == []
    assert FilbertClassifier(tiny).predict_proba(EMPTY[name]()).shape == (0, 5)
    assert list(FilbertClassifier(tiny).predict(EMPTY[name]())) == []


def frame():
    import pandas

    return pandas.DataFrame({"text": ["good"]})


def empty_frame():
    import pandas

    return pandas.DataFrame()


def table():
    import pyarrow

    return pyarrow.table({"text": ["good"]})


@pytest.mark.parametrize("made", [pytest.param(frame, marks=needs["pandas"]), pytest.param(empty_frame, marks=needs["pandas"]),
                                  pytest.param(table, marks=needs["pyarrow"])])
def test_a_table_is_no_column(tiny, made):
    with pytest.raises(TypeError, match="texts: expected a column of texts, found a table .*; its columns are what is meant"):
        classify(made(), model=tiny)
    with pytest.raises(TypeError, match="X: expected a column of texts, found a table .*; its columns are what is meant"):
        FilbertClassifier(tiny).predict_proba(made())


@needs["pandas"]
def test_a_column_that_is_not_there_is_the_tables_own_error(tiny):
    with pytest.raises(KeyError, match="body"):
        classify(frame()["body"], model=tiny)


@pytest.mark.parametrize("task", ["text-classification", "ner"])
def test_the_pipelines_go_on_after_an_error(tiny, entities, task):
    pipe = pipeline(task, tiny if task == "text-classification" else entities)
    before = pipe(["good film"])
    for wrong in (None, 3, float("nan"), [None], ["good", 3]):
        with pytest.raises(ValueError):
            pipe(wrong)
    assert pipe(["good film"]) == before
