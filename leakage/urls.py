"""Addresses of the Dashboard and its leaks."""

from __future__ import annotations

from django.urls import path

from leakage import views

urlpatterns = [
    path("dashboard/", views.dashboard, name="dashboard"),
    path("dashboard/badge/", views.dashboard_badge, name="dashboard_badge"),
    path("dashboard/leaks/", views.bulk, name="leaks_bulk"),
    path("dashboard/leaks/<int:leak_id>/", views.leak, name="leak"),
    path("dashboard/leaks/<int:leak_id>/take/", views.take, name="leak_take"),
    path("dashboard/leaks/<int:leak_id>/snooze/", views.snooze, name="leak_snooze"),
    path("dashboard/leaks/<int:leak_id>/wake/", views.wake, name="leak_wake"),
    path("dashboard/leaks/<int:leak_id>/note/", views.note, name="leak_note"),
]
