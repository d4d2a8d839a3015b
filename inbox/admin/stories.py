"""How does a page of the admin change rows through a story, and say no in its words?"""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, TypeVar

from django.contrib import messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse

from accounts.admin_scope import ACT, ADD, VIEW, ScopedAdmin
from accounts.admin_tasks import MOST_FORETOLD, TaskAdmin
from accounts.refusals import RefusedError
from inbox.setup.licences import GivenBack
from inbox.setup.previews import Preview

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

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Show in words what cannot be deleted any more."""
        try:
            answer: HttpResponse = super().delete_view(request, *args, **kwargs)
        except RefusedError as no:
            return self._back_to_list(request, no)
        return answer

    def changelist_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Show in words what could not be done to all of the chosen rows."""
        try:
            answer: HttpResponse = super().changelist_view(request, *args, **kwargs)
        except RefusedError as no:
            return self._back_to_list(request, no)
        return answer

    def _back_to_list(self, request: HttpRequest, no: RefusedError) -> HttpResponse:
        self.message_user(request, no.reason, messages.ERROR)
        return HttpResponseRedirect(self.list_url())

    def tell_given_back(self, request: HttpRequest, given: GivenBack) -> None:
        """Say whose conversations went back to their teams."""
        for name, number in given.numbers.items():
            words = f"Conversations of {name} that went back to their teams: {number}."
            self.message_user(request, words, messages.WARNING)
        for name in given.unfinished:
            words = f"Conversations of {name} are going back to their teams in the next seconds."
            self.message_user(request, words, messages.WARNING)


class ForetellingAdmin(ScopedAdmin[M]):
    """An admin that says what deleting a row sets off before it is done."""

    delete_confirmation_template = "admin/delete_foretold.html"
    delete_selected_confirmation_template: ClassVar[str] = "admin/delete_selected_foretold.html"

    def previews_of_deleting(self, rows: Sequence[M]) -> Sequence[Preview]:
        """Return what deleting these rows would set off."""
        raise NotImplementedError

    def render_delete_form(self, request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
        """Say it on the page that asks whether one is sure."""
        context["previews"] = self.previews_of_deleting([context["object"]])
        return super().render_delete_form(request, context)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Say it for each of the rows chosen in the list as well."""
        actions: dict[str, Any] = dict(super().get_actions(request))
        if "delete_selected" in actions:
            delete, name, label = actions["delete_selected"]
            actions["delete_selected"] = (_foretelling(delete), name, label)
        return actions


def _foretelling(delete: Callable[..., Any]) -> Callable[..., Any]:
    def foretold(admin: ForetellingAdmin[Any], request: HttpRequest, rows: QuerySet[Any]) -> Any:
        if rows.count() > MOST_FORETOLD:
            words = f"Choose at most {MOST_FORETOLD}: the page says for each what it sets off."
            admin.message_user(request, words, messages.WARNING)
            return None
        answer = delete(admin, request, rows)
        if isinstance(answer, TemplateResponse) and answer.context_data is not None:
            answer.context_data["previews"] = admin.previews_of_deleting(list(rows))
        return answer

    return foretold
