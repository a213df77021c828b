"""Log lines carry no personal data."""

import json

from core import log


def test_personal_fields_and_long_digit_runs_are_hidden(capsys):
    log.configure(terminal=False)

    log.logger("x").info("saved", phone="13912345678", customer_name="王伟", rows=3, note="call 13912345678 back")

    line = json.loads(capsys.readouterr().err.splitlines()[-1])
    assert (line["phone"], line["customer_name"], line["rows"]) == ("[redacted]", "[redacted]", 3)
    assert line["note"] == "call [redacted] back"


def test_facts_bound_to_a_job_stand_on_its_lines_only(capsys):
    log.configure(terminal=False)
    log.bind(job=7)
    log.logger("x").info("first")
    log.unbind()
    log.logger("x").info("second")

    first, second = (json.loads(line) for line in capsys.readouterr().err.splitlines()[-2:])
    assert (first["job"], second.get("job")) == (7, None)
