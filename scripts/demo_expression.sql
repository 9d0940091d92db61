-- demo, third step: what an expression of the user means for the table orders.
--
--   psql variable: value    a name of the header, in its own spelling or as a
--                           column's name, or an SQL expression
--   output:        its type, whether it is a column, and the expression as SQL,
--                  in three lines (the last may itself have several)
--
-- Nothing is computed: a view's columns are typed when it is made.

-- A name comes first, so that columns called user, date or "Order ID" work.
SELECT coalesce(
    (SELECT quote_ident(attname)
     FROM pg_attribute
     WHERE attrelid = 'orders'::regclass AND attnum > 0
         AND (attname = :'value' OR lower(attname) = lower(:'value')
              OR btrim(col_description(attrelid, attnum)) = btrim(:'value'))
     ORDER BY attname = :'value' DESC, attnum
     LIMIT 1),
    :'value') AS expression
\gset

CREATE TEMP VIEW checked AS SELECT (:expression) AS value FROM orders;

SELECT format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = 'checked'::regclass AND attnum = 1;
SELECT EXISTS (SELECT FROM pg_attribute
               WHERE attrelid = 'orders'::regclass AND attnum > 0 AND quote_ident(attname) = :'expression');
SELECT :'expression';
