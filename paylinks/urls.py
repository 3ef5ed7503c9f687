"""Addresses of patient pages: the token is the only secret, nothing about the patient stands in them. And of staff."""

from __future__ import annotations

from django.urls import path

from paylinks import (
    fix_views,
    my_plan_views,
    plan_staff_views,
    receipt_views,
    request_staff_views,
    request_views,
    staff_views,
    views,
)

urlpatterns = [
    path("plans/<int:plan_id>/my-plan/send/", plan_staff_views.send_my_plan, name="send_my_plan"),
    path("p/<slug:slug>/plan/back", my_plan_views.back, name="plan_back"),
    path("p/<slug:slug>/back/<uuid:charge_uuid>", views.back, name="link_back"),
    path("p/<slug:slug>/<slug:token>", views.show, name="link_page"),
    path("p/<slug:slug>/<slug:token>/receipt", receipt_views.open_receipt, name="link_receipt"),
    path("p/<slug:slug>/<slug:token>/receipt.pdf", receipt_views.receipt_pdf, name="link_receipt_pdf"),
    path("payments/<int:payment_id>/receipt/send/", staff_views.send_receipt, name="send_receipt"),
    path("receipt-links/<int:receipt_link_id>/revoke/", staff_views.revoke_receipt_link, name="revoke_receipt_link"),
    path("p/<slug:slug>/back/<uuid:try_uuid>/pay", request_views.back, name="request_back"),
    path("p/<slug:slug>/<slug:token>/pay", request_views.pay, name="request_pay"),
    path("p/<slug:slug>/<slug:token>/amount", request_views.another_amount, name="request_amount"),
    path("p/<slug:slug>/<slug:token>/paying", request_views.paying, name="request_paying"),
    path("p/<slug:slug>/<slug:token>/card-page", request_views.card_page, name="request_card_page"),
    path("p/<slug:slug>/<slug:token>/close", request_views.close_page, name="request_close"),
    path("p/<slug:slug>/<slug:token>/services", request_views.services, name="request_services"),
    path("p/<slug:slug>/<slug:token>/itemised", request_views.itemised, name="request_itemised"),
    path("payments/sales/<uuid:sale_uuid>/ask/", request_staff_views.ask, name="ask_to_pay"),
    path("payments/requests/", request_staff_views.requests_list, name="requests"),
    path("payments/requests/<int:request_id>/", request_staff_views.request_detail, name="request"),
    path("payments/requests/<int:request_id>/resend/", request_staff_views.resend, name="request_resend"),
    path("payments/requests/<int:request_id>/change/", request_staff_views.change, name="request_change"),
    path("payments/requests/<int:request_id>/cancel/", request_staff_views.cancel, name="request_cancel"),
    path("communication/<int:patient_id>/requests/", request_staff_views.patient_requests, name="patient_requests"),
    path("p/<slug:slug>/<slug:token>/card", views.use_another_card, name="link_card"),
    path("p/<slug:slug>/<slug:token>/again", views.try_again, name="link_again"),
    path("p/<slug:slug>/<slug:token>/plan", fix_views.to_my_plan, name="link_plan"),
    path("p/<slug:slug>/<slug:token>/plan/use", my_plan_views.use_card, name="link_plan_use"),
    path("p/<slug:slug>/<slug:token>/plan/new-card", my_plan_views.new_card, name="link_plan_new_card"),
    path("p/<slug:slug>/<slug:token>/plan/stop", my_plan_views.stop, name="link_plan_stop"),
    path("p/<slug:slug>/<slug:token>/plan/backup", my_plan_views.backup, name="link_plan_backup"),
    path("p/<slug:slug>/<slug:token>/plan/pay-off", my_plan_views.pay_off, name="link_plan_payoff"),
    path("p/<slug:slug>/<slug:token>/plan/receipt", my_plan_views.receipt_of, name="link_plan_receipt_of"),
    path("p/<slug:slug>/<slug:token>/plan/repair", my_plan_views.repair, name="link_plan_repair"),
    path("p/<slug:slug>/<slug:token>/part", fix_views.pay_part, name="link_part"),
    path("p/<slug:slug>/<slug:token>/day", fix_views.another_day, name="link_day"),
    path("p/<slug:slug>/<slug:token>/halves", fix_views.halves, name="link_halves"),
    path("p/<slug:slug>/<slug:token>/call", fix_views.call_me, name="link_call"),
    path("p/<slug:slug>/<slug:token>/done", views.done, name="link_done"),
    path("p/<slug:slug>/<slug:token>/autopay", views.keep_on_autopay, name="link_autopay"),
]
