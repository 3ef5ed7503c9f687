"""Addresses of saved cards."""

from __future__ import annotations

from django.urls import path

from cards import texting_views, views

urlpatterns = [
    path("communication/<int:patient_id>/cards/", views.patient_cards, name="patient_cards"),
    path("communication/<int:patient_id>/cards/summary/", views.patient_cards_summary, name="patient_cards_summary"),
    path("communication/<int:patient_id>/cards/save/", views.save_card, name="save_card"),
    path("communication/<int:patient_id>/cards/saved/", views.card_saved, name="card_saved"),
    path("communication/<int:patient_id>/texts/agree/", texting_views.agree_to_texts, name="agree_to_texts"),
    path("consents/<int:consent_id>/", views.consent, name="consent"),
    path("cards/<int:card_id>/primary/", views.make_primary, name="make_primary"),
]
