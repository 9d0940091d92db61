--
-- Aggregates over events and answers: the same bits on all servers and of all compilers.
--
SET search_path = public, segment;
SET client_min_messages = warning;
SET extra_float_digits = 1;
SET TimeZone = 'Europe/Berlin';

CREATE TEMP TABLE event AS
SELECT i * 7919 % 97 AS customer,
       timestamptz '2026-01-01 00:00Z' + i::bigint * 2654435761 % 4294967296 % 9000000 * interval '1.000007 seconds' AS at,
       i::bigint * 40503 % 65536 % 3 AS what, i::bigint * 2246822519 % 4294967296 % 1000003 / 700.0 - 20 AS amount
FROM generate_series(1, 5000) AS i;
SELECT decayed_sum(amount, at, '11 days 3 hours', '2026-04-01 00:00Z'), decayed_sum(amount * 1e290, at, '1 hour', '2026-04-01 00:00Z'),
       decayed_sum(1 / (what + 3.0), at, '1 month', '2026-04-01 00:00Z') FROM event;
SELECT md5(string_agg(concat_ws('|', d, f), ',' ORDER BY customer))
FROM (SELECT customer, decayed_sum(amount, at, '2 days', '2026-03-01 00:00Z') AS d, follows(at, what = 0, what = 1, '3 hours') AS f
      FROM event GROUP BY customer) AS t;
SELECT cronbach_alpha(amount / 3, amount + what, what * 1000 / 7.0) FROM event;
SELECT md5(string_agg(hash_fraction('salt', customer)::text, ',' ORDER BY customer)) FROM (SELECT DISTINCT customer FROM event) AS c;
SELECT scale_score('{1,2,2.1}', '{2}', 0, 3.3), band(0.1 + 0.2, '{0.3}', '{below,above}');
