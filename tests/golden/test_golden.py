"""Every output, held against a file that a person has read. `pytest --update-golden` writes them again."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import orjson
import pytest

from flext_reconciler import planfile
from flext_reconciler.model import Drift
from flext_reconciler.render.documents import drift_document, dumps, report_document
from flext_reconciler.render.markdown import plan_markdown
from flext_reconciler.render.report import report_text
from flext_reconciler.render.terminal import Terminal
from flext_reconciler.render.text import drift_text, plan_text

from .samples import BUSY, PLANS, REPORT

FILES = Path(__file__).parent / "files"
NEXT = "Apply with: flext apply -e prod"


def _outputs():
    for name, plan in PLANS.items():
        yield f"plan-{name}.txt", plan_text(plan, Terminal(), NEXT)
        yield f"plan-{name}.md", plan_markdown(plan, planfile.fingerprint(plan))
        yield f"plan-{name}.json", dumps(planfile.to_json(plan))
    yield "plan-busy.ascii.txt", plan_text(BUSY, Terminal(unicode=False), NEXT)
    yield "plan-busy.color.txt", plan_text(BUSY, Terminal(color=True), NEXT)
    yield "plan-busy.narrow.txt", plan_text(BUSY, Terminal(width=60), NEXT)
    yield "drift.txt", drift_text(BUSY, Terminal(), "Nobody moved.")
    yield "drift.json", dumps(drift_document(BUSY, pending=True, drifted=False, complete=False))
    yield "report.txt", report_text(REPORT, Terminal())
    yield "report.json", dumps(report_document(REPORT, BUSY))


OUTPUTS = dict(_outputs())


@pytest.mark.parametrize("name", OUTPUTS)
def test_the_output_is_what_the_file_shows(name, request):
    path = FILES / name
    if request.config.getoption("--update-golden"):
        path.write_text(OUTPUTS[name], encoding="utf-8", newline="")
    assert OUTPUTS[name] == path.read_bytes().decode("utf-8")


def test_every_file_is_still_made():
    assert {path.name for path in FILES.iterdir()} == OUTPUTS.keys()


@pytest.mark.parametrize("name", [name for name in OUTPUTS if name.startswith("plan-") and name.endswith(".json")])
def test_plan_documents_keep_the_published_schema(name):
    jsonschema.Draft202012Validator(planfile.schema()).validate(orjson.loads(OUTPUTS[name]))


def test_counts_of_drift_name_every_kind():
    assert orjson.loads(OUTPUTS["drift.json"])["counts"].keys() == {drift.value for drift in Drift}
