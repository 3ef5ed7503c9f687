"""Addresses of Terminals and of Terminal Settings."""

from __future__ import annotations

from django.urls import path

from terminals import run_views, settings_views, views

urlpatterns = [
    path("terminals/", views.terminals, name="terminals"),
    path("terminals/readers/", views.readers_now, name="readers_now"),
    path("terminals/register/", views.register_reader, name="register_reader"),
    path("terminals/<int:reader_id>/rename/", views.rename_reader, name="rename_reader"),
    path("terminals/<int:reader_id>/retire/", views.retire_reader, name="retire_reader"),
    path("terminals/<int:reader_id>/mine/", views.my_reader, name="my_reader"),
    path("payments/terminal/<int:part_id>/", run_views.reader_payment, name="reader_payment"),
    path("payments/terminal/<int:part_id>/state/", run_views.reader_payment_state, name="reader_payment_state"),
    path("payments/terminal/<int:part_id>/again/", run_views.reader_again, name="reader_again"),
    path("payments/terminal/<int:part_id>/cancel/", run_views.reader_cancel, name="reader_cancel"),
    path("settings/payments/terminals/", settings_views.terminal_settings, name="settings_terminals"),
    path("settings/payments/terminals/locations/add/", settings_views.add_location, name="add_location"),
    path("settings/payments/terminals/locations/<int:location_id>/", settings_views.change_location, name="location"),
    path(
        "settings/payments/terminals/locations/<int:location_id>/remove/",
        settings_views.remove_location,
        name="remove_location",
    ),
    path("settings/payments/terminals/defaults/", settings_views.assign_default, name="assign_default"),
]
