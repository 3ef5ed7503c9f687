"""Addresses of sign-in, home and Settings → Payment Settings → General."""

from __future__ import annotations

from django.urls import path

from practices import views

urlpatterns = [
    path("", views.home, name="home"),
    path("sign-in/", views.sign_in_view, name="sign_in"),
    path("sign-out/", views.sign_out, name="sign_out"),
    path("stay/", views.stay, name="stay"),
    path("switch-practice/", views.switch_practice, name="switch_practice"),
    path("settings/payments/general/", views.payment_settings_view, name="settings_payment"),
]
