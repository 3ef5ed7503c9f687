"""Addresses of payment plans and payments."""

from __future__ import annotations

from django.urls import path

from payments import (
    card_page_views,
    dispute_views,
    fee_views,
    part_page_views,
    payment_views,
    plan_views,
    processor_views,
    receipt_views,
    refund_views,
    sale_views,
    share_views,
    views,
)

_PAY_NOW = "installments/<int:installment_id>/pay-now"
_PART = "payments/parts/<int:part_id>"
_TENDER = "payments/sales/<uuid:sale_uuid>/tenders/<int:part_id>"

urlpatterns = [
    path("communication/<int:patient_id>/plans/", plan_views.patient_plans, name="patient_plans"),
    path(
        "communication/<int:patient_id>/plans/summary/", plan_views.patient_plans_summary, name="patient_plans_summary"
    ),
    path("communication/<int:patient_id>/payments/", views.patient_payments, name="patient_payments"),
    path("communication/<int:patient_id>/process-payment/", sale_views.process_payment, name="process_payment"),
    path("communication/<int:patient_id>/process-payment/account/", sale_views.sale_account, name="sale_account"),
    path("payments/sales/<uuid:sale_uuid>/", sale_views.sale, name="sale"),
    path("payments/sales/<uuid:sale_uuid>/state/", sale_views.sale_state, name="sale_state"),
    path("payments/sales/<uuid:sale_uuid>/price/", sale_views.sale_price, name="sale_price"),
    path("payments/sales/<uuid:sale_uuid>/pay/", sale_views.pay_sale, name="pay_sale"),
    path("payments/sales/<uuid:sale_uuid>/cancel/", sale_views.cancel_sale, name="cancel_sale"),
    path(f"{_TENDER}/card-page/", card_page_views.card_page, name="card_page"),
    path(f"{_TENDER}/card-page/back/", card_page_views.card_page_back, name="card_page_back"),
    path(f"{_TENDER}/give-up/", card_page_views.give_up, name="give_up"),
    path("settings/card-processor/", processor_views.settings_processor, name="settings_processor"),
    path("settings/card-processor/news/", processor_views.processor_news, name="processor_news"),
    path("settings/card-processor/news/complete/", processor_views.complete_processor_news, name="complete_news"),
    path("settings/payments/fees/", fee_views.settings_fees, name="settings_fees"),
    path("settings/payments/fees/preview/", fee_views.settings_fees_preview, name="settings_fees_preview"),
    path("plans/", plan_views.plans, name="plans"),
    path("plans/badge/", plan_views.plans_badge, name="plans_badge"),
    path("plans/<int:plan_id>/", plan_views.plan, name="plan"),
    path("plans/<int:plan_id>/card/", plan_views.plan_card, name="plan_card"),
    path("plans/<int:plan_id>/autopay/", plan_views.attach, name="attach_card"),
    path("plans/<int:plan_id>/autopay/text/", plan_views.consent_text, name="consent_text"),
    path("plans/<int:plan_id>/share/", share_views.share_plan, name="share_plan"),
    path("plans/<int:plan_id>/autopay/stop/", plan_views.stop_autopay, name="stop_autopay"),
    path(f"{_PAY_NOW}/", views.pay_now, name="pay_now"),
    path(
        "installments/<int:installment_id>/pay-now/elsewhere/", part_page_views.pay_now_elsewhere, name="pay_elsewhere"
    ),
    path(f"{_PART}/card-page/", part_page_views.part_card_page, name="part_card_page"),
    path(f"{_PART}/card-page/back/", part_page_views.part_card_page_back, name="part_card_page_back"),
    path(f"{_PART}/card-page/give-up/", part_page_views.part_give_up, name="part_give_up"),
    path("installments/<int:installment_id>/history/", views.installment_history, name="installment_history"),
    path("payments/", payment_views.payments, name="payments"),
    path("payments/export.csv", payment_views.export, name="payments_export"),
    path("payments/needs-posting/", payment_views.needs_posting_queue, name="needs_posting"),
    path("payments/badge/", views.payments_badge, name="payments_badge"),
    path("payments/attempts/<int:attempt_id>/", views.attempt, name="attempt"),
    path("payments/parts/<int:part_id>/progress/", views.charge_progress, name="charge_progress"),
    path("payments/attempts/<int:attempt_id>/state/", views.attempt_state, name="attempt_state"),
    path("payments/<int:payment_id>/receipt/", receipt_views.receipt, name="receipt"),
    path("payments/<int:payment_id>/receipt.pdf", receipt_views.receipt_pdf, name="receipt_pdf"),
    path("payments/<int:payment_id>/refund/", refund_views.refund_payment, name="refund_payment"),
    path("payments/<int:payment_id>/void/", refund_views.void_payment, name="void_payment"),
    path("payments/refunds/<int:refund_id>/", refund_views.refund, name="refund"),
    path("payments/refunds/<int:refund_id>/state/", refund_views.refund_state, name="refund_state"),
    path("payments/disputes/", dispute_views.disputes, name="disputes"),
    path("payments/disputes/<int:dispute_id>/", dispute_views.dispute, name="dispute"),
    path("payments/disputes/<int:dispute_id>/evidence.pdf", dispute_views.evidence_pdf, name="evidence_pdf"),
    path("payments/disputes/<int:dispute_id>/evidence.json", dispute_views.evidence_json, name="evidence_json"),
    path("payments/disputes/<int:dispute_id>/release/", dispute_views.release_dispute, name="release_dispute"),
    path("payments/disputes/<int:dispute_id>/submitted/", dispute_views.submitted_dispute, name="submitted_dispute"),
    path("payments/alarms/<int:alarm_id>/close/", views.close_alarm, name="close_alarm"),
    path("cards/<int:card_id>/remove/", views.remove_card, name="remove_card"),
]
