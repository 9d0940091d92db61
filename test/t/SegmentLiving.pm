# Segmentations that follow their data, each beside a twin that nobody tracks and that reads
# everything at each refresh:
#
#   later      RFM with held cut points, deferred; reads orders and clients
#   at_once    rules, immediate; reads orders
#   scored     RFM by thresholds, immediate; reads orders
#
#   make_living($node, $database)               makes all of it, with a consumer of events for each
#   what_is_wrong($node, $database)             laws 6 and 8, of all of them: '' or complaints, a line each
#   refresh_living($node, $database)            refreshes all and their twins as of one instant
#   what_differs($node, $database)              law 9, after that: '' or complaints
#   consume_all($node, $database)               consumers read what there is; '' or complaints
#   is_living($node, $database, $test)          one test: all of that
#
# Orders are half a day away from any hour at which a window of the rules ends, so that nobody
# moves by the clock in the minutes of a test.
package SegmentLiving;

use strict;
use warnings;
use Exporter 'import';
use Test::More;

our @EXPORT = qw(make_living what_is_wrong refresh_living what_differs consume_all is_living);

my $made = q{
	SET client_min_messages = warning;
	CREATE EXTENSION segment;
	CREATE TABLE clients (id bigint PRIMARY KEY, country text);
	CREATE TABLE orders (order_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer_id bigint, at timestamptz, amount numeric);
	CREATE INDEX ON orders (customer_id);
	CREATE FUNCTION days_ago(n bigint) RETURNS timestamptz LANGUAGE sql
	RETURN now() - (n || ' days')::interval - interval '12 hours';
	INSERT INTO clients SELECT n, 'DE' FROM generate_series(1, 220) AS n;
	INSERT INTO orders (customer_id, at, amount)
	SELECT n * 7919 % 200, days_ago(n * 31 % 60), n * 7907 % 103 FROM generate_series(1::bigint, 1500) AS n;
	-- alike: the twin was refreshed as of the same instants, with the same data
	CREATE TABLE living (name text PRIMARY KEY, alike boolean NOT NULL);
	INSERT INTO living VALUES ('later', true), ('at_once', false), ('scored', false);
	SELECT segment.create_rfm_segmentation('later' || t, 'SELECT customer_id, at, amount FROM public.orders',
		customers => 'SELECT id FROM public.clients',
		retrain_every => '20 years', max_departed => 1, schema => 'public', scheme => 'eleven_names')
	FROM unnest('{"",_twin}'::text[]) AS t;
	SELECT segment.create_rfm_segmentation('scored' || t, 'SELECT customer_id, at, amount FROM public.orders',
		thresholds => '{"recency": [5, 10, 20, 30], "frequency": [2, 5, 8, 11], "monetary": [100, 200, 400, 800]}',
		retrain_every => '20 years',
		max_departed => 1, schema => 'public', scheme => 'eleven_names')
	FROM unnest('{"",_twin}'::text[]) AS t;
	SELECT segment.create_rule_segmentation('at_once' || t,
		'SELECT customer_id, count(*) AS n, sum(amount) AS spent, max(at) AS last FROM public.orders GROUP BY customer_id',
		'{"Big": "spent > 400", "Often": "n > 8", "Fresh": "last > segment.as_of() - interval ''10 days''"}',
		rest => 'Others', keep => '{spent}',
		max_departed => 1, schema => 'public')
	FROM unnest('{"",_twin}'::text[]) AS t;
	SELECT segment.refresh_segmentation(name, now()), segment.refresh_segmentation(name || '_twin', now()) FROM living;
	SELECT name, segment.track_source(name, refresh_mode => CASE name WHEN 'later' THEN 'deferred' ELSE 'immediate' END) FROM living;
	SELECT segment.create_event_consumer('reader of ' || name, name) FROM living;

	-- what consumers did with events, in the transaction that acknowledged them
	CREATE TABLE consumed (n bigint GENERATED ALWAYS AS IDENTITY, name text, event_id bigint, customer text, event text, to_segment text);
	CREATE FUNCTION consume(name text) RETURNS bigint LANGUAGE plpgsql AS $$
	DECLARE
		last bigint;
	BEGIN
		WITH e AS (
			INSERT INTO public.consumed (name, event_id, customer, event, to_segment)
			SELECT consume.name, n.event_id, n.customer, n.event, n.to_segment
			FROM segment.next_segment_events('reader of ' || name, 100) AS n
			ORDER BY n.event_id RETURNING event_id)
		SELECT max(e.event_id) INTO last FROM e;
		PERFORM segment.acknowledge_segment_events('reader of ' || name, last) WHERE last IS NOT NULL;
		RETURN last;
	END $$;

	CREATE FUNCTION what_is_wrong(name text) RETURNS SETOF text LANGUAGE plpgsql AS $$
	DECLARE
		key text := segment_internal.key_column((name || '_segments')::regclass);
		instant timestamptz;
		waiting boolean;
		refreshed timestamptz := (SELECT refreshed_as_of FROM segment.segmentation AS s WHERE s.name = what_is_wrong.name);
	BEGIN
		EXECUTE format('SELECT EXISTS (SELECT FROM public.%1$s_changes WHERE due_at = ''-infinity'')', name) INTO waiting;
		RETURN QUERY EXECUTE format('
			SELECT format(''%1$s: %%s customers, not %%s, in %%s'', z.customers, m.n, z.segment)
			FROM segment.segment_size AS z
			LEFT JOIN LATERAL (SELECT count(*) AS n FROM public.%1$s_segments AS m WHERE m.segment_id = z.segment_id) AS m ON true
			WHERE z.segmentation = %1$L AND z.customers <> m.n
			UNION ALL
			SELECT ''%1$s: sum of sizes'' WHERE (SELECT sum(customers) FROM segment.segment_size WHERE segmentation = %1$L)
				<> (SELECT count(*) FROM public.%1$s_segments)
			UNION ALL
			SELECT format(''%1$s: period of %%s from %%s to %%s, the next one from %%s'', customer, entered_at, left_at, next)
			FROM (SELECT *, lead(entered_at) OVER (PARTITION BY customer ORDER BY entered_at) AS next
				FROM (SELECT %2$I AS customer, entered_at, left_at FROM public.%1$s_history
					UNION ALL SELECT %2$I, entered_at, ''infinity'' FROM public.%1$s_segments) AS p) AS p
			WHERE left_at <= entered_at OR next < left_at
			UNION ALL
			SELECT ''%1$s: event and history differ: '' || d FROM (
				(SELECT event_at, %2$I::text, event, from_segment, to_segment FROM public.%1$s_events
					EXCEPT ALL SELECT event_at, customer, event, from_segment, to_segment FROM segment.segment_events(%1$L))
				UNION ALL (SELECT event_at, customer, event, from_segment, to_segment FROM segment.segment_events(%1$L)
					EXCEPT ALL SELECT event_at, %2$I::text, event, from_segment, to_segment FROM public.%1$s_events)) AS d
			UNION ALL
			-- in the order of commit, which for one customer is that of insertion
			SELECT ''%1$s: order of event '' || event_id FROM (SELECT event_id, lag(event_id) OVER (ORDER BY event_id) AS before,
				lag(event_id) OVER (PARTITION BY %2$I ORDER BY insertion) AS same FROM public.%1$s_events WHERE event_id IS NOT NULL) AS e
			WHERE event_id <> coalesce(before, 0) + 1 OR event_id < same', name, key);
		FOR instant IN EXECUTE format('
			(SELECT event_at FROM public.%1$s_events GROUP BY 1 ORDER BY 1 DESC LIMIT 3)
			UNION ALL (SELECT event_at FROM (SELECT event_at FROM public.%1$s_events GROUP BY 1) AS e ORDER BY random() LIMIT 3)', name)
		LOOP
			-- what is asked of an instant after the last refresh is answered with what waits for the next one
			CONTINUE WHEN waiting AND instant > refreshed;
			RETURN QUERY EXECUTE format('
				SELECT format(''%1$s: member and events differ at %%s: %%s in %%s, not in %%s'', $1, coalesce(m.customer, r.customer),
					m.segment, r.to_segment)
				FROM segment.segment_members(%1$L, $1) AS m
				FULL JOIN (SELECT * FROM (SELECT DISTINCT ON (%2$I) %2$I::text AS customer, to_segment FROM public.%1$s_events
						WHERE event_at <= $1 ORDER BY %2$I, insertion DESC) AS l
					WHERE to_segment IS NOT NULL) AS r ON r.customer = m.customer
				WHERE m.segment IS DISTINCT FROM r.to_segment', name, key) USING instant;
		END LOOP;
	END $$;

	-- who is placed by who writes is so from another instant on, and for another reason
	CREATE FUNCTION what_differs(name text, alike boolean) RETURNS SETOF text LANGUAGE plpgsql AS $$
	DECLARE
		part text;
	BEGIN
		FOREACH part IN ARRAY CASE WHEN alike THEN '{segments,history}'::text[] ELSE '{segments}' END LOOP
			RETURN QUERY EXECUTE format('
				WITH a AS (SELECT to_jsonb(t) - $1 AS r FROM public.%1$s_%2$s AS t),
					b AS (SELECT to_jsonb(t) - $1 AS r FROM public.%1$s_twin_%2$s AS t)
				SELECT format(''%1$s: %%s alone: %%s'', d.w, d.r) FROM (
					SELECT ''%2$s'' AS w, * FROM (TABLE a EXCEPT ALL TABLE b) AS x
					UNION ALL SELECT ''%2$s of the twin'', * FROM (TABLE b EXCEPT ALL TABLE a) AS x) AS d', name, part)
			USING CASE WHEN alike THEN '{}'::text[] ELSE '{entered_at,entered_reason}' END;
		END LOOP;
	END $$};

sub make_living
{
	my ($node, $database) = @_;
	$node->safe_psql('template1', "CREATE DATABASE $database");
	$node->safe_psql($database, $made);
	return;
}

sub what_is_wrong
{
	my ($node, $database) = @_;
	return $node->safe_psql($database, 'SELECT w FROM living, what_is_wrong(name) AS w ORDER BY 1 LIMIT 20');
}

sub refresh_living
{
	my ($node, $database) = @_;
	return $node->safe_psql($database, q{
		SELECT clock_timestamp() AS instant \gset
		SELECT name, r.outcome, r.error FROM (SELECT name || t AS name FROM living, unnest('{"",_twin}'::text[]) AS t ORDER BY 1) AS n,
			LATERAL segment.refresh_segmentation(name, :'instant') AS r WHERE r.outcome <> 'ok'});
}

sub what_differs
{
	my ($node, $database) = @_;
	return $node->safe_psql($database, 'SELECT w FROM living, what_differs(name, alike) AS w ORDER BY 1 LIMIT 20');
}

# Each event was consumed once, in its order.
sub consume_all
{
	my ($node, $database) = @_;
	return $node->safe_psql($database, q{
		DO $$
		DECLARE
			one text;
		BEGIN
			FOR one IN SELECT name FROM living LOOP
				LOOP
					EXIT WHEN consume(one) IS NULL;
				END LOOP;
			END LOOP;
		END $$;
		SELECT format('consumed out of order: %s, event %s', name, event_id) FROM (
			SELECT *, lag(event_id, 1, 0::bigint) OVER (PARTITION BY name ORDER BY n) AS before FROM consumed) AS c
		WHERE event_id <> before + 1;
		SELECT format($f$SELECT %1$L || ' was not consumed: ' || d FROM (
			SELECT event_id, %2$I::text, event, to_segment FROM public.%1$s_events
			EXCEPT SELECT event_id, customer, event, to_segment FROM consumed WHERE name = %1$L) AS d LIMIT 5$f$,
			name, segment_internal.key_column((name || '_segments')::regclass)) FROM living \gexec});
}

sub is_living
{
	my ($node, $database, $test) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $found = join("\n", grep { $_ ne '' } what_is_wrong($node, $database), refresh_living($node, $database),
		what_differs($node, $database), what_is_wrong($node, $database), consume_all($node, $database));
	return is($found, '', "$test: sizes, history, members and events are right, and consumed");
}

1;
