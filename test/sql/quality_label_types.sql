-- Labels of every whole type and of boolean: the figures are those of integer and of text.
SET search_path = segment, public;
CREATE TABLE label AS
SELECT i % 4 AS a, (i / 3 + i % 5) % 3 AS b, i % 2 = 0 AS c, i % 3 = 0 AS d, i * 0.5 AS x
FROM generate_series(1, 200) AS i;
-- rows that differ from integer's; none
SELECT f.* FROM (SELECT adjusted_rand_index(a, b) AS r,
	normalized_mutual_information(a, b) AS m, eta_squared(a, x) AS e FROM label) AS i,
	LATERAL (
		SELECT 'smallint', adjusted_rand_index(a::smallint, b::smallint), normalized_mutual_information(a::smallint, b::smallint),
			eta_squared(a::smallint, x) FROM label
		UNION ALL SELECT 'bigint', adjusted_rand_index(a::bigint, b::bigint), normalized_mutual_information(a::bigint, b::bigint),
			eta_squared(a::bigint, x) FROM label
		UNION ALL SELECT 'mixed', adjusted_rand_index(a::smallint, b::bigint), normalized_mutual_information(a, b::bigint),
			eta_squared(a::bigint, x) FROM label
		UNION ALL SELECT 'mixed, small', adjusted_rand_index(a::smallint, b), normalized_mutual_information(a, b::smallint),
			eta_squared(a::smallint, x) FROM label
	) AS f (type, r, m, e)
WHERE abs(f.r - i.r) > 1e-12 OR abs(f.m - i.m) > 1e-12 OR abs(f.e - i.e) > 1e-12 OR f.r IS NULL OR f.m IS NULL OR f.e IS NULL;
SELECT adjusted_rand_index(c, d) = adjusted_rand_index(c::int, d::int) AS r,
	normalized_mutual_information(c, d) = normalized_mutual_information(c::int, d::int) AS m,
	eta_squared(c, x) = eta_squared(c::int, x) AS e FROM label;
-- neighbours beyond 2^53, which one double stands for, are two labels
SELECT adjusted_rand_index(9007199254740992 + a % 2, a % 2) AS r,
	normalized_mutual_information(9223372036854775807 - a % 2, b::bigint * 0 + a % 2) AS m,
	adjusted_rand_index(-9223372036854775807 - a % 2, a::bigint % 2) AS least FROM label;
SELECT adjusted_rand_index(nullif(a, 3)::bigint, b::bigint) = adjusted_rand_index(nullif(a, 3), b) AS nulls FROM label;
SELECT adjusted_rand_index(a::bigint, b::bigint) IS NULL AS no_rows FROM label WHERE false;
DROP TABLE label;
