"""The process that forks an executor's Python workers, pyspark's daemon, with a model loaded before: its workers share the memory of the packed layers.

    spark.python.daemon.module               filbert.spark_daemon
    spark.executorEnv.FILBERT_SPARK_PRELOAD  a directory of every machine, as model= has it beside ship=False; or empty, for the built-in model
    spark.executorEnv.FILBERT_SPARK_DTYPE    as dtype= has it; none: that of the checkpoint

Tasks that ask for another model or dtype, or for more than one thread, load theirs as ever.
"""

import os
import sys

from .errors import FilbertError
from .spark_model import Model, preload


def main() -> None:
    name, dtype = os.environ.get("FILBERT_SPARK_PRELOAD"), os.environ.get("FILBERT_SPARK_DTYPE")
    if name is not None:
        try:
            preload(Model("text-classification", name or None, None, (("dtype", dtype),) if dtype else ()))
        except (FilbertError, OSError) as error:  # a task that needs this model will say the same to its job
            print(f"filbert.spark_daemon: FILBERT_SPARK_PRELOAD: {error}", file=sys.stderr)
    from pyspark.daemon import manager

    manager()


if __name__ == "__main__":
    main()
