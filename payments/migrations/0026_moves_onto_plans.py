import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0025_discounts_go_back"),
        ("payplans", "0004_forgiven"),
        ("practices", "0007_requests"),
    ]

    operations = [
        migrations.AddField(
            model_name="move",
            name="installment",
            field=models.ForeignKey(
                blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT,
                related_name="moves", to="payplans.installment",
            ),
        ),
    ]  # fmt: skip
