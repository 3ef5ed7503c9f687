"""Addresses of patient pages: the token is the only secret, nothing about the patient stands in them. And of staff."""

from __future__ import annotations

from django.urls import path

from paylinks import receipt_views, staff_views, views

urlpatterns = [
    path("p/<slug:slug>/back/<uuid:charge_uuid>", views.back, name="link_back"),
    path("p/<slug:slug>/<slug:token>", views.show, name="link_page"),
    path("p/<slug:slug>/<slug:token>/receipt", receipt_views.open_receipt, name="link_receipt"),
    path("p/<slug:slug>/<slug:token>/receipt.pdf", receipt_views.receipt_pdf, name="link_receipt_pdf"),
    path("payments/<int:payment_id>/receipt/send/", staff_views.send_receipt, name="send_receipt"),
    path("receipt-links/<int:receipt_link_id>/revoke/", staff_views.revoke_receipt_link, name="revoke_receipt_link"),
    path("p/<slug:slug>/<slug:token>/card", views.use_another_card, name="link_card"),
    path("p/<slug:slug>/<slug:token>/again", views.try_again, name="link_again"),
    path("p/<slug:slug>/<slug:token>/done", views.done, name="link_done"),
    path("p/<slug:slug>/<slug:token>/autopay", views.keep_on_autopay, name="link_autopay"),
]
