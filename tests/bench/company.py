"""One large company for benches: 13 months of rows, written by the database itself, 10 million in some minutes.

150 people in 12 teams use 40 models of five providers through 30 keys of the vault and 25 features; two thirds of the
rows are their calls. The rest is what providers report of 60 projects and 80 keys, one row per hour, key, model and
tier. People, keys and projects have habits, as in life: 3,000 combinations of the calls, 500 of the reports, some used
far more than others. The same seed and the same `now` give the same rows.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import pairwise

from sqlalchemy import text
from sqlmodel import Session

from guardian import db
from guardian.models.enums import Provider
from guardian.models.keys import ApiKey, ProviderAccount
from guardian.models.people import User
from guardian.periods import DAY, floor_day, floor_hour, floor_month, next_month
from guardian.services.actor import Actor
from guardian.services.ledger import daily
from guardian.services.ledger.sql.partitions import ensure_partitions
from tests.bench.generate import roll_up

ROWS = int(os.environ.get("GUARDIAN_BENCH_ROWS", "10000000"))
DAYS = 395
"""Of history: 13 months."""

_PEOPLE, _KEYS = 150, 30
_INDEXES = """
    SELECT relname, pg_get_indexdef(pg_class.oid) FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
    WHERE indrelid = 'usage_logs'::regclass AND NOT indisprimary
"""
# From how many days ago on each account's reports cover every hour; None where a provider reports nothing.
_ACCOUNTS: tuple[tuple[Provider, str, int | None], ...] = (
    (Provider.OPENAI, "openai_main", 270),
    (Provider.OPENAI, "openai_labs", None),
    (Provider.ANTHROPIC, "anthropic_main", 120),
    (Provider.GOOGLE, "google_main", None),
    (Provider.XAI, "xai_main", None),
    (Provider.PERPLEXITY, "perplexity_main", None),
)
_PROFILES = """
    CREATE TEMP TABLE profiles ON COMMIT DROP AS
    SELECT n,
        (ARRAY['OPENAI','OPENAI','ANTHROPIC','GOOGLE','XAI','PERPLEXITY'])[a] ::provider AS provider,
        (ARRAY['openai_main','openai_labs','anthropic_main','google_main','xai_main','perplexity_main'])[a] AS account,
        (ARRAY['gpt','gpt','claude','gemini','grok','sonar'])[a] || '-' ||
            (1 + m % (ARRAY[14,14,8,10,4,4])[a]) AS model,
        (ARRAY['chat','chat','chat','chat','embeddings','responses'])[1 + m % 6] AS operation,
        (ARRAY['default','default','default','batch'])[1 + m % 4] AS tier,
        reported,
        CASE WHEN NOT reported THEN (CAST(:users AS text[]))[1 + n % 150] END AS user_id,
        CASE WHEN NOT reported THEN 'team-' || (n % 150) % 12 END AS team,
        CASE WHEN NOT reported THEN 'feature-' || (n / 150 + n % 150) % 25 END AS feature,
        CASE WHEN NOT reported THEN (ARRAY['production','production','staging','test'])[1 + n % 4] END AS environment,
        CASE WHEN NOT reported THEN (CAST(:keys AS text[]))[1 + (n / 150 + n % 150) % 30] END AS api_key_id,
        CASE WHEN reported THEN 'project-' || (k % 60) END AS project_id,
        CASE WHEN reported THEN 'key-' || k END AS external_key_id
    FROM (
        SELECT n, n >= 3000 AS reported, n % 80 AS k,
            -- Reports come from the accounts that are synced; of the calls, four in ten go to the first provider.
            CASE WHEN n >= 3000 THEN 1 + 2 * (n % 80 / 50) ELSE (ARRAY[1,1,1,1,2,3,3,4,5,6])[1 + (n * 7) % 10] END AS a,
            CASE WHEN n >= 3000 THEN n / 80 ELSE (n * 31 / 7) END AS m
        FROM generate_series(0, 3499) AS n
    ) AS drawn
"""
# The square of a chance: the first of the habits are used most. Days grow from 60 % to 140 % of their average.
_ROWS = """
    INSERT INTO usage_logs (id, timestamp, bucket_end, provider, model, operation, origin, requests, input_tokens,
        output_tokens, total_tokens, cache_read_tokens, cost, cost_source, account_id, project_id, external_key_id,
        service_tier, session, tags, response_time, status_code, user_id, organization_id, api_key_id)
    SELECT 'c' || (SELECT string_agg(substr('0123456789abcdefghijklmnopqrstuvwxyz',
                (ms / (36::numeric ^ (7 - d))::bigint % 36)::int + 1, 1), '' ORDER BY d)
                FROM generate_series(0, 7) AS d)
            || left(md5(i::text), 16),
        at, CASE WHEN reported THEN at + interval '1 hour' END, provider, model, operation,
        (CASE WHEN reported THEN 'sync' WHEN r7 < 0.9 THEN 'gateway' ELSE 'ingest' END)::usage_origin,
        CASE WHEN reported AND provider <> 'OPENAI' THEN NULL ELSE calls END, inputs, outputs, inputs + outputs,
        inputs / 3, CASE WHEN r5 >= 0.003 THEN (inputs + 4 * outputs) * price / 1000000 END,
        (CASE WHEN r5 < 0.003 THEN 'unpriced' WHEN r5 < 0.03 THEN 'estimated' ELSE 'computed' END)::cost_source,
        account, project_id, external_key_id, tier,
        CASE WHEN NOT reported THEN 'session-' || n % 150 || '-' || (ms / 14400000) END,
        CASE WHEN reported THEN '{}' ELSE jsonb_build_object('team', team, 'feature', feature, 'environment',
            environment, 'customer', 'customer-' || (2000 * r6 * r6)::int) END,
        CASE WHEN NOT reported THEN 200 + (r6 * 8000)::int END, CASE WHEN NOT reported THEN 200 END,
        coalesce(user_id, :owner), :organization, api_key_id
    FROM (
        SELECT *, (extract(epoch FROM at) * 1000)::bigint AS ms, calls * (50 + (r3 * 8000)::bigint) AS inputs,
            calls * (10 + (r4 * 1500)::bigint) AS outputs, (0.05 * (1 + length(model) % 7 * n % 40))::numeric AS price
        FROM (
            SELECT i, r3, r4, r5, r6, r7, profiles.*,
                CASE WHEN reported THEN date_trunc('hour', moment) ELSE date_trunc('milliseconds', moment) END AS at,
                CASE WHEN reported THEN 1 + (r6 * 400)::bigint ELSE 1 END AS calls
            FROM (
                SELECT i,
                    CASE WHEN r1 < 0.35 THEN 3000 + floor(500 * power(r2, 1.5)) ELSE floor(3000 * r2 * r2) END AS n,
                    CAST(:first AS timestamptz)
                        + (sqrt(0.36 + 1.6 * passed) - 0.6) / 0.8 * CAST(:span AS interval) AS moment,
                    r3, r4, r5, r6, r7
                FROM (
                    SELECT i, random() AS r1, random() AS r2, random() AS r3, random() AS r4, random() AS r5,
                        random() AS r6, random() AS r7,
                        -- Rows stand on the disk in the order of their time, since that is how they come.
                        (i - CAST(:from_row AS int) + random())
                            / (1 + CAST(:to_row AS int) - CAST(:from_row AS int)) AS passed
                    FROM generate_series(CAST(:from_row AS int), CAST(:to_row AS int)) AS i
                ) AS chances
            ) AS moments JOIN profiles USING (n)
        ) AS counted
    ) AS valued
"""


def fill(session: Session, owner: Actor, now: datetime, rows: int = ROWS) -> None:
    """Write the company's people, keys, accounts and rows, and all that is summed up of them; committed."""
    ensure_partitions(session, now - (DAYS + 1) * DAY, now)
    users, keys = _people(session, owner), _keys(session, owner)
    _accounts(session, owner, now)
    session.commit()
    _run(session, "SELECT setseed(0.2)")
    # Nothing refers to what is not there, and indexes are made faster than they are kept.
    _run(session, "SET LOCAL session_replication_role = replica")
    _run(session, _PROFILES, users=users, keys=keys)
    indexes = list(session.connection().execute(text(_INDEXES)))
    _run(session, "ALTER TABLE usage_logs DROP CONSTRAINT pk_usage_logs")
    for name, _ in indexes:
        _run(session, f"DROP INDEX {name}")
    first = floor_hour(now) - DAYS * DAY
    values = {"owner": owner.user_id, "organization": owner.organization_id, "first": first, "span": now - first}
    _run(session, _ROWS, **values, from_row=1, to_row=rows)
    _run(session, "ALTER TABLE usage_logs ADD CONSTRAINT pk_usage_logs PRIMARY KEY (id, timestamp)")
    for _, statement in indexes:
        _run(session, statement.replace(" ON ONLY ", " ON "))  # of the partitions too
    session.commit()
    months = [floor_month(first)]
    while months[-1] < now:
        months.append(next_month(months[-1]))
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(_roll_up, pairwise(months)))
    for table in ("usage_logs", "usage_rollups"):
        _run(session, f"ANALYZE {table}")
    session.commit()
    at_once = max(daily.AT_ONCE, daily.AT_ONCE * ROWS // max(rows, 1))  # where days are small, more at once
    while daily.make_days(session, owner.organization_id, now, min(at_once, DAYS)):
        session.commit()
    session.commit()
    _run(session, "ANALYZE usage_cells")
    session.commit()


def _roll_up(month: tuple[datetime, datetime]) -> None:
    with db.session() as session:
        _run(session, "SET LOCAL work_mem = '512MB'")
        _run(session, "SET LOCAL session_replication_role = replica")
        _run(session, roll_up("timestamp >= :first AND timestamp < :last"), first=month[0], last=month[1])


def _run(session: Session, statement: str, **values: object) -> None:
    session.connection().execute(text(statement), values)


def _people(session: Session, owner: Actor) -> list[str]:
    people = [
        User(email=f"person{n}@example.com", name=f"Person {n}", organization_id=owner.organization_id)
        for n in range(_PEOPLE)
    ]
    session.add_all(people)
    return [person.id for person in people]


def _keys(session: Session, owner: Actor) -> list[str]:
    keys = [
        ApiKey(
            provider=Provider.OPENAI,
            encrypted_key="",
            iv="",
            tag="",
            label=f"Key {n}",
            user_id=owner.user_id,
            organization_id=owner.organization_id,
        )
        for n in range(_KEYS)
    ]
    session.add_all(keys)
    return [key.id for key in keys]


def _accounts(session: Session, owner: Actor, now: datetime) -> None:
    session.add_all(
        ProviderAccount(
            organization_id=owner.organization_id,
            provider=provider,
            account_id=account,
            name=account.replace("_", " "),
            covered_from=floor_day(now) - days * DAY if days else None,
            covered_to=floor_hour(now) if days else None,
        )
        for provider, account, days in _ACCOUNTS
    )
