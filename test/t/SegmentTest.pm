# What has to hold after every fault, for all segmentations of a database:
#
#   is_whole($node, $database, $test)
#       one test: stored counts, members, history, events, models and run log
#       agree, and no table is left over (laws 6, 8 and 10)
#
#   next_refresh_is_right($node, $database, $as_of, $test)
#       three tests: a refresh that trains succeeds, leaves everything whole, and gives
#       what a new segmentation in a new database gives for the same source (law 9)
#
# The new database is a copy of the tested one whose segmentations, with the
# extension, are dropped and made again from their definitions, so nobody else
# may be connected to the tested one then.
package SegmentTest;

use strict;
use warnings;
use Exporter 'import';
use Test::More;

our @EXPORT = qw(is_whole next_refresh_is_right);

# One row per complaint about one segmentation, to be filled in by format():
# 1 schema, 2 member table, 3 key, 4 history table, 5 name of the segmentation, 6 what
# holds for a row of placed that is not where the model has it.
my $complaints = q{
	WITH s AS (
		SELECT * FROM segment.segmentation WHERE name = %5$L
	), member AS (
		SELECT format('%%s', %3$I) AS customer, m.segment_id, m.segment, m.entered_at, m.entered_reason, m AS whole FROM %1$I.%2$I AS m
	), place AS (
		SELECT format('%%s', %3$I) AS customer, segment_id, entered_at, left_at, entered_reason, left_reason FROM %1$I.%4$I
		UNION ALL SELECT customer, segment_id, entered_at, NULL, entered_reason, NULL FROM member
	), neighbours AS (
		SELECT *, lag(customer) OVER w AS before, lead(customer) OVER w AS after,
			lead(segment_id) OVER w AS next_segment_id, lead(entered_at) OVER w AS next_entered_at,
			lead(entered_reason) OVER w AS next_reason
		FROM place WINDOW w AS (PARTITION BY customer ORDER BY entered_at)
	), run AS (
		SELECT * FROM segment.run WHERE segmentation = %5$L AND outcome IN ('ok', 'empty')
	), run_before AS (
		SELECT *, lag(customers, 1, 0::bigint) OVER (ORDER BY run_id) AS customers_before,
			max(run_id) OVER () AS last_id, max(run_id) OVER (PARTITION BY as_of) AS last_of_instant FROM run
	), event AS MATERIALIZED (
		SELECT *, lag(to_segment) OVER (PARTITION BY customer ORDER BY event_at) AS segment_before FROM segment.segment_events(%5$L)
	), instant AS (
		SELECT DISTINCT as_of FROM run UNION ALL SELECT 'infinity'
	), current AS (
		SELECT m.model FROM s JOIN segment.model AS m ON m.segmentation = s.name AND m.version = s.model_version
	), placed AS (
		SELECT m.*, current.model, s.refreshed_as_of, s.time_zone FROM s, current, member AS m
	)
	SELECT %5$L AS segmentation, c.* FROM (
		SELECT 'stored count of segment', name, customers::text FROM segment.segment AS g
		WHERE segmentation = %5$L AND customers <> (SELECT count(*) FROM member AS m WHERE m.segment_id = g.segment_id)
		UNION ALL
		SELECT 'count in segment_size or segment_profile', NULL, v.n::text
		FROM (SELECT sum(customers) FROM segment.segment_size WHERE segmentation = %5$L
			UNION ALL SELECT sum(customers) FROM segment.segment_profile(%5$L)) AS v (n)
		WHERE coalesce(v.n, 0) <> (SELECT count(*) FROM member)
		UNION ALL
		SELECT 'members after the last run', run_id::text, customers::text FROM run_before
		WHERE run_id = last_id AND customers <> (SELECT count(*) FROM member)
		UNION ALL
		SELECT 'members as of a run', run_id::text, customers::text FROM run_before AS r
		WHERE run_id = last_of_instant
		  AND customers <> (SELECT count(*) FROM place WHERE entered_at <= r.as_of AND (left_at > r.as_of OR left_at IS NULL))
		UNION ALL
		SELECT 'counts of a run', run_id::text, customers::text FROM run_before
		WHERE customers <> customers_before + entered - departed OR unchanged <> customers - entered - moved - updated OR unchanged < 0
		UNION ALL
		-- a run for an instant that another run was for corrects it, and counts the corrections
		SELECT 'counts of a run and history differ', max(run_id)::text, as_of::text FROM run AS r GROUP BY as_of
		HAVING count(*) = 1 AND (max(moved + departed), max(moved + entered)) IS DISTINCT FROM
			((SELECT count(*) FROM place WHERE left_at = r.as_of), (SELECT count(*) FROM place WHERE entered_at = r.as_of))
		UNION ALL
		SELECT 'segmentation and last run differ', run_id::text, s.refreshed_as_of::text
		FROM s FULL JOIN (SELECT * FROM run_before WHERE run_id = last_id) AS r ON r.segmentation = s.name
		WHERE (s.refreshed_as_of, s.model_version) IS DISTINCT FROM (r.as_of, r.model_version)
		UNION ALL
		SELECT 'current model is missing', NULL, model_version::text FROM s
		WHERE model_version IS NOT NULL AND NOT EXISTS (SELECT FROM current)
		UNION ALL
		SELECT 'segments of model and catalogue differ', g.name, m.segment
		FROM (SELECT n.* FROM current, segment.segments(current.model) AS n) AS m
		FULL JOIN (SELECT * FROM segment.segment WHERE segmentation = %5$L AND closed_at IS NULL) AS g USING (segment_id)
		WHERE (g.name, g.origin) IS DISTINCT FROM (m.segment, m.origin)
		UNION ALL
		SELECT 'member of no open segment', customer, segment FROM member AS m
		WHERE NOT EXISTS (SELECT FROM segment.segment AS g
			WHERE g.segmentation = %5$L AND g.segment_id = m.segment_id AND g.name = m.segment AND g.closed_at IS NULL)
		UNION ALL
		SELECT 'not where the model has it', customer, segment FROM placed
		WHERE %6$s
		UNION ALL
		SELECT 'more than one row', customer, NULL FROM member GROUP BY customer HAVING count(*) > 1
		UNION ALL
		SELECT 'member table has no primary key', NULL, NULL
		FROM run HAVING count(*) > 0 AND NOT EXISTS (SELECT FROM pg_index WHERE indrelid = '%1$I.%2$I'::regclass AND indisprimary)
		UNION ALL
		SELECT 'period ends before it begins', customer, entered_at::text FROM place WHERE left_at <= entered_at
		UNION ALL
		SELECT 'period begins or ends when nothing ran', customer, entered_at::text FROM place
		WHERE NOT EXISTS (SELECT FROM run WHERE as_of = entered_at) OR left_at IS NOT NULL
		  AND NOT EXISTS (SELECT FROM run WHERE as_of = left_at)
		UNION ALL
		SELECT 'first period is not new', customer, entered_reason FROM neighbours WHERE before IS NULL AND entered_reason <> 'new'
		UNION ALL
		SELECT 'periods overlap, have a gap or do not join', customer, entered_at::text FROM neighbours
		WHERE CASE WHEN left_at IS NULL THEN after IS NOT NULL
			WHEN left_reason = 'gone' THEN NOT coalesce(next_entered_at > left_at AND next_reason = 'new', true)
			ELSE (next_entered_at = left_at AND next_reason = left_reason AND next_segment_id <> segment_id) IS NOT TRUE END
		UNION ALL
		SELECT 'two events at one instant', customer, event_at::text FROM event GROUP BY customer, event_at HAVING count(*) > 1
		UNION ALL
		SELECT 'event does not follow the one before', customer, event_at::text FROM event
		WHERE from_segment IS DISTINCT FROM segment_before
		   OR event <> CASE WHEN from_segment IS NULL THEN 'entered' WHEN to_segment IS NULL THEN 'departed' ELSE 'moved' END
		UNION ALL
		SELECT 'members and replay of events differ', d.customer, i.as_of::text
		FROM instant AS i CROSS JOIN LATERAL (
			SELECT coalesce(m.customer, r.customer) AS customer
			FROM segment.segment_members(%5$L, i.as_of) AS m
			FULL JOIN (SELECT * FROM (SELECT DISTINCT ON (e.customer) e.customer, e.to_segment FROM event AS e WHERE e.event_at <= i.as_of
				ORDER BY e.customer, e.event_at DESC) AS l WHERE to_segment IS NOT NULL) AS r
				ON r.customer = m.customer
			WHERE m.segment IS DISTINCT FROM r.to_segment) AS d
		UNION ALL
		SELECT 'members and member table differ', coalesce(m.customer, t.customer), NULL
		FROM segment.segment_members(%5$L) AS m FULL JOIN member AS t ON t.customer = m.customer
		WHERE (m.segment_id, m.segment, m.entered_at) IS DISTINCT FROM (t.segment_id, t.segment, t.entered_at)
	) AS c LIMIT 10};

# Segmentations, and where their tables are.
my $segmentations = q{
	segment.segmentation AS s
	LEFT JOIN LATERAL (SELECT n.nspname AS table_schema, c.relname AS member_table, h.relname AS history_table,
			segment_internal.key_column(s.members) AS key_column, segment_internal.owner_of(s.members) AS owner
		FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace JOIN pg_class AS h ON h.oid = s.history
		WHERE c.oid = s.members) AS t ON true};

# The last of them: as the kind of segmentation has it.
my $misplaced = q{
	CASE WHEN s.kind = 'rfm' THEN
		$rfm$ (SELECT (segment_id, (whole).rfm_score) IS DISTINCT FROM (segment.assign_segment_id(model, f),
			segment.rfm_score(model, f.recency, f.frequency, f.monetary))
			FROM (SELECT ((refreshed_as_of AT TIME ZONE time_zone)::date
					- ((whole).last_order_at AT TIME ZONE time_zone)::date)::float8 AS recency,
				(whole).frequency, (whole).monetary,
				((refreshed_as_of AT TIME ZONE time_zone)::date
					- ((whole).first_order_at AT TIME ZONE time_zone)::date)::float8 AS tenure) AS f) $rfm$
	ELSE
		format('segment_id IS DISTINCT FROM segment.assign_segment_id(model, %s)',
			(SELECT string_agg(format('(whole).%I', f), ', ' ORDER BY n) FROM unnest(s.features) WITH ORDINALITY AS u (f, n)))
	END};

# Tables that look like ours and belong to no segmentation.
my $orphans = q{
	SELECT c.oid::regclass, 'belongs to no segmentation' FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
	WHERE c.relkind = 'r' AND n.nspname <> 'segment'
		AND (c.relname ~ '_(segments|history)$'
			OR obj_description(c.oid, 'pg_class') ~ '^(Present members|Places that customers) of the segmentation ')
		AND NOT EXISTS (SELECT FROM segment.segmentation AS s WHERE c.oid IN (s.members, s.history))};

sub is_whole
{
	my ($node, $database, $test) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $found = $node->safe_psql($database,
		"SELECT format(\$complaints\$ $complaints \$complaints\$, table_schema, member_table, key_column, history_table, name, $misplaced)
			FROM $segmentations ORDER BY name \\gexec\n$orphans");
	return is($found, '', "$test: whole");
}

# Members of all segmentations and what placed them, but for the past, and ids of models
# and the ids and names that clusters had before, which a new segmentation cannot have.
# Training is afresh, as that of a new one is; a model found before, in another number of
# starts and steps, is kept.
my $content = q{
	SELECT format($members$
		SELECT %4$L, %5$s, count(*),
			md5(string_agg(concat_ws('|', format('%%s', %3$I), %6$s), E'\n' ORDER BY format('%%s', %3$I) COLLATE "C")) AS content
		FROM %1$I.%2$I GROUP BY segment_id, segment ORDER BY 2, 3 $members$,
		table_schema, member_table, key_column, name, CASE WHEN kind = 'rfm' THEN 'segment_id, segment'
			ELSE format($cluster$ 'cluster', min(format('%%s', %I)) $cluster$, key_column) END,
		(SELECT string_agg(quote_ident(c.name), ', ' ORDER BY c.number) FROM segment_internal.member_columns(s) AS c))
	FROM SEGMENTATIONS ORDER BY name \gexec
	SELECT s.name, md5(CASE WHEN s.kind = 'rfm' THEN m.model::text ELSE (m.model::jsonb - '{segments,n_init,iterations}'::text[])::text END)
	FROM segment.segmentation AS s JOIN segment.model AS m ON m.segmentation = s.name AND m.version = s.model_version ORDER BY s.name};
$content =~ s/SEGMENTATIONS/$segmentations/;

sub refresh_all
{
	my ($as_of) = @_;
	return "SELECT s.name, r.outcome, r.customers, r.error
		FROM segment.segmentation AS s, LATERAL segment.retrain_segmentation(s.name, '$as_of',
			CASE WHEN s.method = 'kmeans' THEN '{\"warm_start\": false}'::jsonb END) AS r ORDER BY s.name;";
}

my $begin_anew = q{
	CREATE TEMP TABLE definition AS SELECT * FROM SEGMENTATIONS;
	CREATE TEMP TABLE own_scheme AS SELECT * FROM segment.rfm_scheme WHERE NOT shipped;
	CREATE TEMP TABLE renamed AS SELECT g.segmentation, g.name, g.origin FROM segment.segment AS g
	JOIN definition AS d ON d.name = g.segmentation AND d.kind = 'rfm' WHERE g.closed_at IS NULL AND g.name <> g.origin;
	SELECT format('DROP TABLE %I.%I, %I.%I CASCADE', table_schema, member_table, table_schema, history_table) FROM definition \gexec
	DROP EXTENSION segment CASCADE;
	CREATE EXTENSION segment;
	INSERT INTO segment.rfm_scheme SELECT * FROM own_scheme;
	SELECT format('SET ROLE %I', owner),
		CASE WHEN kind = 'rfm' THEN format(
			'SELECT FROM segment.create_rfm_segmentation(%L, %L, customers => %L, scheme => %L, cuts => %L, bins => %L, '
			'thresholds => %L, lookback => %L, refunds => %L, zero_amounts => %L, retrain_every => %L, time_zone => %L, '
			'schema => %L, search_path => %L)',
			name, source, customers, options ->> 'scheme', options ->> 'cuts', options ->> 'bins',
			options -> 'thresholds', options ->> 'lookback', options ->> 'refunds', options ->> 'zero_amounts', retrain_every,
			time_zone, table_schema, search_path)
		ELSE format(
			'SELECT FROM segment.create_cluster_segmentation(%L, %L, key => %L, features => %L, method => %L, options => %L, '
			'schema => %L, search_path => %L)',
			name, source, key_column, features, method, options, table_schema, search_path) END,
		'RESET ROLE'
	FROM definition \gexec};
$begin_anew =~ s/SEGMENTATIONS/$segmentations/;
my $rename = q{SELECT format('SELECT FROM segment.rename_segment(%L, %L, %L)', segmentation, origin, name) FROM renamed \gexec};

sub next_refresh_is_right
{
	my ($node, $database, $as_of, $test) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $refreshed = $node->safe_psql($database, refresh_all($as_of));
	unlike($refreshed, qr/\|failed\|/, "$test: the next refresh succeeds");
	is_whole($node, $database, "$test, refreshed");

	my $new = "${database}_anew";
	$node->safe_psql('template1', qq{CREATE DATABASE "$new" TEMPLATE "$database"});
	my $wanted = $node->safe_psql($new, "SET client_min_messages = error;\n$begin_anew\n" . refresh_all($as_of) . "\n$rename\n$content");
	$node->safe_psql('template1', qq{DROP DATABASE "$new"});
	return is("$refreshed\n" . $node->safe_psql($database, $content), $wanted,
		"$test: the next refresh gives what a new segmentation gives");
}

1;
