"""The product's addresses and a bare page beside each: the same template over data at hand, behind the same sign-in."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import include, path

from practices import access
from practices.access import Permission

# Name of the page → its template and its context, filled by the measurement.
AT_HAND: dict[str, tuple[str, dict[str, Any]]] = {}


@access.staff(Permission.VIEW)
def bare(request: HttpRequest, name: str) -> HttpResponse:
    template, context = AT_HAND[name]
    return render(request, template, context)


urlpatterns = [path("bare/<str:name>/", bare), path("", include("kasperpay.urls"))]
