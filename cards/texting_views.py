"""Staff witness that a person agrees to text messages."""

from __future__ import annotations

from typing import cast

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django_htmx.http import HttpResponseClientRedirect

from cards import texting
from cards.texting import UnableToAgree
from core import clock
from notifications.defaults import LANGUAGES
from notifications.outbox import language_of
from patients import pages as patient_pages
from practices import access
from practices.access import Permission, StaffRequest
from practices.forms import posted


class AgreeForm(forms.Form):
    language = forms.ChoiceField(choices=list(LANGUAGES.items()), widget=forms.HiddenInput)
    shown = forms.CharField(widget=forms.HiddenInput)
    agreed = forms.BooleanField(error_messages={"required": "Tick it once they agreed."})


@access.staff(Permission.MESSAGE)
def agree_to_texts(request: HttpRequest, patient_id: int) -> HttpResponse:
    """`?language=es` shows the other language."""
    patient = patient_pages.patient_or_404(cast("StaffRequest", request).practice, patient_id)
    wanted = request.GET.get("language", "")
    language = wanted if wanted in LANGUAGES else language_of(patient)
    form = AgreeForm(posted(request), initial={"language": language, "shown": texting.words(patient, language)})
    if request.method == "POST" and form.is_valid():
        told = {name: form.cleaned_data[name] for name in ("language", "shown")}
        try:
            texting.agree(patient, **told, actor=access.actor(request), now=clock.now())
        except UnableToAgree as refused:
            form.add_error(None, f"{refused}.")
        else:
            messages.success(request, f"{patient.full_name} may be texted.")
            url = reverse("patient_cards", args=[patient.pk])
            return HttpResponseClientRedirect(url) if request.headers.get("HX-Request") else redirect(url)
    page = {"patient": patient, "form": form, "language": language, "refusal": texting.refusal(patient)}
    page["text"] = texting.words(patient, language)
    return render(request, "cards/texts.html", page, status=422 if form.errors else 200)
