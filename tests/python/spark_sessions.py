"""Sessions of Spark for the tests and for bench/spark.py, whose executors see the packages of this process; and how many Java is needed for them."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

LEAST_JAVA = 17


def why_not() -> str | None:
    """Why Spark cannot run here, if it cannot."""
    try:
        import pyspark  # noqa: F401
    except ImportError:
        return "the package pyspark is not installed"
    home = os.environ.get("JAVA_HOME")
    java = os.path.join(home, "bin", "java") if home else shutil.which("java")
    if java is None or not os.access(java, os.X_OK):
        return f"Spark needs Java {LEAST_JAVA}, and neither JAVA_HOME nor the PATH has one"
    said = subprocess.run([java, "-version"], capture_output=True, text=True).stderr
    version = re.search(r'version "(\d+)', said)
    if version is None or int(version[1]) < LEAST_JAVA:
        return f"Spark needs Java {LEAST_JAVA}, and {java} is another: {said.splitlines()[0] if said else 'it says nothing'}"
    return None


def session(master: str, directory: pathlib.Path, **settings):
    """A new session; what it writes is in `directory`. Settings are Spark's, with _ for a dot and __ for a _."""
    import pyspark
    from pyspark.sql import SparkSession

    os.environ.setdefault("SPARK_HOME", os.path.dirname(pyspark.__file__))  # where local-cluster finds what starts its executors
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    packages = os.pathsep.join(os.path.abspath(place) for place in os.environ.get("PYTHONPATH", "").split(os.pathsep) if place)
    given = {
        "spark.ui.enabled": "false", "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1", "spark.log.level": "FATAL",
        "spark.sql.shuffle.partitions": "2", "spark.local.dir": str(directory / "local"), "spark.sql.warehouse.dir": str(directory / "warehouse"),
        "spark.executorEnv.FILBERT_SPARK_DIR": str(directory / "models"), **({"spark.executorEnv.PYTHONPATH": packages} if packages else {}),
        **{name.replace("__", " ").replace("_", ".").replace(" ", "_"): str(value) for name, value in settings.items()},
    }
    builder = SparkSession.builder.master(master).appName("filbert")
    for name, value in given.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()
