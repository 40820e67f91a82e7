"""What is raised: one class for each kind of error, and each also the built-in exception that a Python user expects.

Every message says which file, field, option or row, what was expected and what was found.
"""


class FilbertError(Exception):
    """Every error of Filbert's own."""


class InvalidArgumentError(FilbertError, ValueError):
    """The caller asked for something that cannot be: an option, a text, an id out of range."""


class NotFoundError(FilbertError, FileNotFoundError):
    """A file, directory or model is not there."""


class UnsupportedError(FilbertError, NotImplementedError):
    """Valid, but nothing that this version can run."""


class CorruptError(FilbertError, RuntimeError):
    """A file contradicts itself, its format or its config."""


class NetworkError(FilbertError, ConnectionError):
    """A download failed."""


class OverloadedError(FilbertError, RuntimeError):
    """Too much work at once; the same call may pass later."""


class NotTextError(InvalidArgumentError, TypeError):
    """Something that should be a text is none; the message names the row."""


class TruncationWarning(UserWarning):
    """Texts were longer than the model takes, and what is beyond was not looked at."""


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """As warnings.warn(), of the line outside this package that led here."""
    import sys
    import warnings

    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").split(".")[0] == __package__:
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level - 1)
