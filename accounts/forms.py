"""What may a person change about themselves?"""

from typing import ClassVar

from django import forms

from accounts.models import User


class ProfileForm(forms.ModelForm[User]):
    """How the product looks to me, and whether I am here."""

    class Meta:
        model = User
        fields: ClassVar[list[str]] = ["name", "theme", "availability"]


class ThemeForm(forms.ModelForm[User]):
    """Light, dark, or as the system says."""

    class Meta:
        model = User
        fields: ClassVar[list[str]] = ["theme"]


class AvailabilityForm(forms.ModelForm[User]):
    """Whether new conversations may come to me."""

    class Meta:
        model = User
        fields: ClassVar[list[str]] = ["availability"]
