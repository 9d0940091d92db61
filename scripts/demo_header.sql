-- demo, first step: from a CSV header to a table of text and the COPY for it.
--
--   psql variables: header      the file's first line, without byte order mark
--                   delimiter   one character
--   output:         the COPY command; nothing when a double quote is not closed
--
-- Names: as in SQL a plain name is folded to lower case (CustomerID may then be
-- written in any case); any other keeps its letters and wants double quotes.  A
-- missing name becomes column_N, a repeated one gets its number.  The header's
-- own spelling is kept as the column's comment.

CREATE TEMP TABLE header_column AS
WITH field AS (
    SELECT position,
           match[1] AS raw,
           CASE WHEN match[1] ~ '^\s*".*"\s*$'
               THEN replace(substr(btrim(match[1]), 2, length(btrim(match[1])) - 2), '""', '"')
               ELSE match[1]
           END AS header
    FROM regexp_matches(
            -- The delimiter in front gives every field one, the first too.
            :'delimiter' || :'header',
            -- A field is a row of quoted pieces and other characters, as COPY has it.
            '\' || :'delimiter' || '((?:"(?:[^"]|"")*"|[^"\' || :'delimiter' || '])*)',
            'g') WITH ORDINALITY AS m (match, position)
), named AS (
    SELECT position, raw, header,
           CASE
               WHEN btrim(header) = '' THEN 'column_' || position
               WHEN header ~ '^\s*[A-Za-z_][A-Za-z0-9_]*\s*$' THEN lower(btrim(header))
               ELSE btrim(header)
           END::name::text AS name
    FROM field
)
SELECT position, raw, header,
       name || CASE WHEN number > 1 THEN '_' || number ELSE '' END AS name
FROM (SELECT *, row_number() OVER (PARTITION BY name ORDER BY position) AS number FROM named) AS numbered;

-- What was not matched holds an odd number of quotes: the header goes on in the
-- next line, or this is no CSV.
SELECT sum(length(raw) + 1) = length(:'delimiter' || :'header') AS closed FROM header_column
\gset
\if :closed
    -- Unlogged: nothing here is to outlive a crash.
    SELECT format('CREATE UNLOGGED TABLE orders (%s)', string_agg(format('%I text', name), ', ' ORDER BY position))
    FROM header_column
    \gexec
    SELECT format('COMMENT ON COLUMN orders.%I IS %L', name, header) FROM header_column
    \gexec
    -- FORCE_NULL: a quoted empty field is as empty as an unquoted one.
    SELECT format('COPY orders FROM STDIN (FORMAT csv, HEADER, DELIMITER %L, FORCE_NULL (%s))',
                  :'delimiter', string_agg(quote_ident(name), ', ' ORDER BY position))
    FROM header_column;
\endif
