"""Addresses of Settings → Open Dental, and of what staff do with a posting."""

from __future__ import annotations

from django.urls import path

from opendental import adjustment_views, move_views, plan_edit_views, plan_order_views, posting_views, views

_ADJUSTMENT = "payments/adjustments/<int:adjustment_id>"

urlpatterns = [
    path("settings/open-dental/", views.settings_opendental, name="settings_opendental"),
    path("settings/open-dental/chip/", views.sync_chip, name="sync_chip"),
    path("communication/<int:patient_id>/plans/new/", plan_order_views.new_plan, name="new_plan"),
    path("communication/<int:patient_id>/plans/new/work/", plan_order_views.plan_offer, name="plan_offer"),
    path("communication/<int:patient_id>/plans/new/schedule/", plan_order_views.plan_preview, name="plan_preview"),
    path("communication/<int:patient_id>/plans/orders/", plan_order_views.plan_orders, name="plan_orders"),
    path("plans/<int:plan_id>/terms/", plan_edit_views.edit_terms, name="edit_terms"),
    path("plans/<int:plan_id>/terms/schedule/", plan_edit_views.terms_preview, name="terms_preview"),
    path("plans/<int:plan_id>/close/", plan_edit_views.close_plan, name="close_plan"),
    path("plans/orders/<uuid:order_uuid>/", plan_order_views.plan_order, name="plan_order"),
    path("plans/orders/<uuid:order_uuid>/state/", plan_order_views.plan_order_state, name="plan_order_state"),
    path("plans/orders/<uuid:order_uuid>/pay-off/", plan_order_views.pay_off_order, name="pay_off_order"),
    path("payments/catch-up/", views.catch_up, name="catch_up"),
    path("payments/waits/", views.waits, name="payments_wait"),
    path("payments/<int:payment_id>/move/", move_views.move_payment, name="move_payment"),
    path("payments/<int:payment_id>/move/call-off/", move_views.call_off_move, name="call_off_move"),
    path("payments/postings/<int:posting_id>/look-again/", posting_views.look_again, name="posting_look_again"),
    path("payments/postings/<int:posting_id>/post-now/", posting_views.post_now, name="posting_post_now"),
    path("payments/postings/<int:posting_id>/payment-number/", posting_views.name_payment, name="posting_name"),
    path("payments/postings/<int:posting_id>/by-hand/", posting_views.mark, name="posting_mark"),
    path("payments/postings/<int:posting_id>/by-hand/take-back/", posting_views.unmark, name="posting_unmark"),
    path(f"{_ADJUSTMENT}/look/", adjustment_views.look_at_adjustment, name="adjustment_look"),
    path(f"{_ADJUSTMENT}/again/", adjustment_views.post_adjustment_again, name="adjustment_again"),
    path(f"{_ADJUSTMENT}/by-hand/", adjustment_views.mark_adjustment, name="adjustment_mark"),
    path(f"{_ADJUSTMENT}/by-hand/take-back/", adjustment_views.unmark_adjustment, name="adjustment_unmark"),
    path("settings/open-dental/test/", views.test_connection, name="test_connection"),
    path("settings/open-dental/attest/<slug:what>/", views.attest_statement, name="attest_statement"),
]
