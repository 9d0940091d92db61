--
-- Baskets: the same digits on all servers.
--
SET search_path = public, segment;
SET extra_float_digits = 1;

CREATE TABLE line AS
SELECT b AS basket, 'i' || (b * 7919 + i * i * 104729 + b * i) % (11 + b % 30) AS item
FROM generate_series(1, 2000) AS b, generate_series(1, 1 + b % 9) AS i;
SELECT count(*), md5(string_agg(r::text, ' ')) FROM association_rules(null::text, 'line', 0.01, 0.2, 1) AS r;
SELECT r.* FROM association_rules(null::text, 'line', 0.02, 0.5, 1) AS r
ORDER BY lift DESC, antecedent COLLATE "C", consequent COLLATE "C" LIMIT 20;
SELECT count(*), md5(string_agg(s::text, ' ')) FROM item_similarity(null::text, 'line') AS s;
SELECT s.* FROM item_similarity(null::text, 'line', 'jaccard', 3) AS s WHERE item COLLATE "C" < 'i2'
ORDER BY item COLLATE "C", rank;
SELECT count(*), md5(string_agg(r::text, ' ' ORDER BY customer, rank))
FROM recommend(null::integer, null::text, 'line', 'SELECT b, b % 5 FROM generate_series(1, 1900) AS b') AS r;
SELECT r.*
FROM recommend(null::integer, null::text, 'line', 'SELECT b, b % 5 FROM generate_series(1, 1900) AS b',
               '{1,7,44,1999,5000}'::integer[], 3) AS r
ORDER BY customer, rank;
