"""What waits to be done, and what can be done to a row beyond editing it?

The first page lists what waits. Each task has a page of its own, which says first what will happen.
"""

import hashlib
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, ClassVar, Generic, TypeVar
from urllib.parse import urlencode

from django import forms
from django.apps import apps
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from accounts.admin_index import WELCOME
from accounts.admin_looks import note_rows
from accounts.admin_scope import ACT, VIEW, ScopedAdmin, ToDo, role_in_admin
from accounts.numbers import number_in
from accounts.refusals import RefusedError

M = TypeVar("M", bound=Model)
MOST_ROWS = 200
# So many at once where the page says of each what it sets off: somebody must read it, and of the
# fifteen questions that a page may ask a person costs three, a whole account or inbox four.
MOST_FORETOLD, MOST_WHOLE = 3, 2
_NOT_SAID = {"csrfmiddlewaretoken", "looked"}


def posted(request: HttpRequest) -> QueryDict | None:
    """Return what was sent; a form without fields is sent empty, and that counts."""
    return request.POST if request.method == "POST" else None


def show_what_waits(site: admin.AdminSite) -> None:
    """Begin the first page of the admin with what waits for whoever opens it."""
    bare = site.index

    def index(
        request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        role = role_in_admin(request)
        more = {"to_do": what_waits(site, request), "role": role, "welcome": role and WELCOME[role]}
        return bare(request, {**(extra_context or {}), **more})

    site.index = index  # type: ignore[method-assign]


def what_waits(site: admin.AdminSite, request: HttpRequest) -> list[ToDo]:
    """Gather from the admin of every model what waits for this person."""
    return [
        line
        for model in apps.get_models()
        if site.is_registered(model)
        and isinstance(scoped := site.get_model_admin(model), ScopedAdmin)
        and scoped.may(request, VIEW)
        for line in scoped.to_do(request)
    ]


class Task(Generic[M]):
    """One thing that can be done to chosen rows, after a page that says what it does.

    `name` is its address, `label` its link, `words` what it does, `button` the last click. Where
    what it sets off depends on what is filled in, it `asks_twice`: first it shows that. `most` says
    how many rows are done at once.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    words: ClassVar[str]
    button: ClassVar[str]
    asks_twice: ClassVar[bool] = False
    most: ClassVar[int] = MOST_ROWS

    def fits(self, row: M) -> bool:
        """Say whether it can be done to this row now."""
        return True

    def describe(self, row: M) -> str:
        """Name a row on the page."""
        return str(row)

    def problem_with(self, rows: Sequence[M]) -> str:
        """Say in words why these rows cannot be done together, or nothing."""
        return ""

    def form_for(self, request: HttpRequest, rows: Sequence[M]) -> forms.Form:
        """Return what must be asked first; nothing by default."""
        return forms.Form(posted(request))

    def previews(self, request: HttpRequest, rows: Sequence[M], form: forms.Form) -> Sequence[Any]:
        """Return what it would set off (`inbox.setup.previews`), for the page that asks.

        The form may not be filled in yet, or wrongly.
        """
        return ()

    def do(
        self, request: HttpRequest, rows: Sequence[M], form: forms.Form, admin: "TaskAdmin[M]"
    ) -> HttpResponse | None:
        """Do it, and tell the person what came of it; return where to go unless it is back.

        A RefusedError is shown at the field it names, and then nothing was done.
        """
        raise NotImplementedError


class TaskAdmin(ScopedAdmin[M]):
    """An admin with tasks, offered on a row's page and for the rows chosen in the list."""

    tasks: ClassVar[Sequence[Task[Any]]] = ()
    change_form_template = "admin/with_tasks.html"

    def get_urls(self) -> list[URLPattern]:
        """Give each task its address, before the one that takes anything for a row's id."""
        own = [
            path(
                f"{task.name}/",
                self.admin_site.admin_view(partial(self.task_view, task=task)),
                name=self._url_name(task),
            )
            for task in self.tasks
        ]
        return own + super().get_urls()

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Offer the tasks in the list."""
        actions: dict[str, Any] = dict(super().get_actions(request))
        if self.may(request, ACT):
            for task in self.tasks:
                actions[task.name] = (_opener(task), task.name, task.label)
        return actions

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Offer on the page of a row the tasks that fit it."""
        obj = context.get("original")
        if obj and self.may(request, ACT):
            fitting = [task for task in self.tasks if task.fits(obj)]
            context["tasks"] = [(task.label, self.task_url(task, [obj.pk])) for task in fitting]
        return super().render_change_form(request, context, *args, **kwargs)

    def task_url(self, task: Task[Any], ids: Sequence[Any]) -> str:
        """Return the address of a task's page for these rows."""
        query = urlencode({"ids": ids}, doseq=True)
        return f"{reverse(f'{self.admin_site.name}:{self._url_name(task)}')}?{query}"

    def task_view(self, request: HttpRequest, *, task: Task[M]) -> HttpResponse:
        """Say what the task will do to which rows; do it when the button is pressed."""
        if not self.may(request, ACT):
            raise PermissionDenied
        rows = self._chosen(request, task)
        problem = self.problem_with(request, task, rows)
        if problem:
            self.message_user(request, problem, messages.WARNING)
            return HttpResponseRedirect(self.list_url())
        form = task.form_for(request, rows)
        if request.method == "POST" and form.is_valid() and self._is_sure(request, task):
            try:
                onward = task.do(request, rows, form, self)
            except RefusedError as no:
                form.add_error(no.field if no.field in form.fields else None, no.reason)
            else:
                return onward or HttpResponseRedirect(self._page_after(rows))
        context = {
            **self.admin_site.each_context(request),
            "title": task.label,
            "opts": self.opts,
            "task": task,
            "rows": [task.describe(row) for row in rows],
            "form": form,
            "previews": _previews(task, request, rows, form),
            "looked": _digest(request) if form.is_bound and form.is_valid() else "",
            "cancel_url": self._page_after(rows),
        }
        name = f"{self.opts.verbose_name_plural}: {task.label}"
        note_rows(request, name, map(self.account_id_of, rows))
        return TemplateResponse(request, "admin/task.html", context)

    def problem_with(self, request: HttpRequest, task: Task[M], rows: Sequence[M]) -> str:
        """Say in words why this person cannot do it to these rows now, or nothing."""
        return _problem_with(rows, task)

    @staticmethod
    def _is_sure(request: HttpRequest, task: Task[M]) -> bool:
        """Say whether the person has seen what exactly this sets off."""
        return not task.asks_twice or request.POST.get("looked") == _digest(request)

    def _chosen(self, request: HttpRequest, task: Task[M]) -> list[M]:
        ids = [text for text in request.GET.getlist("ids") if number_in(text)][:MOST_ROWS]
        rows = self.get_queryset(request).filter(pk__in=ids).order_by("pk")
        return [row for row in rows if task.fits(row)]

    def _page_after(self, rows: Sequence[M]) -> str:
        if len(rows) > 1:
            return self.list_url()
        return reverse(f"{self.admin_site.name}:{self._base_name()}_change", args=[rows[0].pk])

    def _base_name(self) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}"

    def _url_name(self, task: Task[Any]) -> str:
        return f"{self._base_name()}_{task.name}"


def _problem_with(rows: Sequence[Any], task: Task[Any]) -> str:
    if not rows:
        return "None of these can be done now."
    if len(rows) > task.most:
        return f"Choose at most {task.most} at once: the page says for each what it sets off."
    return task.problem_with(rows)


def _previews(
    task: Task[Any], request: HttpRequest, rows: Sequence[Any], form: forms.Form
) -> Sequence[Any]:
    try:
        return task.previews(request, rows, form)
    except RefusedError as no:
        if form.is_bound:
            form.add_error(no.field if no.field in form.fields else None, no.reason)
        return ()


def _digest(request: HttpRequest) -> str:
    """Return what tells one filled-in form from another."""
    said = {name: value for name, value in request.POST.lists() if name not in _NOT_SAID}
    return hashlib.sha256(repr(sorted(said.items())).encode()).hexdigest()


def _opener(task: Task[Any]) -> Callable[..., HttpResponse]:
    def open_page(admin: TaskAdmin[Any], request: HttpRequest, rows: QuerySet[Any]) -> HttpResponse:
        ids = list(rows.values_list("pk", flat=True)[: MOST_ROWS + 1])
        if len(ids) > MOST_ROWS:
            words = f"Only the first {MOST_ROWS} can be done at once."
            admin.message_user(request, words, messages.WARNING)
        return HttpResponseRedirect(admin.task_url(task, ids[:MOST_ROWS]))

    return open_page
