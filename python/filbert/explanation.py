"""explain(): what each word of a text adds to a score, as an object that shows itself in a notebook, and that users of shap and lime recognise."""

import html
import json
from typing import NamedTuple

from . import _filbert
from .classification import as_pipeline
from .errors import InvalidArgumentError, NotTextError
from .hub import as_count


class Unit(NamedTuple):
    """A part of the text that stays or is masked as a whole: text[start:end] of text (sequence_id 0) or text_pair (1)."""

    text: str
    start: int
    end: int
    sequence_id: int = 0


class MethodResult:
    """What one method gives: `values`, a number for each unit, and what else docs/explain.md says of it, by the same names."""

    def __init__(self, name: str, fields: dict):
        import numpy

        self.name = name
        self.values = numpy.array([_number(unit["value"]) for unit in fields["units"]], dtype=numpy.float64)
        for key, value in fields.items():
            if key != "units":
                setattr(self, key, value)
        for bound in ("low", "high"):
            if fields["units"] and bound in fields["units"][0]:
                setattr(self, bound, numpy.array([unit[bound] for unit in fields["units"]]))

    def __repr__(self) -> str:
        return f"MethodResult({self.name}, {len(self.values)} units)"


def _number(value) -> float:
    return float("nan") if value is None else value  # JSON has no NaN


class Explanation:
    """Why a text got its label.

    method, values: of the first method asked for; methods: all of them by name.
    units: what the values are of. label, label_id: what is explained; target_value: its score (or logit).
    predict_proba: the scores of all labels, class_names: the labels.
    """

    def __init__(self, pipe, asked: dict, report):
        self._pipe, self._asked, self._report = pipe, asked, report
        self._data = json.loads(report.json())
        self._others = {}
        data = self._data
        self.text, self.text_pair = data["text"], data.get("text_pair")
        self.label, self.predicted, self.target = data["label"], data["predicted"], data["target"]
        self.target_value = data["score"]
        self.class_names = [score["label"] for score in data["scores"]]
        self.label_id = self.class_names.index(self.label)
        self.tokens_total, self.tokens_used, self.truncated = data["tokens_total"], data["tokens_used"], data["truncated"]
        self.methods = {name: MethodResult(name, fields) for name, fields in data["methods"].items()}
        wanted = asked["method"]
        first_method = wanted if isinstance(wanted, str) else wanted[0]
        self.method = first_method if first_method in self.methods else next(iter(self.methods))  # compat may have its own
        first = data["methods"][self.method]["units"]
        self.units = [Unit(unit["text"], unit["start"], unit["end"], unit.get("sequence_id", 0)) for unit in first]
        self.counterfactuals, self.faithfulness = data.get("counterfactuals"), data.get("faithfulness")

    # ---- numbers

    @property
    def _main(self) -> MethodResult:
        return self.methods[self.method]

    @property
    def values(self):
        return self._main.values

    @property
    def base_value(self) -> float:
        """What the values add up from: of shap and integrated_gradients; of lime the intercept; else 0."""
        return getattr(self._main, "base_value", getattr(self._main, "intercept", 0.0))

    @property
    def predict_proba(self):
        import numpy

        return numpy.array([score["score"] for score in self._data["scores"]], dtype=numpy.float32)

    @property
    def evaluations(self) -> int:
        """Texts that the model was asked about."""
        return self._main.evaluations

    def to_dict(self) -> dict:
        """All of it, as `filbert explain --format json` writes it."""
        return self._data

    def for_label(self, label) -> "Explanation":
        """The same of another label, by its name or id."""
        if isinstance(label, str):
            if label not in self.class_names:
                raise InvalidArgumentError(f"label: expected one of {', '.join(self.class_names)}, found {label!r}")
        elif label is not None:
            id = as_count("label", label)
            if id >= len(self.class_names):
                raise InvalidArgumentError(f"label: expected a label or an id below {len(self.class_names)}, found {label}")
            label = self.class_names[id]
        if label is None or label == self.label:
            return self
        if label not in self._others:
            self._others[label] = explain(self.text, self.text_pair, model=self._pipe, **{**self._asked, "label": label})
        return self._others[label]

    # ---- lime

    def _weights(self) -> list[tuple[int, float]]:
        """(unit, weight), the strongest first; of lime those that its line is made of."""
        chosen = getattr(self._main, "features", range(len(self.units)))
        return sorted(((unit, float(self.values[unit])) for unit in chosen), key=lambda entry: -abs(entry[1]))

    def as_list(self, label=None) -> list[tuple[str, float]]:
        """(word, weight), the strongest first, of a label (the explained one)."""
        asked = self.for_label(label)
        return [(asked.units[unit].text, weight) for unit, weight in asked._weights()]

    def as_map(self) -> dict[int, list[tuple[int, float]]]:
        """{label id: [(unit, weight), …]} of every label asked for so far."""
        return {one.label_id: one._weights() for one in (self, *self._others.values())}

    def available_labels(self) -> list[int]:
        return list(self.as_map())

    def _of_line(self, name: str) -> dict[int, float]:
        return {one.label_id: getattr(one.methods["lime"], name) for one in (self, *self._others.values()) if "lime" in one.methods}

    @property
    def score(self) -> dict[int, float]:
        """{label id: R² of lime's line}; of other methods empty."""
        return self._of_line("r2")

    @property
    def intercept(self) -> dict[int, float]:
        return self._of_line("intercept")

    @property
    def local_pred(self) -> dict[int, float]:
        """What lime's line says of the text itself, by label id."""
        return self._of_line("local_pred")

    # ---- shap

    @property
    def data(self):
        """The units with what stands between them, so that they add up to the text; an array of str, as shap.plots.text wants it."""
        import numpy

        pieces = []
        for place, unit in enumerate(self.units):
            text = self.text_pair if unit.sequence_id else self.text
            following = self.units[place + 1] if place + 1 < len(self.units) else None
            end = following.start if following and following.sequence_id == unit.sequence_id else len(text)
            begin = 0 if place == 0 or self.units[place - 1].sequence_id != unit.sequence_id else unit.start
            pieces.append(text[begin : max(end, unit.end)])
        return numpy.array(pieces, dtype=object)

    @property
    def base_values(self) -> float:
        return self.base_value

    @property
    def feature_names(self) -> list[str]:
        return [unit.text for unit in self.units]

    @property
    def output_names(self) -> str:
        return self.label

    def as_shap(self):
        """A shap.Explanation, for shap.plots; shap must be installed."""
        import shap

        return shap.Explanation(
            values=self.values, base_values=self.base_value, data=self.data, feature_names=list(self.data), output_names=self.label
        )

    # ---- shown

    def html(self) -> str:
        """A page of its own: no network, no other file."""
        return self._report.html()

    def save(self, file) -> None:
        with open(file, "w", encoding="utf-8") as page:
            page.write(self.html())

    as_html, save_to_file = html, save

    def _repr_html_(self) -> str:
        page = html.escape(self.html(), quote=True)
        return f'<iframe srcdoc="{page}" sandbox="allow-scripts" style="width: 100%; height: 42em; border: 0" title="Why {html.escape(self.label)}"></iframe>'

    def show_in_notebook(self, *_, **__) -> None:
        from IPython.display import HTML, display

        display(HTML(self._repr_html_()))

    def __len__(self) -> int:
        return len(self.units)

    def __repr__(self) -> str:
        shown = ", ".join(f"{word} {weight:+.3f}" for word, weight in self.as_list()[:5])
        return f"Explanation({self.label!r} {self.target_value:.3f} by {self.method}: {shown}{', …' if len(self.units) > 5 else ''})"


# What has an own place among the library's options, and what it is where nobody says.
_HOW = {"num_samples": 5000, "num_features": 10, "kernel_width": 25.0, "feature_selection": "auto", "algorithm": "auto", "max_evals": 500,
        "half_width": 0.02, "seed": 0, "budget_ms": None}
_GRADIENTS = {"baseline": "pad", "embedding": "word", "num_steps": 50, "max_gap": None, "noise_samples": 25, "noise": 0.1}
_PARTS = {"counterfactuals": False, "faithfulness": False, "max_other_labels": 0, "attention": False}
_WHAT = {"label": None, "target": "probability", "unit": "word", "mask": None, "compat": None, "bow": True}
_COUNTS = frozenset("num_samples num_features max_evals seed budget_ms num_steps noise_samples max_other_labels".split())


def _filled(defaults: dict, given: dict) -> dict:
    chosen = {name: given.get(name, value) for name, value in defaults.items()}
    return {name: as_count(name, value) if name in _COUNTS and value is not None else value for name, value in chosen.items()}


def explain(text: str, text_pair: str | None = None, *, method="shap", model=None, **options) -> Explanation:
    """What each part of a text adds to the score of its label.

    method: shap, lime, occlusion, saliency, input_x_gradient, integrated_gradients, smoothgrad, attention_rollout or attention_gradient; or a list.
    model: a pipeline, a model, the name of one, or None for the built-in one.
    label: the label to explain, by name or id; the predicted one. target: "probability", "logit" or "LABEL-LABEL".
    unit: "word", "token", "sentence", "regex=EXPRESSION". mask: "token", "remove", "string=TEXT". compat: "lime" or "shap": those packages to the letter.
    Of lime num_samples, num_features, kernel_width, feature_selection; of shap algorithm, max_evals, half_width; of gradients baseline, embedding,
    num_steps, max_gap, noise_samples, noise; of all seed and budget_ms.
    counterfactuals, faithfulness, max_other_labels, attention: what the page has beside the values. docs/explain.md says what all of it means.
    """
    known = {**_WHAT, **_HOW, **_GRADIENTS, **_PARTS}
    for name in options:
        if name not in known:
            raise TypeError(f"explain() got an unexpected argument {name!r}; there are {', '.join(known)}")
    pipe = as_pipeline(model)
    if pipe.tokenizer is None:
        raise InvalidArgumentError("model: expected one with a tokenizer, which texts need, found none")
    if not isinstance(text, str):
        raise NotTextError(f"text: expected a text (str), found {type(text).__name__}; explain() takes one at a time")
    methods = [method] if isinstance(method, str) else list(method)
    asked = {"method": method, **options}
    label = options.get("label")
    if label is not None and not isinstance(label, str):
        labels = pipe.config.id2label
        if as_count("label", label) not in labels:
            raise InvalidArgumentError(f"label: expected a label or an id below {len(labels)}, found {label}")
        options = {**options, "label": labels[int(label)]}
    chosen = _filbert.ReportOptions()
    chosen.set_what(pipe._core, **_filled(_WHAT, options))
    chosen.set_how(**_filled(_HOW, options))
    chosen.set_gradients(**_filled(_GRADIENTS, options))
    chosen.set_parts(methods, **_filled(_PARTS, options))
    return Explanation(pipe, asked, _filbert.explain(pipe._core, text, text_pair, chosen, pipe.model.name_or_path))
