"""Addresses of plan work at the desk."""

from __future__ import annotations

from django.urls import path

from payments import plan_change_views as views

urlpatterns = [
    path("plans/<int:plan_id>/pause/", views.pause_plan, name="pause_plan"),
    path("plans/<int:plan_id>/pause/end/", views.resume_plan, name="resume_plan"),
    path("installments/<int:installment_id>/skip/", views.skip_installment, name="skip_installment"),
    path("installments/<int:installment_id>/skip/end/", views.unskip_installment, name="unskip_installment"),
    path("installments/<int:installment_id>/move/", views.move_charge, name="move_charge"),
    path("installments/<int:installment_id>/card/", views.charge_card, name="charge_card"),
    path("installments/<int:installment_id>/card/text/", views.charge_card_text, name="charge_card_text"),
    path("installments/<int:installment_id>/card/end/", views.drop_charge_card, name="drop_charge_card"),
]
