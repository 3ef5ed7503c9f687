"""The page on which a patient checks the code of a text: did the practice send it, and when. Tells nothing else."""

from __future__ import annotations

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from notifications import codes, inbox
from notifications.models import Channel, Message
from paylinks import limits
from paylinks.opening import address_of, dead, too_often
from practices import tenancy
from practices.models import Practice

_DIGITS = {"inputmode": "numeric", "autocomplete": "off", "size": 8}


class CodeForm(forms.Form):
    code = forms.CharField(label=_("Code"), max_length=20, required=False, widget=forms.TextInput(attrs=_DIGITS))


@csrf_exempt  # Changes nothing; phones that keep no cookies must be able to ask.
@never_cache
@require_http_methods(["GET", "POST"])
def check_code(request: HttpRequest, slug: str) -> HttpResponse:
    if limits.is_over(address_of(request)):
        return too_often(request)
    practice = Practice.objects.filter(slug=slug, is_active=True).first()
    if practice is None:
        return dead(request, None)
    form = CodeForm(request.POST or None)
    typed = str(form.cleaned_data["code"]) if form.is_valid() else ""
    with tenancy.scope(practice.pk), timezone.override(practice.zone):
        return _answer(request, practice, form, typed)


def _answer(request: HttpRequest, practice: Practice, form: CodeForm, typed: str) -> HttpResponse:
    found = _sent(practice, typed) if typed else None
    if typed and found is None:
        limits.miss(address_of(request))
    page = {"practice": practice, "form": form, "typed": typed, "found": found}
    if found is not None:
        # Where it went, so that a copied code does not vouch for a stranger's text.
        page |= {"ending": found.to[-2:], "is_text": found.channel == Channel.SMS}
    return render(request, "patient/check.html", page, status=404 if typed and found is None else 200)


def _sent(practice: Practice, typed: str) -> Message | None:
    found = inbox.by_code(practice, typed) if codes.typed(typed) else None
    return found if found is not None and found.sent_at is not None else None
