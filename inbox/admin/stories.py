"""How does a page of the admin change rows through a story, and say no in its words?"""

from typing import Any, TypeVar

from django.contrib import messages
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from accounts.admin_scope import ACT, ADD, VIEW
from accounts.admin_tasks import TaskAdmin
from accounts.refusals import RefusedError
from inbox.setup.licences import GivenBack

M = TypeVar("M", bound=Model)

# Rows are made here, and changed by tasks that say first what they set off.
MAKE: frozenset[str] = frozenset({VIEW, ADD, ACT})


class StoryAdmin(TaskAdmin[M]):
    """An admin whose rows are made and changed by stories, which also write the audit log."""

    staff_may = partner_may = MAKE

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show in words what a story refused only when it was done; then nothing was."""
        try:
            return super().changeform_view(request, *args, **kwargs)
        except RefusedError as no:
            self.message_user(request, no.reason, messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())

    def tell_given_back(self, request: HttpRequest, given: GivenBack) -> None:
        """Say whose conversations went back to their teams."""
        for name, number in given.numbers.items():
            words = f"Conversations of {name} that went back to their teams: {number}."
            self.message_user(request, words, messages.WARNING)
        for name in given.unfinished:
            words = f"Conversations of {name} are going back to their teams in the next seconds."
            self.message_user(request, words, messages.WARNING)
