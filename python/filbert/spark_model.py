"""How a model comes to the executors of Spark: shipped once to each as an archive, kept once on each machine, loaded once by each Python worker.

Executors of one machine unpack the archive each for itself; the files that are mapped are those of whoever came first, so that the page cache of the
machine has them once. What a worker has loaded it keeps, for as long as Spark reuses it.
"""

import atexit
import hashlib
import os
import shutil
import socket
import stat
import tempfile
import time
import zipfile
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from .errors import CorruptError, FilbertError, InvalidArgumentError, NotFoundError

_SUFFIXES = (".json", ".txt", ".model", ".safetensors")  # of what a checkpoint is read from; without .safetensors also pytorch_model*.bin
_PACKED = "packed"  # the folder beside the machine's copies where packed layers are
_UNUSED_DAYS = 7  # after which a machine's copy of a model is removed, when another one comes


class Model(NamedTuple):
    """Which model, as an executor is told: `name` is a directory there, a name of the Hub, or None for the built-in one; with `archive` a directory here."""

    task: str
    name: str | None
    archive: str | None = None
    options: tuple = ()  # of pipeline(): dtype, revision, …


def _files_of(directory: Path) -> list[Path]:
    files = sorted(file for file in directory.iterdir() if file.is_file())
    chosen = [file for file in files if file.suffix in _SUFFIXES]
    if not any(file.suffix == ".safetensors" for file in chosen):
        chosen += [file for file in files if file.name.startswith("pytorch_model") and file.suffix == ".bin"]
    return chosen


def _archive_of(files: list[Path]) -> str:
    """The name of their archive, without its suffix."""
    whole = hashlib.sha256()
    for file in sorted(files):
        with file.open("rb") as opened:
            whole.update(f"{file.name} {hashlib.file_digest(opened, 'sha256').hexdigest()}\n".encode())
    return f"filbert-{whole.hexdigest()[:32]}"


@lru_cache(maxsize=None)
def _archives_of_this_process() -> str:
    directory = tempfile.mkdtemp(prefix="filbert-archives-")
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return directory


def ship(context, directory: str) -> str:
    """The name of the archive that every executor of `context` (a SparkContext) has from now on."""
    files = _files_of(Path(directory))
    name = f"{_archive_of(files)}.zip"
    archive = Path(_archives_of_this_process(), name)
    if not archive.exists():
        with zipfile.ZipFile(archive.with_suffix(".making"), "w", zipfile.ZIP_STORED) as made:
            for file in files:
                made.write(file, file.name)
        archive.with_suffix(".making").rename(archive)
    if not any(uri.split("#")[0].endswith("/" + name) for uri in context.listArchives):
        context.addArchive(str(archive))
    return name


# ---- on an executor


def _machine_directory() -> Path:
    """A directory of this user alone: others could put another model there."""
    named = os.environ.get("FILBERT_SPARK_DIR")
    directory = Path(named or os.path.join(tempfile.gettempdir(), f"filbert-spark-{os.getuid()}"))
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = directory.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o022:
        raise InvalidArgumentError(f"{directory}: expected a directory that only user {os.getuid()} may write to, found another; FILBERT_SPARK_DIR names one")
    return directory


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copyfile(source, target)


def _remove_unused(directory: Path, used: Path) -> None:
    for other in [*directory.iterdir(), *directory.glob(f"{_PACKED}/*")]:
        try:
            unused_s = time.time() - other.stat().st_mtime
        except FileNotFoundError:  # another executor has just given it its name
            continue
        if other.name in (used.name, _PACKED) or unused_s <= _UNUSED_DAYS * 86400:
            continue
        if other.is_dir():
            shutil.rmtree(other, ignore_errors=True)
        else:
            other.unlink(missing_ok=True)


def _check_shipped(directory: Path) -> None:
    """An archive is called by the sum of its files."""
    if directory.name.removesuffix(".zip") != _archive_of(list(directory.iterdir())):
        raise CorruptError(f"{directory}: expected the files that were shipped, found others; remove it")


def machine_copy(unpacked: Path) -> Path:
    """The directory of this machine that has what was shipped; of several executors one makes it, to whom it came whole."""
    directory = _machine_directory()
    copy = directory / unpacked.name.removesuffix(".zip")
    if not copy.is_dir():
        _check_shipped(unpacked)
        making = Path(tempfile.mkdtemp(prefix="making-", dir=directory))
        for file in unpacked.iterdir():
            _link(file, making / file.name)
        try:
            making.rename(copy)
        except OSError:
            shutil.rmtree(making)
            if not copy.is_dir():
                raise
        _remove_unused(directory, copy)
    if {file.name: file.stat().st_size for file in copy.iterdir()} != {file.name: file.stat().st_size for file in unpacked.iterdir()}:
        _check_shipped(copy)  # so it was the other one that has changed
    os.utime(copy)
    return copy


def _cpus_of_a_task() -> int:
    from pyspark import TaskContext

    context = TaskContext.get()
    return context.cpus() if context is not None and hasattr(context, "cpus") else 1


def _share_packed_layers() -> None:
    """The workers of a machine hold them once, in a file that the library keeps."""
    if "FILBERT_CACHE" not in os.environ:
        try:
            os.environ["FILBERT_CACHE"] = str(_machine_directory() / _PACKED)
        except (FilbertError, OSError):
            pass  # then each worker has its own


@lru_cache(maxsize=4)
def _loaded(model: Model, num_threads: int):
    from .pipelines import pipeline

    _share_packed_layers()
    name = model.name
    if model.archive is not None:
        from pyspark import SparkFiles

        unpacked = Path(SparkFiles.get(model.archive))
        if not unpacked.is_dir():
            raise NotFoundError(f"{unpacked}: expected the model that was shipped, found none")
        name = str(machine_copy(unpacked))
    return pipeline(model.task, name, num_threads=num_threads, **dict(model.options))


def load(model: Model, num_threads: int | None = None):
    """The pipeline of `model` in this Python worker, with as many threads as its task has CPUs; an error says on which machine it is that there is none."""
    try:
        return _loaded(model, num_threads or _cpus_of_a_task())
    except (FilbertError, OSError) as error:
        kind = type(error) if isinstance(error, FilbertError) else NotFoundError if isinstance(error, FileNotFoundError) else FilbertError
        named = "the built-in model" if model.name is None else f"the model {model.name!r}"
        raise kind(f"on {socket.gethostname()} (process {os.getpid()}) {named} could not be loaded: {error}") from error


def preload(model: Model) -> None:
    """For tasks of one thread, in a process that will fork workers."""
    _loaded(model, 1)


class Part:
    """What a task does with the Arrow batches of its part of the rows. Made on the driver; a worker that runs it imports nothing of pyspark.sql for it."""

    def __init__(self, model: Model, options: dict, columns: list, chosen: dict[str, str], *, on_error, batch_tokens, num_threads, accumulators):
        """columns: (place, name) of those with texts. chosen: {what: name} of those that are added. accumulators: by the names of what Work counts."""
        self.model, self.options, self.columns, self.chosen = model, options, columns, chosen
        self.on_error, self.batch_tokens, self.num_threads, self.accumulators = on_error, batch_tokens, num_threads, accumulators

    def __call__(self, batches):
        from .arrow_batches import ANSWERS, Work, outputs_of

        answers = ANSWERS[self.model.task](load(self.model, self.num_threads), self.options)
        outputs = [outputs_of(self.options).get(what) for what in self.chosen]
        count = None if self.accumulators is None else self._count
        return Work(answers, self.columns, outputs, list(self.chosen.values()), on_error=self.on_error, batch_tokens=self.batch_tokens, count=count)(batches)

    def _count(self, counts) -> None:
        for name, value in counts.items():
            self.accumulators[name].add(value)
