"""What is settled for contacts: who sees their numbers whole?"""

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.administrators import administrator
from inbox.setup.masking import mask_numbers


class MaskingForm(forms.Form):
    """Whether agents see numbers masked."""

    masks_numbers = forms.BooleanField(
        label=gettext_lazy("Agents see customers’ numbers masked"),
        help_text=gettext_lazy(
            "As +1 ••• ••99, on every page, in what is pushed, searched and exported. Supervisors "
            "and admins see them whole. In lists and headers they are masked for everybody."
        ),
        required=False,
    )


@never_cache
@require_http_methods(["GET", "POST"])
def contacts(request: HttpRequest) -> HttpResponse:
    """Show what is settled for contacts, and change it."""
    who = administrator(request)
    if request.method == "POST":
        form = MaskingForm(request.POST)
        form.full_clean()
        masks = bool(form.cleaned_data["masks_numbers"])
        mask_numbers(account=who.account, masks=masks, by=who.user, now=who.now)
        words = _("Agents see numbers masked.") if masks else _("Agents see whole numbers.")
        messages.success(request, words)
        return HttpResponseRedirect(reverse("settings_contacts"))
    form = MaskingForm(initial={"masks_numbers": who.account.masks_numbers})
    context = {"who": who, "here": "contacts", "masking": form}
    return render(request, "settings/contacts.html", context)
