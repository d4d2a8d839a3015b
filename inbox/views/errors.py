"""What does a person see when something is not there, not theirs, or went wrong?"""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Show that what was sent cannot be read."""
    return render(request, "errors/400.html", status=400)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Show that there is nothing here (or nothing for this person: the two look alike)."""
    return render(request, "errors/404.html", status=404)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Show that this is not allowed."""
    return render(request, "errors/403.html", status=403)


def server_error(request: HttpRequest) -> HttpResponse:
    """Show that the fault is ours."""
    return render(request, "errors/500.html", status=500)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Show that the page was open too long, and how to go on."""
    return render(request, "errors/csrf.html", status=403)


def secret_unreadable(request: HttpRequest) -> HttpResponse:
    """Show that a stored secret cannot be read: only who runs the service can help."""
    return render(request, "errors/secret.html", status=503)
