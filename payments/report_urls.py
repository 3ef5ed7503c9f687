"""Addresses of the reports."""

from __future__ import annotations

from django.urls import path

from payments import drawer_views, report_views

urlpatterns = [
    path("settlement/", report_views.settlement, name="settlement"),
    path("settlement.csv", report_views.settlement_csv, name="settlement_csv"),
    path("settlement/<str:day>/", report_views.settlement_day, name="settlement_day"),
    path("drawer/", drawer_views.drawer, name="drawer"),
    path("drawer.csv", drawer_views.drawer_csv, name="drawer_csv"),
    path("drawer.pdf", drawer_views.drawer_pdf, name="drawer_pdf"),
    path("payouts/", report_views.payouts, name="payouts"),
    path("payouts/<int:payout_id>/", report_views.payout, name="payout"),
    path("payouts/<int:payout_id>/lines.csv", report_views.payout_csv, name="payout_csv"),
    path("suspense/", report_views.suspense, name="suspense"),
    path("payments/<int:payment_id>/trail/", report_views.payment_trail, name="payment_trail"),
]
