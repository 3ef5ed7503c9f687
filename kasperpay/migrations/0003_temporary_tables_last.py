"""Left out of the path, temporary tables are searched first: a caller's own could stand in for one the function reads."""

from django.db import migrations

PATH = "ALTER FUNCTION kasperpay_numbers(timestamptz) SET search_path = pg_catalog, public{};"


class Migration(migrations.Migration):
    dependencies = [("kasperpay", "0002_more_numbers")]

    operations = [migrations.RunSQL(PATH.format(", pg_temp"), PATH.format(""))]
