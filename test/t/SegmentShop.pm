# A database that holds one of everything a user can have, and everything he can
# see of it: what dump, restore and upgrade have to carry over.
#
#   make_shop($node)                   database "shop", with roles keeper and looker
#   run_in($node, $database, $sql)     in the shop's schemas and time zone
#   shop_answers($node, $database)     hash of answers, as text, by what was asked
package SegmentShop;

use strict;
use warnings;
use Exporter 'import';

our @EXPORT = qw(make_shop run_in shop_answers);

my $settings = "SET timezone = 'UTC'; SET client_min_messages = warning; SET search_path = public, segment;";

sub run_in
{
	my ($node, $database, $sql) = @_;
	return $node->safe_psql($database, "$settings $sql");
}

sub make_shop
{
	my ($node) = @_;
	$node->safe_psql('postgres', 'CREATE DATABASE shop');
	$node->safe_psql('postgres', 'CREATE ROLE keeper; CREATE ROLE looker');
	$node->safe_psql('shop', 'CREATE EXTENSION segment; CREATE SCHEMA keeping AUTHORIZATION keeper');
	run_in($node, 'shop', q{
		CREATE TABLE orders (customer_id bigint, ordered_at timestamptz, amount numeric);
		INSERT INTO orders SELECT n % 80, timestamptz '2024-01-01 00:00Z' + n * interval '3 hours', n * 7919 % 503
		FROM generate_series(1, 1000) AS n;
		GRANT SELECT ON orders TO keeper;
		SELECT create_rfm_scheme('own scheme', '[{"segment": "It''s best", "recency": [4, 5]}]', rest => 'Rest "of" them');
		SELECT create_rfm_segmentation('loyal', 'orders', description => 'it''s', scheme => 'eleven_names');
		SELECT create_rfm_segmentation('own; "one"', 'SELECT customer_id AS "the key", ordered_at, amount FROM orders -- why',
			customers => 'SELECT generate_series(0, 99)::bigint',
			scheme => 'own scheme', retrain_every => '1 month', lookback => '60 days', thresholds => '{"recency": [5, 10, 20, 30]}');
		CREATE TABLE customers AS SELECT n AS "id no", n * 7 % 31 + n % 3 * 40 AS age,
			(n * 13 % 17 + n % 3 * 20)::numeric / 3 AS "it's spend" FROM generate_series(1, 120) AS n;
		SELECT create_cluster_segmentation('groups', 'customers', k => 3,
			options => '{"weights": {"age": 0.5}}', retrain_every => '1 month');
		SELECT refresh_segmentation(name, as_of)
		FROM segment.segmentation, unnest('{2024-03-01,2024-03-10,2024-04-20}'::timestamptz[]) AS as_of;
		SELECT rename_segment('loyal', 'Champions', 'VIP');
		SELECT rename_segment('groups', name, 'It''s "them"') FROM segment.segment WHERE segmentation = 'groups' AND segment_id = 2;
		UPDATE customers SET age = age + 1, "it's spend" = "it's spend" * 1.1 WHERE "id no" % 4 = 0;
		SELECT retrain_segmentation('groups', '2024-04-22');
		UPDATE segment.segmentation SET source = 'SELECT 1/0, ordered_at, amount FROM orders' WHERE name = 'loyal';
		SET client_min_messages = error;
		SELECT refresh_segmentation('loyal', '2024-04-21');
		UPDATE segment.segmentation SET source = 'TABLE public.orders' WHERE name = 'loyal';
		GRANT SELECT ON loyal_segments TO looker;
		SET ROLE keeper;
		SELECT create_rfm_segmentation('kept', 'SELECT customer_id, ordered_at, amount FROM public.orders',
			schema => 'keeping', scheme => 'eleven_names');
		SELECT refresh_segmentation('kept', '2024-04-20');
		RESET ROLE;
		CREATE VIEW best AS SELECT customer_id, monetary FROM loyal_segments WHERE segment = 'VIP';
		-- values of both types, kept by the user: numeric, weighted, mixed and sampled sets
		CREATE TABLE value (what text PRIMARY KEY, features feature_set, model segment_model);
		INSERT INTO value SELECT 'numbers', feature_set(n, n % 7, n * 1.1),
			rfm_model(feature_set(n, n % 7, n * 1.1), scheme => 'eleven_names') FROM generate_series(1, 300) AS n;
		INSERT INTO value SELECT 'weighted', feature_set_weighted(n % 5 / 4.0, n, n % 7, n * 1.1),
			rfm_model(feature_set_weighted(n % 5 / 4.0, n, n % 7, n * 1.1), scheme => 'eleven_names') FROM generate_series(1, 300) AS n;
		INSERT INTO value SELECT 'mixed', feature_set(c)
		FROM (SELECT n AS number, n % 2 = 0 AS flag, 'x' || n % 3 AS letter FROM generate_series(1, 300) AS n) AS c;
		SET maintenance_work_mem = '1MB';
		INSERT INTO value SELECT 'sampled', feature_set(n, n % 7, n * 1.1), rfm_model(feature_set(n, n % 7, n * 1.1),
			cuts => 'natural_breaks', scheme => 'eleven_names') FROM generate_series(1, 100000) AS n});
	return;
}

my @questions = (
	[ 'segmentations', 'SELECT * FROM segment.segmentation ORDER BY name' ],
	[ 'segments', 'SELECT * FROM segment.segment ORDER BY segmentation, segment_id' ],
	[ 'models', 'SELECT * FROM segment.model ORDER BY segmentation, version' ],
	[ 'runs', 'SELECT * FROM segment.run ORDER BY run_id' ],
	[ 'schemes', 'SELECT * FROM segment.rfm_scheme ORDER BY name' ],
	[ 'members', 'TABLE loyal_segments ORDER BY 1' ],
	[ 'members of an odd name', 'TABLE "own; ""one""_segments" ORDER BY 1' ],
	[ 'members of another owner', 'TABLE keeping.kept_segments ORDER BY 1' ],
	[ 'members of clusters', 'TABLE groups_segments ORDER BY 1' ],
	[ 'history of clusters', 'TABLE groups_history ORDER BY 1, entered_at' ],
	[ 'profile of clusters', 'SELECT * FROM segment.segment_feature_profile ORDER BY segmentation, segment_id, feature' ],
	[ 'report on clusters', "SELECT * FROM homogeneity_report('groups') ORDER BY segment_id" ],
	[ 'history', 'TABLE loyal_history ORDER BY 1, entered_at' ],
	[ 'history of an odd name', 'TABLE "own; ""one""_history" ORDER BY 1, entered_at' ],
	[ 'the past', "SELECT * FROM segment_members('loyal', '2024-03-05') ORDER BY customer" ],
	[ 'events', 'SELECT * FROM segment_events ORDER BY segmentation, customer, event_at' ],
	[ 'profiles', 'SELECT * FROM segment.segment_profile ORDER BY segmentation, segment_id' ],
	[ 'migration', 'SELECT * FROM segment.segment_migration ORDER BY 1, from_segment, to_segment' ],
	[ 'assignment by name', "SELECT i, assign_segment('loyal', i, i, i * 100), assign_segment('own; \"one\"', i, i, i * 100)
		FROM generate_series(0, 60) AS i" ],
	[ 'owners', "SELECT c.relname, pg_get_userbyid(relowner), has_table_privilege('looker', c.oid, 'SELECT'),
		has_table_privilege('looker', c.oid, 'UPDATE') FROM pg_class AS c
		WHERE relname ~ '_(segments|history)\$' AND relkind = 'r' ORDER BY 1" ],
	[ 'comments', "SELECT attrelid::regclass::text, attnum, col_description(attrelid, attnum) FROM pg_attribute
		WHERE attrelid IN ('loyal_segments'::regclass, 'loyal_history'::regclass) AND attnum > 0 ORDER BY 1, 2" ],
	[ 'view on members', 'TABLE best ORDER BY 1' ],
	[ 'values', q{SELECT what, md5(segment_internal.feature_set_send(features)), md5(features::text), feature_set_info(features),
		encode(segment_internal.segment_model_send(model), 'escape'), model FROM value ORDER BY what COLLATE "C"} ],
	[ 'models as bytes', "SELECT segmentation, version, encode(segment_internal.segment_model_send(model), 'hex') FROM segment.model
		ORDER BY segmentation, version" ],
	[ 'models made anew',
		q{SELECT what, rfm_model(features, scheme => 'eleven_names') FROM value WHERE what <> 'mixed' ORDER BY what COLLATE "C"} ],
);

sub shop_answers
{
	my ($node, $database) = @_;
	return { map { $_->[0] => run_in($node, $database, $_->[1]) } @questions };
}

1;
