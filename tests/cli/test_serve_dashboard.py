"""Dashboard, alerts and documentation speak of metrics that a running server gives, and of all of them; Prometheus's own parser reads them."""

import json
import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
DASHBOARD = ROOT / "docs/grafana/filbert.json"
ALERTS = ROOT / "docs/grafana/alerts.yaml"
PAGE = ROOT / "docs/serve_metrics.md"
NAME = re.compile(r"\b(?:filbert|process)_[a-z_]+\b")


@pytest.fixture(scope="module")
def metrics(served):
    """The text of /metrics, after traffic of every kind."""
    served.request("POST", "/v1/classify", {"input": "I love it"})
    served.request("POST", "/v1/classify", {"input": 3})
    served.request("GET", "/nowhere")
    return served.request("GET", "/metrics").text


@pytest.fixture(scope="module")
def families(metrics):
    parser = pytest.importorskip("prometheus_client.parser", reason="Debian's package python3-prometheus-client is not installed")
    return list(parser.text_string_to_metric_families(metrics))


@pytest.fixture(scope="module")
def samples(metrics):
    return {NAME.match(line)[0] for line in metrics.splitlines() if not line.startswith("#")}


def dashboard_panels():
    return json.loads(DASHBOARD.read_text())["panels"]


def test_a_real_parser_reads_it(families):
    by_name = {family.name: family for family in families}
    assert by_name["filbert_requests"].type == "counter"
    assert by_name["filbert_request_duration_seconds"].type == "histogram"
    assert all(family.documentation and family.type != "unknown" for family in families)
    routes = {(sample.labels["route"], sample.labels["code"]) for sample in by_name["filbert_requests"].samples}
    assert ("/v1/classify", "200") in routes and ("none", "404") in routes
    for family in families:
        for sample in family.samples:
            assert sample.value >= 0, sample


def test_histograms_add_up(families):
    for family in (family for family in families if family.type == "histogram"):
        counts = {}
        for sample in family.samples:
            labels = tuple(sorted((key, value) for key, value in sample.labels.items() if key != "le"))
            counts.setdefault(labels, []).append((sample.name, sample.labels.get("le"), sample.value))
        for rows in counts.values():
            buckets = [value for name, _, value in rows if name.endswith("_bucket")]
            assert buckets == sorted(buckets)
            assert [value for _, le, value in rows if le == "+Inf"] == [value for name, _, value in rows if name.endswith("_count")]


def test_promtool_has_nothing_to_say(metrics):
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not on the PATH")
    checked = subprocess.run(["promtool", "check", "metrics"], input=metrics.encode(), capture_output=True, timeout=30)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, b"")
    checked = subprocess.run(["promtool", "check", "rules", ALERTS], capture_output=True, timeout=30)
    assert checked.returncode == 0, checked.stderr


def test_the_dashboard_asks_for_what_there_is(samples):
    expressions = [target["expr"] for panel in dashboard_panels() for target in panel.get("targets", [])]
    asked = {name for expression in expressions for name in NAME.findall(expression)}
    assert len(asked) > 25
    assert asked - samples == OPTIONAL & asked


def test_alerts_ask_for_what_there_is(samples):
    asked = set(NAME.findall("\n".join(line for line in ALERTS.read_text().splitlines() if "expr:" in line)))
    assert len(asked) > 8
    assert asked <= samples


# What a server that was asked well never gives.
OPTIONAL = {"filbert_text_problems_total", "filbert_entities_total"}


def test_the_page_names_all_and_no_more(families):
    # The parser leaves the ending of counters away.
    given = {family.name + ("_total" if family.type == "counter" else "") for family in families} | OPTIONAL
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    documented = {NAME.search(line)[0]: line for line in rows}
    assert set(documented) == given
    for family in families:
        line = documented[family.name + ("_total" if family.type == "counter" else "")]
        kind, _, labels = line.split("|")[2].strip().partition(":")
        assert kind == family.type, line
        found = {label for sample in family.samples for label in sample.labels} - {"le"}
        assert set(re.findall(r"`(\w+)`", labels)) == found, line


def test_alerts_are_explained():
    named = set(re.findall(r"alert: (\w+)", ALERTS.read_text()))
    explained = {line.split("|")[1].strip() for line in PAGE.read_text().splitlines() if line.startswith("| Filbert")}
    assert named == explained


def test_panels_of_the_dashboard_do_not_overlap():
    taken = set()
    for panel in dashboard_panels():
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert at["x"] + at["w"] <= 24 and not cells & taken, panel["title"]
        taken |= cells
    assert len({panel["id"] for panel in dashboard_panels()}) == len(dashboard_panels())
