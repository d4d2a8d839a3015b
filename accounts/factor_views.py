"""How is a second factor dropped? As allauth does it, but who must have one keeps the last."""

from typing import Any

from allauth.mfa.adapter import get_adapter
from allauth.mfa.totp.views import DeactivateTOTPView
from allauth.mfa.webauthn.views import RemoveWebAuthnView
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from accounts.models import User


class OneAtATime:
    """Two tabs that each drop one of two factors: the second waits, and finds it to be the last."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Look and drop while nobody else does."""
        assert isinstance(request.user, User)  # LoginRequiredMiddleware lets nobody else in.
        with transaction.atomic():
            User.objects.select_for_update(no_key=True).get(pk=request.user.pk)
            answer: HttpResponse = super().post(request, *args, **kwargs)  # type: ignore[misc]
            return answer


class RemoveApp(OneAtATime, DeactivateTOTPView):  # type: ignore[misc]
    """Drop the authenticator app; allauth asks by itself whether it may go."""


class RemovePasskey(OneAtATime, RemoveWebAuthnView):  # type: ignore[misc]
    """Drop a passkey; whether it may go allauth asks for apps only."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Ask whether it is meant, if it may go."""
        if not self._may_go():
            return self._refusal()
        answer: HttpResponse = super().get(request, *args, **kwargs)
        return answer

    def form_valid(self, form: Any) -> HttpResponse:
        """Drop it, if it may go."""
        if not self._may_go():
            return self._refusal()
        answer: HttpResponse = super().form_valid(form)
        return answer

    def _may_go(self) -> bool:
        return bool(get_adapter().can_delete_authenticator(self.get_object()))

    def _refusal(self) -> HttpResponse:
        words = get_adapter().error_messages["cannot_delete_authenticator"]
        messages.error(self.request, str(words))
        return HttpResponseRedirect(reverse("mfa_list_webauthn"))
