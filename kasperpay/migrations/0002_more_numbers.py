"""The same door shows open refunds, offices and processor accounts that are left alone, and when offices were in step."""

from django.db import migrations

NUMBERS = """
CREATE OR REPLACE FUNCTION kasperpay_numbers(business_now timestamptz)
RETURNS TABLE (name text, label text, value double precision)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
  SELECT 'practices', 'active', count(*)::float FROM practices_practice WHERE is_active
  UNION ALL
  SELECT 'practices', 'recovering', count(*)::float FROM practices_practice WHERE is_active AND recover_since IS NOT NULL
  UNION ALL
  SELECT 'attempts_last_day', state, count(*)::float FROM payments_attempt
  WHERE sent_at > clock_timestamp() - interval '1 day' GROUP BY state
  UNION ALL
  SELECT 'attempts_open', wanted.state, count(a.id)::float
  FROM (VALUES ('STARTED'), ('PENDING'), ('UNKNOWN')) AS wanted (state)
  LEFT JOIN payments_attempt a ON a.state = wanted.state AND a.state IN ('STARTED', 'PENDING', 'UNKNOWN')
  GROUP BY wanted.state
  UNION ALL
  SELECT 'attempt_oldest_open_seconds', '', greatest(0, coalesce(extract(epoch FROM business_now - min(started_at)), 0))
  FROM payments_attempt WHERE state IN ('STARTED', 'PENDING', 'UNKNOWN')
  UNION ALL
  SELECT totals.name, '', totals.value FROM (
    SELECT count(*)::float AS n, greatest(0, coalesce(extract(epoch FROM business_now - min(d.next_try_at)), 0))::float AS age
    FROM practices_practice p
    -- Practice by practice, each a few rows of the sweep's index: together the open parts are tens of millions.
    CROSS JOIN LATERAL (
      SELECT id, installment_id, next_try_at FROM payments_duepart
      WHERE practice_id = p.id AND state = 'OPEN' AND hold = '' AND next_try_at <= business_now OFFSET 0
    ) d
    JOIN payplans_installment i ON i.id = d.installment_id
    JOIN cards_autopay c ON c.plan_id = i.plan_id AND c.is_on
    WHERE p.is_active AND NOT EXISTS (SELECT 1 FROM payments_attempt a
        WHERE a.due_part_id = d.id AND a.state IN ('STARTED', 'PENDING', 'UNKNOWN', 'SUCCEEDED'))
  ) due, LATERAL (VALUES ('due_waiting', due.n), ('due_oldest_waiting_seconds', due.age)) AS totals (name, value)
  UNION ALL
  SELECT 'postings_waiting', wanted.state, count(l.id)::float
  FROM (VALUES ('QUEUED'), ('SENDING'), ('UNCLEAR'), ('POSTED')) AS wanted (state)
  LEFT JOIN payments_ledgerposting l
    ON l.state = wanted.state AND l.state IN ('QUEUED', 'SENDING', 'UNCLEAR', 'POSTED')
  GROUP BY wanted.state
  UNION ALL
  SELECT 'posting_oldest_seconds', '', greatest(0, coalesce(extract(epoch FROM business_now - min(created_at)), 0))
  FROM payments_ledgerposting WHERE state IN ('QUEUED', 'SENDING', 'UNCLEAR', 'POSTED')
  UNION ALL
  SELECT totals.name, '', totals.value FROM (
    SELECT count(*)::float AS n, greatest(0, coalesce(extract(epoch FROM business_now - min(received_at)), 0))::float AS age
    FROM payments_webhookevent WHERE state = 'NEW'
  ) hooks, LATERAL (VALUES ('webhooks_waiting', hooks.n), ('webhook_oldest_seconds', hooks.age)) AS totals (name, value)
  UNION ALL
  SELECT 'messages_waiting', state, count(*)::float FROM notifications_message
  WHERE state IN ('QUEUED', 'SENDING', 'UNKNOWN') AND not_before <= business_now GROUP BY state
  UNION ALL
  SELECT 'message_oldest_seconds', '', greatest(0, coalesce(extract(epoch FROM business_now - min(not_before)), 0))
  FROM notifications_message WHERE state IN ('QUEUED', 'SENDING', 'UNKNOWN') AND not_before <= business_now
  UNION ALL
  SELECT 'offices', CASE WHEN c.next_try_at IS NOT NULL THEN 'away' WHEN c.problem = '' THEN 'well' ELSE 'problem' END,
    count(*)::float
  FROM opendental_connection c JOIN practices_practice p ON p.id = c.practice_id AND p.is_active GROUP BY 2
  UNION ALL
  SELECT 'processor_accounts', CASE WHEN c.next_try_at IS NOT NULL THEN 'away' ELSE 'well' END, count(*)::float
  FROM processors_processoraccount c JOIN practices_practice p ON p.id = c.practice_id AND p.is_active GROUP BY 2
  UNION ALL
  SELECT 'refunds_open', wanted.state, count(r.id)::float
  FROM (VALUES ('STARTED'), ('PENDING'), ('UNKNOWN')) AS wanted (state)
  LEFT JOIN payments_refund r ON r.state = wanted.state AND r.state IN ('STARTED', 'PENDING', 'UNKNOWN')
  GROUP BY wanted.state
  UNION ALL
  SELECT 'sync_age_seconds', quantile.share::text, greatest(0, coalesce(extract(epoch FROM
    business_now - percentile_disc(1 - quantile.share)
      WITHIN GROUP (ORDER BY coalesce(c.in_step_at, c.last_answer_at, c.connected_at))), 0))
  FROM opendental_connection c JOIN practices_practice p ON p.id = c.practice_id AND p.is_active,
    (VALUES (0.5::float), (0.95), (1)) AS quantile (share)
  GROUP BY quantile.share
  UNION ALL
  SELECT 'alarms_open', kind, count(*)::float FROM payments_alarm WHERE closed_at IS NULL GROUP BY kind
$$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("kasperpay", "0001_numbers"),
        ("opendental", "0004_breaker"),
        ("payments", "0004_refunds"),
        ("processors", "0003_breaker"),
    ]

    operations = [
        # Replacing is undone by hand: the earlier function stands in 0001.
        migrations.RunSQL(NUMBERS, migrations.RunSQL.noop),
    ]
