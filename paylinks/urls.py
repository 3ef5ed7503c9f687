"""Addresses of patient pages. The token in them is the only secret; nothing about the patient stands in them."""

from __future__ import annotations

from django.urls import path

from paylinks import views

urlpatterns = [
    path("p/<slug:slug>/back/<uuid:charge_uuid>", views.back, name="link_back"),
    path("p/<slug:slug>/<slug:token>", views.show, name="link_page"),
    path("p/<slug:slug>/<slug:token>/card", views.use_another_card, name="link_card"),
    path("p/<slug:slug>/<slug:token>/again", views.try_again, name="link_again"),
    path("p/<slug:slug>/<slug:token>/done", views.done, name="link_done"),
    path("p/<slug:slug>/<slug:token>/autopay", views.keep_on_autopay, name="link_autopay"),
]
