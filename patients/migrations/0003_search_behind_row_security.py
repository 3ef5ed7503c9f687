"""Search that uses its indexes. Row-level security lets no LIKE use an index, since LIKE might tell what it compared.

`patients_matching` asks in place of the caller, with the rights of the tables' owner, and itself looks only at the
practice in scope. It returns nothing but ids.
"""

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.operations import AddIndexConcurrently, BtreeGinExtension, RemoveIndexConcurrently
from django.db import migrations, models

FUNCTION = r"""
CREATE FUNCTION patients_matching(words text[], also bigint[], most integer) RETURNS SETOF bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 100
SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    practice bigint := NULLIF(current_setting('kasperpay.practice', true), '')::bigint;
    condition text;
BEGIN
    SELECT string_agg(format('search_text LIKE %L', '%' || regexp_replace(word, '([\\%_])', '\\\1', 'g') || '%'),
                      ' AND ') INTO condition FROM unnest(words) AS word;
    RETURN QUERY EXECUTE format(
        'SELECT id FROM patients_patient WHERE practice_id = $1 AND gone_at IS NULL AND ((%s) OR id = ANY($2))'
        ' ORDER BY last_name, first_name, id LIMIT $3', coalesce(condition, 'false')) USING practice, also, most;
END $$
"""


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("patients", "0002_row_level_security")]

    operations = [
        BtreeGinExtension(),
        AddIndexConcurrently(
            model_name="patient",
            index=GinIndex(
                fields=["practice", "search_text"], opclasses=["int8_ops", "gin_trgm_ops"], name="patients_by_words"
            ),
        ),
        AddIndexConcurrently(
            model_name="patient",
            index=models.Index(fields=["practice", "last_name", "first_name", "id"], name="patients_by_name"),
        ),
        # No query behind row-level security could use it.
        RemoveIndexConcurrently(model_name="patient", name="patients_search"),
        migrations.RunSQL(FUNCTION, "DROP FUNCTION patients_matching(text[], bigint[], integer)"),
    ]
