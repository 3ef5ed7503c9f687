"""A patient as Open Dental knows them. KasperPay never writes these columns except from a pull."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.indexes import GinIndex
from django.db import models

from practices.models.rows import PracticeRow


class Patient(PracticeRow):
    class TextingWish(models.TextChoices):
        """Open Dental's TxtMsgOk."""

        YES = "Yes", "Yes"
        NO = "No", "No"
        UNKNOWN = "Unknown", "Unknown"

    pat_num = models.BigIntegerField()
    guarantor_num = models.BigIntegerField(default=0)
    first_name = models.CharField(max_length=100, blank=True)
    last_name = models.CharField(max_length=100, blank=True)
    preferred_name = models.CharField(max_length=100, blank=True)
    birth_date = models.DateField(null=True, blank=True)
    # E.164 where it could be read as a number, else ''.
    mobile_phone = models.CharField(max_length=16, blank=True)
    home_phone = models.CharField(max_length=16, blank=True)
    work_phone = models.CharField(max_length=16, blank=True)
    email = models.CharField(max_length=254, blank=True)
    zip_code = models.CharField(max_length=16, blank=True)
    language = models.CharField(max_length=16, blank=True, help_text="ISO 639-2 as Open Dental keeps it")
    texting_wish = models.CharField(max_length=8, choices=TextingWish.choices, default=TextingWish.UNKNOWN)
    status = models.CharField(max_length=20, default="Patient", help_text="Open Dental PatStatus")
    clinic_num = models.BigIntegerField(default=0)
    balance_cents = models.BigIntegerField(default=0, help_text="EstBalance as of Open Dental's last aging")
    family_balance_cents = models.BigIntegerField(default=0, help_text="BalTotal; on the guarantor only")
    # Set when Open Dental no longer answers for this PatNum (deleted or merged).
    gone_at = models.DateTimeField(null=True, blank=True)
    synced_at = models.DateTimeField()
    # Lower-case names, digits of phones, PatNum: one text for search as you type.
    search_text = models.TextField(blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["practice", "pat_num"], name="patient_once_per_practice")]
        indexes = [
            models.Index(fields=["practice", "guarantor_num"], name="patients_of_a_family"),
            models.Index(fields=["practice", "birth_date"], name="patients_by_birth_date"),
            models.Index(fields=["practice", "last_name", "first_name", "id"], name="patients_by_name"),
            # Used by the function patients_matching (patients/search.py) only.
            GinIndex(
                fields=["practice", "search_text"], opclasses=["int8_ops", "gin_trgm_ops"], name="patients_by_words"
            ),
        ]

    objects: ClassVar[models.Manager[Patient]] = models.Manager()

    def __str__(self) -> str:
        return f"patient {self.pat_num}"

    @property
    def full_name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()

    @property
    def greeting_name(self) -> str:
        """What a message calls them."""
        return self.preferred_name or self.first_name

    @property
    def is_guarantor(self) -> bool:
        return self.guarantor_num in (0, self.pat_num)
