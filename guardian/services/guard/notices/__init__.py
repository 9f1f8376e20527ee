"""Notices on their way: the channels that they go to, and their delivery, claimed, retried and accounted for."""

from guardian.services.guard.notices.claiming import Claimed, claim_notice
from guardian.services.guard.notices.outcomes import SCHEDULE, attempt, follow_mail, note_outcome
from guardian.services.guard.notices.places import Closed, Place, open_target
from guardian.services.guard.notices.reporting import tell_of_report
from guardian.services.guard.notices.resuming import resume_notices
from guardian.services.guard.notices.targets import (
    NewTarget,
    create_target,
    delete_target,
    get_target,
    list_targets,
    rotate_secret,
    update_target,
)
from guardian.services.guard.notices.testing import record_test, send_test, target_under_test
from guardian.services.guard.notices.views import Outcome, TargetView

__all__ = [
    "SCHEDULE",
    "Claimed",
    "Closed",
    "NewTarget",
    "Outcome",
    "Place",
    "TargetView",
    "attempt",
    "claim_notice",
    "create_target",
    "delete_target",
    "follow_mail",
    "get_target",
    "list_targets",
    "note_outcome",
    "open_target",
    "record_test",
    "resume_notices",
    "rotate_secret",
    "send_test",
    "target_under_test",
    "tell_of_report",
    "update_target",
]
