"""Addresses of Communication."""

from __future__ import annotations

from django.urls import path

from patients import views

urlpatterns = [
    path("communication/", views.communication, name="communication"),
    path("communication/results/", views.search_results, name="search_results"),
    path("communication/<int:patient_id>/", views.overview, name="patient"),
    path("communication/<int:patient_id>/activity/", views.activity, name="patient_activity"),
]
