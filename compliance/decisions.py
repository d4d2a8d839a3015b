"""How is kept what the gate said? One row for each time it was asked about a message that counts.

Asked when a message is written and when it is to leave. What only looks (the composer, a rehearsal
of rules) leaves no row.
"""

from datetime import datetime

from accounts.models import User
from accounts.prepared import insert_row
from compliance.gate import Verdict
from compliance.judging import Finding, Purpose
from compliance.models import GateDecision

Stage = GateDecision.Stage


def keep_decision(
    verdict: Verdict,
    *,
    account_id: int,
    stage: str,
    purpose: Purpose,
    thread: str,
    message: str = "",
    author: User | None = None,
    now: datetime,
) -> GateDecision:
    """Keep what the gate said of a message, in the caller's transaction.

    `thread` and `message` are public ids; a message that was refused before it was kept has none.
    What is allowed when it is to leave counts as dispatched at `now`: the caller commits, and gives
    it to the carrier.
    """
    leaves = stage == Stage.SENT and verdict.is_allowed
    row = GateDecision(
        account_id=account_id,
        stage=stage,
        thread_ref=thread,
        message_ref=message,
        purpose=purpose.value,
        answer=verdict.answer.value,
        code=verdict.reason.value,
        findings=[_kept(one) for one in (*verdict.findings, *verdict.notices)],
        inputs=dict(verdict.inputs),
        pack_version=verdict.pack_version,
        until=verdict.until,
        author=author,
        evaluated_at=now,
        dispatched_at=now if leaves else None,
    )
    insert_row(row)
    return row


def _kept(finding: Finding) -> dict[str, str]:
    """Return a finding without its words: they may quote what somebody wrote."""
    return {
        "code": str(finding.code),
        "answer": finding.answer.value,
        "rule": finding.rule,
        "until": finding.until.isoformat() if finding.until else "",
    }
