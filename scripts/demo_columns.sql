-- demo, when something is wrong: the columns of the table orders as SQL writes
-- them, their types and the first value of each.

\pset format aligned
\pset border 0
\pset footer off
\pset null '(empty)'
SELECT string_agg(
    format('SELECT %s AS "position", %L AS "column", %L AS type, '
           '(SELECT left(%I::text, 40) FROM orders WHERE %I IS NOT NULL LIMIT 1) AS "a value"',
           attnum, quote_ident(attname), format_type(atttypid, NULL), attname, attname),
    ' UNION ALL ') || ' ORDER BY 1' AS query
FROM pg_attribute
WHERE attrelid = 'orders'::regclass AND attnum > 0
\gset
SELECT "column", type, "a value" FROM (:query) AS listed;
