"""The server answers as /openapi.json says it does: schemathesis makes requests of every kind, good ones and bad ones."""

import collections

import hypothesis
import pytest
import schemathesis
from schemathesis.checks import load_all_checks
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance

load_all_checks()
schema = schemathesis.pytest.from_fixture("api")
SLOW = ["/explain", "/attention"]
asked = collections.Counter()


@pytest.fixture(scope="session")
def api(server):
    return schemathesis.openapi.from_url(server.url + "/openapi.json")


@schema.parametrize()
@hypothesis.settings(max_examples=40, deadline=None, derandomize=True, database=None,
                     suppress_health_check=list(hypothesis.HealthCheck))
def test_answers_are_those_described(case):
    if case.path in SLOW:
        asked[case.path] += 1
        if asked[case.path] > 12:  # they run with what a busy machine leaves
            return
        if isinstance(case.body, dict):
            case.body["budget_ms" if case.path == "/explain" else "max_length"] = 8
    response = case.call()
    assert response.status_code != 500, response.text
    case.validate_response(response, checks=[status_code_conformance, content_type_conformance, response_schema_conformance])
