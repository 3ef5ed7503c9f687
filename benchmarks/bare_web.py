"""The product's web application with one more address: a bare view that does one INSERT, for bin/bench webhooks."""

from __future__ import annotations

import itertools
import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt

_numbers = itertools.count()


@csrf_exempt
def bare_insert(request: HttpRequest) -> HttpResponse:
    """One row into the same table, nothing looked up, nothing proven."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('kasperpay.practice', '1', false)")
        cursor.execute(
            "INSERT INTO payments_webhookevent (practice_id, event_id, type, object_id, api_version, received_at,"
            " state, note, tries) VALUES (1, %s, 'bare', '', '', now(), 'DONE', '', 0)",
            [f"bare_{os.getpid()}_{next(_numbers)}"],
        )
    return HttpResponse("ok")


settings.ROOT_URLCONF = "benchmarks.bare_web"
application = get_wsgi_application()
# The product's addresses can be read only once the applications are set up.
urlpatterns = [path("bare-insert/", bare_insert), path("", include("kasperpay.urls"))]
