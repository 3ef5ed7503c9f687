"""The base of every table whose rows belong to one practice."""

from __future__ import annotations

from django.db import models


class PracticeRow(models.Model):
    """A row of one practice; its table is protected by row-level security (practices/rls.py)."""

    practice = models.ForeignKey("practices.Practice", on_delete=models.PROTECT, related_name="+")

    class Meta:
        abstract = True
