"""filbert.spark in Spark itself: one process with two tasks, and two executors in processes of their own, which are killed."""

import doctest
import os
import pathlib
import re
import socket
import sys
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/cli"), str(ROOT / "tests/python")]
import spark_sessions  # noqa: E402
import tiny_checkpoint  # noqa: E402

pytest.importorskip("pyarrow", reason="the package pyarrow is not installed")
if spark_sessions.why_not():
    pytest.skip(spark_sessions.why_not(), allow_module_level=True)

from pyspark import cloudpickle  # noqa: E402

import filbert  # noqa: E402
from filbert.errors import CorruptError, FilbertError, InvalidArgumentError, NotFoundError, NotTextError  # noqa: E402
from filbert.spark import FilbertClassifier, Metrics, _checked_model, classify, entities  # noqa: E402

cloudpickle.register_pickle_by_value(sys.modules[__name__])  # executors have the package, not its tests
WORDS = tiny_checkpoint.WORDS
TEXTS = [" ".join(WORDS[(row * 7 + step * (row % 5 + 1)) % len(WORDS)] for step in range(row % 11)) for row in range(2000)]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return str(tiny_checkpoint.write_checkpoint(tmp_path_factory.mktemp("tiny-spark")))


@pytest.fixture(scope="module")
def expected(model):
    return [(answer.label, answer.score) for answer in filbert.classify(TEXTS, model=model)]


def table_of(spark, texts, partitions):
    return spark.createDataFrame(list(enumerate(texts)), "id int, text string").repartition(partitions, "id")


def found_in(df):
    """(label, score) in the order of id."""
    return [(row.label, row.score) for row in sorted(df.select("id", "label", "score").collect())]


class TestInOneProcess:
    @pytest.fixture(scope="class")
    def spark(self, tmp_path_factory):
        directory = tmp_path_factory.mktemp("spark-local")
        spark = spark_sessions.session("local[2]", directory, spark_sql_execution_arrow_maxRecordsPerBatch=7)
        yield spark
        spark.stop()

    def test_rows_are_those_of_one_process(self, spark, model, expected):
        metrics = Metrics(spark)
        df = classify(table_of(spark, TEXTS, 3), "text", model=model, metrics=metrics)
        assert df.columns == ["id", "text", "label", "score", "truncated", "error"]
        assert found_in(df) == expected
        used = sum(answer.tokens_used for answer in filbert.classify(TEXTS, model=model))
        assert (metrics.rows, metrics.tokens, metrics.errors, metrics.truncated) == (len(TEXTS), used, 0, 0)
        assert 0 < metrics.seconds < 100 and repr(metrics).startswith("Metrics(rows=2000, tokens=")

    def test_every_column_that_can_be_had(self, spark, model):
        texts = ["i love this book", "bad " * 100]
        df = spark.createDataFrame([(text, "the film") for text in texts], "a string, b string")
        output = {"label": "stars", "scores": "scores", "labels": "labels", "tokens_total": "tokens", "truncated": "cut", "error": "why"}
        options = {"function_to_apply": "sigmoid", "threshold": 0.2, "top_k": 3, "truncation": True}
        found = classify(df, "a", text_pair_col="B", model=model, output=output, **options).collect()
        answers = filbert.classify(texts, ["the film"] * 2, model=model, **options)
        for row, answer in zip(found, answers, strict=True):
            assert (row.stars, row.scores, row.labels) == (answer.label, answer.scores, answer.labels)
            assert (row.tokens, row.cut) == (answer.tokens_total, answer.truncated)
            assert row.why is None
        assert [row.cut for row in found] == [False, True]

    def test_columns_beside_the_text_stay(self, spark, model):
        df = spark.sql("SELECT timestamp'2020-01-01' t, cast(1.5 AS decimal(10, 2)) d, map('a', 1) m, array(struct(1 AS x)) s, X'00' b, 'good' AS text")
        (row,) = classify(df, "text", model=model).collect()
        assert row[:6] == df.collect()[0][:6] and row.label

    def test_rows_that_are_no_text(self, spark, model):
        df = spark.sql("SELECT * FROM VALUES (1, 'good'), (2, NULL), (3, cast(X'ff41' AS string)), (4, 'bad') AS t(id, text)")
        metrics = Metrics(spark)
        found = {row.id: row for row in classify(df, "text", model=model, metrics=metrics).collect()}
        assert found[2].error == "column 'text': expected text, found null" and found[2].label is None and found[2].score is None
        assert found[3].error == "column 'text': expected text in UTF-8, found the byte 0xff at 0"
        assert found[1].error is None and found[1].label and found[4].label
        assert (metrics.rows, metrics.errors) == (4, 2)
        with pytest.raises(Exception, match="NotTextError: row [0-3]: column 'text': expected text"):
            classify(df, "text", model=model, on_error="raise").collect()

    def test_a_frame_without_rows(self, spark, model):
        df = classify(spark.createDataFrame([], "id int, text string"), "text", model=model)
        assert df.collect() == [] and df.columns == ["id", "text", "label", "score", "truncated", "error"]

    @pytest.mark.parametrize("column, options, kind, message", [
        ("body", {}, InvalidArgumentError, "input_col: expected one of the columns 'id', 'text', found 'body'"),
        ("id", {}, NotTextError, "input_col: expected a column of strings, found 'id' of int"),
        (3, {}, InvalidArgumentError, "input_col: expected the name of a column, found int"),
        ("text", {"text_pair_col": "id"}, NotTextError, "text_pair_col: expected a column of strings"),
        ("text", {"output": {"label": "id"}}, InvalidArgumentError, "expected a new column for label, found 'id', which is there"),
        ("text", {"output": ["labl"]}, InvalidArgumentError, "found 'labl'"),
        ("text", {"on_error": "skip"}, InvalidArgumentError, "on_error: expected \"row\" or \"raise\", found 'skip'"),
        ("text", {"batch_tokens": 0}, InvalidArgumentError, "batch_tokens: expected a whole number .*, found 0"),
        ("text", {"num_threads": 1.5}, InvalidArgumentError, "num_threads: expected a whole number"),
        ("text", {"dtype": "float8"}, InvalidArgumentError, "dtype: expected one of"),
        ("text", {"top_k": 0}, InvalidArgumentError, "top_k: expected a whole number .*, found 0"),
        ("text", {"topk": 1}, TypeError, "unexpected argument 'topk'"),
        ("text", {"model": 5}, InvalidArgumentError, "model: expected a directory, the name of a model or None, found int"),
        ("text", {"model": "/nowhere", "ship": True}, NotFoundError, "expected a directory, which is what can be shipped, found '/nowhere'"),
        ("text", {"model": "/nowhere"}, FilbertError, "/nowhere"),
    ])
    def test_what_cannot_be_is_told_before_a_job(self, spark, model, column, options, kind, message):
        df = table_of(spark, TEXTS[:2], 1)
        with pytest.raises(kind, match=message):
            classify(df, column, **{"model": model, **options})

    @pytest.mark.parametrize("value, found", [
        ("cast('NaN' AS double)", "double"), ("true", "boolean"), ("X'61'", "binary"), ("array('a')", "array<string>"), ("NULL", "void"),
        ("struct('a' AS b)", "struct<b:string>"), ("timestamp'2020-01-01'", "timestamp"),
    ])
    def test_columns_of_other_types_are_told_before_a_job(self, spark, model, value, found):
        with pytest.raises(NotTextError, match=re.escape(f"input_col: expected a column of strings, found 'text' of {found}")):
            classify(spark.sql(f"SELECT {value} AS text"), "text", model=model)

    def test_options_that_do_not_go_together_are_told_before_a_job(self, spark, model):
        with pytest.raises(InvalidArgumentError, match="threshold: expected the scores of a sigmoid"):
            classify(table_of(spark, TEXTS[:2], 1), "text", model=model, threshold=0.5)

    def test_two_columns_of_a_name(self, spark, model):
        df = table_of(spark, TEXTS[:2], 1)
        with pytest.raises(InvalidArgumentError, match="input_col: expected the only one of the columns 'id', 'text', 'text', found 'text'"):
            classify(df.select("id", "text", df.text), "text", model=model)

    def test_a_checkpoint_at_fault(self, spark, tmp_path):
        tiny_checkpoint.write_checkpoint(tmp_path)
        (tmp_path / "model.safetensors").write_bytes(b"short")
        with pytest.raises(CorruptError, match="model.safetensors"):
            classify(table_of(spark, TEXTS[:2], 1), "text", model=str(tmp_path))

    def test_a_directory_by_a_path_from_here(self, spark, model, expected, monkeypatch):
        monkeypatch.chdir(pathlib.Path(model).parent)
        df = classify(table_of(spark, TEXTS[:20], 1), "text", model=pathlib.Path(model).name)
        monkeypatch.chdir("/")
        assert found_in(df) == expected[:20]

    def test_a_machine_without_the_model(self, spark):
        df = classify(table_of(spark, TEXTS[:2], 1), "text", model="/nowhere/model", ship=False)
        with pytest.raises(Exception, match=r"NotFoundError: on \S+ \(process \d+\) the model '/nowhere/model' could not be loaded: .*/nowhere/model"):
            df.collect()

    def test_a_stage_of_a_pipeline(self, spark, model, expected, tmp_path):
        from pyspark.ml import Pipeline, PipelineModel
        from pyspark.ml.feature import StringIndexer

        stage = FilbertClassifier(inputCol="text", outputCol="stars", scoreCol="score", model=model)
        df = table_of(spark, TEXTS[:50], 2)
        assert stage.transformSchema(df.schema) == stage.transform(df).schema
        fitted = Pipeline(stages=[stage, StringIndexer(inputCol="stars", outputCol="index")]).fit(df)
        fitted.write().overwrite().save(str(tmp_path / "pipeline"))
        again = PipelineModel.load(str(tmp_path / "pipeline"))
        assert again.stages[0].getInputCol() == "text" and again.stages[0].getOrDefault("model") == model
        found = [(row.stars, row.score) for row in sorted(again.transform(df).collect())]
        assert found == expected[:50]

    def test_a_stage_says_what_it_lacks(self, spark, model):
        schema = table_of(spark, TEXTS[:2], 1).schema
        with pytest.raises(InvalidArgumentError, match="expected one of the columns 'id', 'text', found 'body'"):
            FilbertClassifier(inputCol="body", model=model).transformSchema(schema)
        with pytest.raises(NotTextError, match="expected a column of strings, found 'id' of int"):
            FilbertClassifier(inputCol="id", model=model).transformSchema(schema)
        with pytest.raises(InvalidArgumentError, match="expected a new column for label, found 'text'"):
            FilbertClassifier(outputCol="text", model=model).transformSchema(schema)

    def test_the_page_about_it_is_right(self, spark):
        found = doctest.testfile(str(ROOT / "docs/spark.md"), module_relative=False, globs={"spark": spark}, optionflags=doctest.NORMALIZE_WHITESPACE)
        assert found.attempted > 10 and found.failed == 0

    def test_entities_are_those_of_one_process(self, spark, tmp_path):
        config = {"architectures": ["BertForTokenClassification"], "id2label": {str(id): label for id, label in enumerate(["O", "B-PER", "I-PER", "B-LOC"])}}
        write_token_classifier(tmp_path, config)
        texts = [text for text in TEXTS[:60] if text]
        df = table_of(spark, [*texts, None], 2)
        pipe = filbert.pipeline("ner", str(tmp_path))
        for strategy, name in (("simple", "entity_group"), ("none", "entity")):
            rows = sorted(entities(df, "text", model=str(tmp_path), aggregation_strategy=strategy).collect())
            assert [[entity.asDict() for entity in row.entities] for row in rows[:-1]] == pipe(texts, aggregation_strategy=strategy)
            assert any(name in entity for row in rows[:-1] for entity in row.entities)
            assert rows[-1].entities is None and rows[-1].error == "column 'text': expected text, found null"


def write_token_classifier(directory, config):
    import json

    tiny_checkpoint.write_checkpoint(directory)
    known = json.loads((directory / "config.json").read_text())
    known |= config | {"label2id": {label: int(id) for id, label in config["id2label"].items()}}
    (directory / "config.json").write_text(json.dumps(known))
    source = tiny_checkpoint.random.Random(11)
    tensors = {}
    for name, shape in tiny_checkpoint.tensor_shapes(known).items():
        if ".pooler." not in name:
            count = shape[0] * (shape[1] if len(shape) == 2 else 1)
            tensors[name] = (shape, [source.gauss(1.0 if name.endswith("LayerNorm.weight") else 0.0, 0.4) for _ in range(count)])
    tiny_checkpoint.write_safetensors(directory / "model.safetensors", tensors)


def loading(told):
    """A function of mapInArrow that needs the model and says how often it was loaded by this worker and those that it comes from."""

    def part(batches):
        import pyarrow
        from filbert.spark_model import _loaded, load

        rows = sum(batch.num_rows for batch in batches)
        time.sleep(0.2)  # so that more than one worker has some
        load(told)
        yield pyarrow.record_batch({"process": [os.getpid()], "loads": [_loaded.cache_info().misses], "rows": [rows]})

    return part


class TestWithTheModelLoadedBeforeWorkersAreForked:
    @pytest.fixture(scope="class")
    def spark(self, tmp_path_factory, model):
        directory = tmp_path_factory.mktemp("spark-daemon")
        spark = spark_sessions.session("local[2]", directory, spark_python_daemon_module="filbert.spark_daemon",
                                       spark_executorEnv_FILBERT__SPARK__PRELOAD=model)
        yield spark
        spark.stop()

    def test_no_worker_loads_it_again(self, spark, model, expected):
        df = table_of(spark, TEXTS, 4)
        told, _ = _checked_model(spark, "text-classification", model, None, {})
        seen = df.mapInArrow(loading(told), "process long, loads long, rows long").collect()
        assert len({row.process for row in seen}) > 1 and all(row.loads == 1 for row in seen)
        other = df.mapInArrow(loading(told._replace(options=(("dtype", "int8"),))), "process long, loads long, rows long").collect()
        assert all(row.loads == 2 for row in other)
        assert found_in(classify(df, "text", model=model)) == expected


# ---- two executors


def parent_of(pid: int) -> int:
    return int(pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def killing(what: str, marker: str):
    """A function of mapInArrow that, once in all, ends what runs beside it: the Python workers of its executor, or the executor."""

    def part(batches):
        for batch in batches:
            try:
                os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                yield batch
                continue
            yield batch
            time.sleep(0.5)  # what comes behind has begun
            daemon = os.getppid()
            if what == "executor":
                os.kill(parent_of(daemon), 9)
            for process in pathlib.Path("/proc").glob("[0-9]*"):
                try:
                    if parent_of(int(process.name)) == daemon:
                        os.kill(int(process.name), 9)
                except (FileNotFoundError, ProcessLookupError, IndexError):
                    pass

    return part


def mapped_files(suffix: str):
    """A function of mapInArrow: (executor, inodes of the files of such a name that its workers have mapped)"""

    def part(batches):
        import pyarrow

        rows = sum(batch.num_rows for batch in batches)
        time.sleep(0.5)  # so that both executors have some
        found = set()
        daemon = os.getppid()
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                if parent_of(int(process.name)) == daemon:
                    found |= {line.split()[4] for line in (process / "maps").read_text().splitlines() if line.endswith(suffix)}
            except (FileNotFoundError, ProcessLookupError, IndexError):
                pass
        yield pyarrow.record_batch({"executor": [parent_of(daemon)], "inodes": [sorted(found)], "rows": [rows]})

    return part


class TestWithTwoExecutors:
    @pytest.fixture(scope="class")
    def spark(self, tmp_path_factory):
        directory = tmp_path_factory.mktemp("spark-cluster")
        spark = spark_sessions.session("local-cluster[2,1,1024]", directory, spark_sql_execution_arrow_maxRecordsPerBatch=50, spark_executor_memory="512m")
        yield spark
        spark.stop()

    def inodes(self, df, suffix):
        """Those that both executors have mapped."""
        seen = df.mapInArrow(mapped_files(suffix), "executor long, inodes array<string>, rows long").collect()
        of_executors = {row.executor: set(row.inodes) for row in seen}
        assert len(of_executors) == 2 and all(of_executors.values())
        return set.union(*of_executors.values())

    def test_rows_are_those_of_one_process_and_weights_are_mapped_once(self, spark, model, expected):
        df = table_of(spark, TEXTS, 8)
        assert found_in(classify(df, "text", model=model)) == expected
        assert len(self.inodes(df, "model.safetensors")) == 1
        assert len(spark.sparkContext.listArchives) == 1

    def test_packed_layers_are_there_once(self, spark):
        df = table_of(spark, TEXTS[:80], 8)  # of the built-in model, since those of the tiny one are too small
        assert found_in(classify(df, "text")) == [(answer.label, answer.score) for answer in filbert.classify(TEXTS[:80])]
        assert len(self.inodes(df, ".packed")) == 1

    def test_a_machine_without_the_model(self, spark):
        df = classify(table_of(spark, TEXTS[:2], 1), "text", model="/nowhere/model", ship=False)
        with pytest.raises(Exception, match=r"NotFoundError: on \S+ \(process \d+\) the model '/nowhere/model' could not be loaded"):
            df.collect()

    @pytest.mark.parametrize("what", ["worker", "executor"])
    def test_a_job_outlives_what_is_killed(self, spark, model, expected, tmp_path, what):
        marker = tmp_path / "killed"
        df = table_of(spark, TEXTS, 8).mapInArrow(killing(what, str(marker)), "id int, text string")
        assert found_in(classify(df, "text", model=model)) == expected
        assert marker.exists()


# ---- a model that fails on one executor


def directories(model):
    """A function of mapInArrow that says where its executor is, and where it has what was shipped as `model`."""

    def part(batches):
        import pyarrow
        from pyspark import SparkFiles

        rows = sum(batch.num_rows for batch in batches)
        time.sleep(0.5)  # so that both executors have some
        yield pyarrow.record_batch({"executor": [os.getcwd()], "shipped": [SparkFiles.get(model)], "rows": [rows]})

    return part


def damaged(directory, how):
    weights = pathlib.Path(directory, "model.safetensors")
    whole = weights.read_bytes()
    weights.unlink()  # not in place: a machine's copy may be the same file
    if how == "cut short":
        weights.write_bytes(whole[: len(whole) // 2])
    elif how == "a directory":
        weights.mkdir()


class TestWithAModelThatFailsOnOneExecutor:
    """The executors of a local cluster share a file system, but not the directory they run in: a model by a path from there is one of each."""

    @pytest.fixture(scope="class")
    def spark(self, tmp_path_factory):
        directory = tmp_path_factory.mktemp("spark-damaged")
        spark = spark_sessions.session("local-cluster[2,1,1024]", directory, spark_executor_memory="512m", spark_excludeOnFailure_enabled="true",
                                       spark_excludeOnFailure_application_maxFailedTasksPerExecutor=100,  # so that the next test has both
                                       spark_scheduler_excludeOnFailure_unschedulableTaskSetTimeout="2s")  # where none is left; two minutes by default
        yield spark
        spark.stop()

    def executors(self, spark, archive="none"):
        rows = table_of(spark, TEXTS[:100], 8).mapInArrow(directories(archive), "executor string, shipped string, rows long").collect()
        found = {row.executor: row.shipped for row in rows}
        assert len(found) == 2
        return found

    def failed_tasks(self, spark, group):
        tracker = spark.sparkContext.statusTracker()
        return sum(tracker.getStageInfo(stage).numFailedTasks for job in tracker.getJobIdsForGroup(group) for stage in tracker.getJobInfo(job).stageIds)

    @pytest.mark.parametrize("how", ["cut short", "missing", "a directory"])
    def test_its_tasks_are_done_by_another(self, spark, expected, how):
        for executor, damage in zip(self.executors(spark), [how, None], strict=True):
            directory = pathlib.Path(executor, how)
            directory.mkdir()
            tiny_checkpoint.write_checkpoint(directory)
            if damage:
                damaged(directory, damage)
        spark.sparkContext.setJobGroup(how, how)
        df = table_of(spark, TEXTS, 8)
        assert found_in(classify(df, "text", model=how, ship=False)) == expected
        assert self.failed_tasks(spark, how) >= 1

    def test_where_all_fail_the_error_names_the_model_the_machine_and_what_was_expected(self, spark, model, expected):
        for executor in self.executors(spark):
            directory = pathlib.Path(executor, "all-damaged")
            directory.mkdir()
            damaged(tiny_checkpoint.write_checkpoint(directory), "cut short")
        df = table_of(spark, TEXTS[:40], 2)
        message = (rf"CorruptError: on {re.escape(socket.gethostname())} \(process \d+\) the model 'all-damaged' could not be loaded: "
                   r"\S*all-damaged/model.safetensors: .*expected")
        with pytest.raises(Exception, match=message):
            classify(df, "text", model="all-damaged", ship=False).collect()
        assert found_in(classify(df, "text", model=model)) == expected[:40]  # the session goes on

    def test_one_to_which_it_did_not_come_whole(self, spark, model, expected, tmp_path):
        tiny_checkpoint.write_checkpoint(tmp_path)
        (tmp_path / "unread.txt").write_text("another sum")
        df = table_of(spark, TEXTS, 8)
        job = classify(df, "text", model=str(tmp_path))  # ships it
        told, _ = _checked_model(spark, "text-classification", str(tmp_path), None, {})
        shipped = self.executors(spark, told.archive)
        damaged(next(iter(shipped.values())), "cut short")
        assert found_in(job) == expected
