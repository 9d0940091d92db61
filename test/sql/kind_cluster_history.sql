-- Laws 6, 8 and 9 for clusterings, on random data: after any sequence of inserts,
-- updates, deletes and trainings everybody is where the current model places
-- them, the past reads as it was, every transition is told once and with the
-- right reason, and segments keep their ids.  Only mismatches are printed.
SET search_path = public, segment;
SET timezone = 'UTC';
SET client_min_messages = warning;
\set SHOW_CONTEXT never

CREATE FUNCTION clh_random(seed text) RETURNS float8 LANGUAGE sql IMMUTABLE
RETURN ('x' || substr(md5(seed), 1, 8))::bit(32)::bigint / 4294967296.0;

CREATE TABLE clh (id integer PRIMARY KEY, grp integer, a numeric, b float8);
CREATE VIEW clh_source AS SELECT a, id, b FROM clh;
SELECT create_cluster_segmentation('clh', 'clh_source', key => 'id', k => 5, retrain_every => '40 days', options => '{"n_init": 3}');
CREATE TABLE clh_snapshot (as_of timestamptz, id integer, segment_id integer, entered_at timestamptz, reason text);
CREATE TABLE clh_old (LIKE clh_segments);
CREATE TABLE clh_problem (step integer, problem text, detail text);

-- five groups that drift; one of them thins out
CREATE PROCEDURE clh_change(step integer) LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO clh
    SELECT n, n % 5, (n % 5) * 20 + clh_random('a' || n) * 25, (n % 5 * 7 % 5) * 300 + clh_random('b' || n) * 350
    FROM generate_series(step * 20 + 1, step * 20 + CASE WHEN step = 0 THEN 300 ELSE 20 END) AS n ON CONFLICT DO NOTHING;
    UPDATE clh SET a = a + 1, b = b * 1.01 WHERE step % 3 = 2;
    UPDATE clh SET a = (grp + 1) % 5 * 20 + 3 WHERE clh_random(format('m %s %s', step, id)) < 0.03;
    UPDATE clh SET a = CASE WHEN clh_random(format('null %s %s', step, id)) < 0.5 THEN NULL ELSE numeric 'NaN' END
    WHERE clh_random(format('n %s %s', step, id)) < 0.01;
    UPDATE clh SET a = grp * 20 + 4 WHERE (a IS NULL OR a = 'NaN') AND clh_random(format('back %s %s', step, id)) < 0.4;
    DELETE FROM clh WHERE clh_random(format('d %s %s', step, id)) < CASE WHEN grp = 3 THEN 0.15 ELSE 0.02 END AND step > 0;
END;
$$;

CREATE PROCEDURE clh_check(step integer, at timestamptz, old_version integer, run segment.run) LANGUAGE plpgsql AS $$
DECLARE
    current segment_model := get_model('clh');
    old_model segment_model := CASE WHEN old_version IS NOT NULL THEN get_model('clh', old_version) END;
    t timestamptz;
BEGIN
    -- law 9: what is trained is what a new training gives, and everybody is where it places them
    INSERT INTO clh_problem SELECT step, 'model differs from a new one', m::text
    FROM (SELECT kmeans(feature_set(c.*), (SELECT (options ->> 'k')::int FROM segment.segmentation WHERE name = 'clh'), 3,
                        centroids => CASE WHEN (run.details ->> 'warm_start')::boolean THEN centroid_array(old_model) END) AS m
          FROM (SELECT a, b FROM clh) AS c) AS m
    WHERE run.trained AND m::jsonb - '{segments,n_init,iterations}'::text[] <> current::jsonb - '{segments,n_init,iterations}'::text[];
    INSERT INTO clh_problem SELECT step, 'warm start', run::text
    WHERE (run.details ->> 'warm_start')::boolean
          IS DISTINCT FROM CASE WHEN run.trained THEN old_model IS NOT NULL AND
                                (SELECT count(*) FROM segments(old_model))
                                = (SELECT (options ->> 'k')::int FROM segment.segmentation WHERE name = 'clh') END;
    INSERT INTO clh_problem SELECT step, 'members differ from recomputation', format('%s: %s, %s', coalesce(m.id, u.id), m, u)
    FROM (SELECT id, segment_id, segment, a, b FROM clh_segments) AS m
    FULL JOIN (SELECT c.id, assign_segment_id(current, c.a, c.b), assign_segment('clh', c.a, c.b), c.a::float8, c.b FROM clh AS c
               WHERE c.a <> 'NaN') AS u ON u.id = m.id
    WHERE m IS DISTINCT FROM u;

    -- law 6: counts
    INSERT INTO clh_problem SELECT step, 'stored count', g.name FROM segment.segment AS g
    WHERE g.segmentation = 'clh' AND g.customers <> (SELECT count(*) FROM clh_segments AS s WHERE s.segment_id = g.segment_id);
    INSERT INTO clh_problem SELECT step, 'run counts', format('%s, really %s', run, x)
    FROM (SELECT count(s.id) AS customers, count(*) FILTER (WHERE o.id IS NULL) AS entered,
                 count(*) FILTER (WHERE s.id IS NULL) AS departed,
                 count(*) FILTER (WHERE s.segment_id <> o.segment_id) AS moved,
                 count(*) FILTER (WHERE s.segment_id = o.segment_id AND s IS DISTINCT FROM o) AS updated,
                 count(*) FILTER (WHERE s IS NOT DISTINCT FROM o) AS unchanged, (SELECT count(*) FROM clh) AS rows_read,
                 (SELECT count(*) FROM clh WHERE (a <> 'NaN') IS NOT TRUE) AS rows_skipped
          FROM clh_segments AS s FULL JOIN clh_old AS o USING (id)) AS x
    WHERE (run.customers, run.entered, run.departed, run.moved, run.updated, run.unchanged, run.rows_read, run.rows_skipped)
          IS DISTINCT FROM (x.customers, x.entered, x.departed, x.moved, x.updated, x.unchanged, x.rows_read, x.rows_skipped);

    -- reasons, from the definition of each; a second refresh as of one instant corrects the first, whose history must hold
    INSERT INTO clh_problem SELECT step, 'reason', format('%s: %s, should be %s', x.id, x.stored, x.truth)
    FROM (SELECT coalesce(s.id, o.id) AS id, CASE WHEN s.id IS NULL THEN h.left_reason ELSE s.entered_reason END AS stored,
                 CASE WHEN o.id IS NULL THEN 'new' WHEN s.id IS NULL THEN 'gone'
                      WHEN run.model_version > old_version AND assign_segment_id(old_model, s.a, s.b) = o.segment_id THEN 'model'
                      WHEN (s.a, s.b) IS DISTINCT FROM (o.a, o.b) THEN 'features' ELSE 'model' END AS truth
          FROM clh_segments AS s FULL JOIN clh_old AS o USING (id) LEFT JOIN clh_history AS h ON h.id = o.id AND h.entered_at = o.entered_at
          WHERE s.segment_id IS DISTINCT FROM o.segment_id AND NOT EXISTS (SELECT FROM clh_snapshot AS b WHERE b.as_of = at)) AS x
    WHERE x.stored IS DISTINCT FROM x.truth;

    -- law 8: every instant of the past reads as it was, and events replay to the members
    DELETE FROM clh_snapshot WHERE as_of = at;
    INSERT INTO clh_snapshot SELECT at, s.id, s.segment_id, s.entered_at, s.entered_reason FROM clh_segments AS s;
    FOR t IN SELECT DISTINCT as_of FROM clh_snapshot LOOP
        INSERT INTO clh_problem SELECT step, 'past', format('%s as of %s: read %s, was %s', coalesce(p.customer, w.id), t, p, w)
        FROM (SELECT m.customer, m.segment_id, m.entered_at, m.reason FROM segment_members(null::integer, 'clh', t) AS m) AS p
        FULL JOIN (SELECT s.id, s.segment_id, s.entered_at, s.reason FROM clh_snapshot AS s WHERE s.as_of = t) AS w ON w.id = p.customer
        WHERE p IS DISTINCT FROM w;
    END LOOP;
    INSERT INTO clh_problem SELECT step, 'event', format('%s', e)
    FROM (SELECT e.*, count(*) OVER (PARTITION BY customer, event_at) AS n,
                 lag(to_segment) OVER (PARTITION BY customer ORDER BY event_at) AS place FROM segment_events('clh') AS e) AS e
    WHERE n > 1 OR from_segment IS DISTINCT FROM place OR from_segment IS NOT DISTINCT FROM to_segment
       OR (reason = ANY (CASE event WHEN 'entered' THEN '{new}'::text[] WHEN 'departed' THEN '{gone}'
                              ELSE '{features,model}' END)) IS NOT TRUE;
    INSERT INTO clh_problem SELECT step, 'replay', format('%s: %s, member of %s', coalesce(customer, id::text), to_segment, segment)
    FROM (SELECT DISTINCT ON (customer) customer, to_segment, event_at, reason FROM segment_events('clh')
          ORDER BY customer, event_at DESC) AS e
    FULL JOIN clh_segments AS s ON s.id::text = e.customer
    WHERE to_segment IS DISTINCT FROM segment OR event_at <> entered_at AND to_segment IS NOT NULL OR reason <> entered_reason;

    -- the groups are far apart and drift slowly: a segment stays with its group as long as that is whole
    INSERT INTO clh_problem SELECT step, 'segment of another group', format('%s: group %s, was %s', s.segment_id, s.grp, o.grp)
    FROM (SELECT s.segment_id, mode() WITHIN GROUP (ORDER BY c.grp) AS grp FROM clh_segments AS s JOIN clh AS c USING (id) GROUP BY 1) AS s
    JOIN (SELECT o.segment_id, mode() WITHIN GROUP (ORDER BY c.grp) AS grp FROM clh_old AS o JOIN clh AS c USING (id)
          GROUP BY 1) AS o USING (segment_id)
    WHERE s.grp <> o.grp AND step NOT IN (8, 10);
END;
$$;

-- Steps 3, 6 and 11 stay at the as_of before, with corrected data; 4 and 8 train because they are told to, 5 does not though it is due.
-- At 8 there is one segment less, at 10 two more.
DO $$
DECLARE
    days integer[] := ARRAY[0, 9, 20, 20, 35, 77, 77, 80, 85, 90, 135, 135, 140];
    at timestamptz;
    old_version integer;
    run segment.run;
BEGIN
    FOR step IN 0 .. 12 LOOP
        at := timestamptz '2024-01-10 00:00Z' + days[step + 1] * interval '1 day';
        old_version := (SELECT model_version FROM segment.segmentation WHERE name = 'clh');
        CALL clh_change(step);
        UPDATE segment.segmentation SET options = options || CASE step WHEN 8 THEN '{"k": 4}'::jsonb ELSE '{"k": 6}' END
        WHERE name = 'clh' AND step IN (8, 10);
        DELETE FROM clh_old;
        INSERT INTO clh_old SELECT * FROM clh_segments;
        run := refresh_segmentation('clh', at, CASE WHEN step IN (4, 8) THEN true WHEN step = 5 THEN false END);
        INSERT INTO clh_problem SELECT step, 'outcome', run.error WHERE run.outcome <> 'ok';
        INSERT INTO clh_problem SELECT step, 'trained', run.trained::text WHERE run.trained <> (step IN (0, 4, 6, 8, 10));
        IF run.outcome = 'ok' THEN
            CALL clh_check(step, at, old_version, run);
        END IF;
        IF step = 5 THEN
            PERFORM rename_segment('clh', g.name, 'Named ' || g.segment_id) FROM segment.segment AS g
        WHERE g.segmentation = 'clh' AND g.segment_id IN (1, 3);
        END IF;
    END LOOP;
END;
$$;
SELECT step, problem, count(*), min(detail) FROM clh_problem GROUP BY 1, 2 ORDER BY 1, 2;

-- The test is worth something only if everything occurred.
SELECT wanted.reason FROM unnest('{new,features,model,gone}'::text[]) AS wanted (reason)
WHERE (SELECT count(*) FROM segment_events('clh') AS e WHERE e.reason = wanted.reason) < 5;
SELECT count(DISTINCT id) > 3 AS came_back FROM clh_history AS h
WHERE left_reason = 'gone' AND EXISTS (SELECT FROM clh_segments AS s WHERE s.id = h.id);
SELECT count(*) AS models FROM segment.model WHERE segmentation = 'clh';
SELECT segment_id, name, origin, closed_at FROM segment.segment WHERE segmentation = 'clh' ORDER BY 1;
SELECT drop_segmentation('clh');

-- ---- which segment is which: every assignment of five segments at most is tried ----
-- Distances as the old model has them: k-means with scale none, so those of the plane.
CREATE TABLE clh_model AS
SELECT trial, n, round((clh_random(format('x %s %s', trial, n)) * 10)::numeric, 1) AS x,
       round((clh_random(format('y %s %s', trial, n)) * 10)::numeric, 1) AS y,
       round((clh_random(format('x %s %s', trial, n)) * 10 + clh_random(format('dx %s %s', trial, n)) * 6 - 3)::numeric, 1) AS new_x,
       round((clh_random(format('y %s %s', trial, n)) * 10 + clh_random(format('dy %s %s', trial, n)) * 6 - 3)::numeric, 1) AS new_y
FROM generate_series(1, 60) AS trial, LATERAL generate_series(1, 1 + trial % 5) AS n;
CREATE TABLE clh_pair AS
WITH model AS (
    SELECT trial, kmeans(feature_set(x, y), 9, scale => 'none') AS old,
           kmeans(feature_set(new_x, new_y) FILTER (WHERE trial % 7 > 0 OR n > 1), 9, scale => 'none') AS new
    FROM clh_model GROUP BY 1 HAVING count(*) FILTER (WHERE trial % 7 > 0 OR n > 1) > 0
)
SELECT trial, old, model_match(new, rename_segment(old, 'Segment 1', 'First'), 100) AS new FROM model;
WITH old AS (
    SELECT trial, segment_id AS i, min(value) FILTER (WHERE feature = 'f1') AS x, min(value) FILTER (WHERE feature = 'f2') AS y
    FROM clh_pair, centroids(old) GROUP BY 1, 2
), new AS (
    SELECT trial, segment_id AS i, row_number() OVER (PARTITION BY trial ORDER BY segment_id) AS j, x, y
    FROM (SELECT trial, segment_id, min(value) FILTER (WHERE feature = 'f1') AS x, min(value) FILTER (WHERE feature = 'f2') AS y
          FROM clh_pair, centroids(new) GROUP BY 1, 2) AS c
), spaced AS (
    SELECT o.*, coalesce((SELECT min((o.x - p.x) ^ 2 + (o.y - p.y) ^ 2) FROM old AS p WHERE p.trial = o.trial AND p.i <> o.i),
                         (SELECT max((o.x - n.x) ^ 2 + (o.y - n.y) ^ 2) FROM new AS n WHERE n.trial = o.trial)) AS room FROM old AS o
), saving AS (
    SELECT s.trial, s.i, n.j, n.i AS given, s.room - ((s.x - n.x) ^ 2 + (s.y - n.y) ^ 2) AS saved FROM spaced AS s
    JOIN new AS n USING (trial)
), best AS (
    WITH RECURSIVE step AS (
        SELECT trial, 0 AS i, 0::float8 AS saved, '{}'::bigint[] AS used FROM clh_pair
        UNION ALL
        SELECT s.trial, s.i + 1, s.saved + coalesce(v.saved, 0), s.used || v.j
        FROM step AS s JOIN spaced AS o ON o.trial = s.trial AND o.i = s.i + 1
        CROSS JOIN LATERAL (SELECT NULL::bigint AS j, NULL::float8 AS saved UNION ALL SELECT g.j, g.saved FROM saving AS g
                            WHERE g.trial = s.trial AND g.i = s.i + 1 AND g.saved >= 0 AND g.j <> ALL (array_remove(s.used, NULL))) AS v
    )
    SELECT trial, max(saved) AS saved FROM step GROUP BY 1
), found AS (
    SELECT trial, sum(saved) AS saved, min(saved) AS least FROM saving WHERE given = i GROUP BY 1
)
SELECT b.trial, b.saved, f.saved AS found FROM best AS b LEFT JOIN found AS f USING (trial)
WHERE abs(b.saved - coalesce(f.saved, 0)) > 1e-9 OR f.least < -1e-9;
-- something matched and something did not; new ids begin where they should; what matched kept its name
SELECT count(*) FILTER (WHERE segment_id < 100) > 50 AS matched, count(*) FILTER (WHERE segment_id >= 100) > 20 AS new
FROM clh_pair, segments(new);
SELECT trial FROM clh_pair, segments(new) GROUP BY trial HAVING max(segment_id) >= 100
  AND max(segment_id) <> 99 + count(*) FILTER (WHERE segment_id >= 100) OR count(DISTINCT segment) < count(*);
SELECT trial, n.segment FROM clh_pair, segments(new) AS n WHERE n.segment_id < 100
  AND (n.segment, n.origin) IS DISTINCT FROM (CASE n.segment_id WHEN 1 THEN 'First' ELSE 'Segment ' || n.segment_id END,
                                              'Segment ' || n.segment_id);
-- a model is its own match; and models of the same groups match whatever the scale of each: nobody is elsewhere
SELECT trial FROM clh_pair WHERE NOT model_match(old, old, 100) = old;
CREATE TABLE clh_blob AS SELECT i, (i % 4 / 2) * 1000 + i % 7 AS a, (i % 2) * 10 + i % 5 / 2.0 AS b FROM generate_series(1, 200) AS i
WHERE i % 4 < 3 OR i < 50;
WITH trained AS (
    SELECT s, kmeans(feature_set(a, b), 4, scale => s, weights => w) AS m FROM clh_blob,
        (VALUES ('zscore', NULL::jsonb), ('minmax', NULL), ('robust', NULL), ('none', '{"f1": 0.0001}')) AS o (s, w) GROUP BY s, w
)
SELECT p.s, q.s, count(*) FROM trained AS p, trained AS q, clh_blob AS c
WHERE assign_segment_id(p.m, c.a, c.b) IS DISTINCT FROM assign_segment_id(model_match(q.m, p.m, 100), c.a, c.b) GROUP BY 1, 2;
DROP TABLE clh_blob;
-- cosine: directions
WITH m AS (SELECT kmeans(feature_set(a, b), 3, metric => 'cosine') AS m FROM clh)
SELECT m = model_match(m, m, 100) AS itself, (SELECT bool_and(segment ~ 'high|low') FROM segments(propose_segment_names(m))) AS named
FROM m;
-- errors
SELECT model_match(rfm_model(feature_set(i, i, i), scheme => 'eleven_names'), kmeans(feature_set(i, i, i), 2), 1)
FROM generate_series(1, 10) AS i;
SELECT model_match(kmeans(feature_set(i, i), 2), kmeans(feature_set(i, i, i), 2), 1) FROM generate_series(1, 10) AS i;
SELECT segment_spacing(rfm_model(feature_set(i, i, i), scheme => 'eleven_names')) FROM generate_series(1, 10) AS i;
SELECT propose_segment_names(rfm_model(feature_set(i, i, i), scheme => 'eleven_names')) FROM generate_series(1, 10) AS i;
SELECT segment_silhouette(rfm_model(feature_set(i, i, i), scheme => 'eleven_names'), 1, 2, 3) FROM generate_series(1, 10) AS i;
SELECT segment_silhouette(NULL::segment_model, 1), segment_silhouette(kmeans(feature_set(i), 1), 1),
       segment_silhouette(kmeans(feature_set(i), 2), NULL), round(segment_silhouette(kmeans(feature_set(i), 2), 1)::numeric, 3)
FROM generate_series(1, 10) AS i;
SET maintenance_work_mem = '1MB';
WITH m AS (SELECT kmeans(feature_set(i), 400, n_init => 1, max_iter => 1) AS m FROM generate_series(1, 400) AS i)
SELECT model_match(m, m, 1000) FROM m;
RESET maintenance_work_mem;
WITH m AS (SELECT kmeans(feature_set(i), 400, n_init => 1, max_iter => 1) AS m FROM generate_series(1, 400) AS i)
SELECT model_match(m, m, 1000) = m AS itself FROM m;

-- ---- names: what sets segments apart ----
SELECT segment, origin FROM (SELECT kmeans(feature_set(c.*), 4) AS m
                             FROM (SELECT (i % 2) * 10 + i % 3 AS monthly_visits, (i / 50) * 100 + i % 7 AS spend, 1 AS same
                                   FROM generate_series(0, 99) AS i) AS c) AS m, segments(propose_segment_names(m));
-- two with the same traits tell more, or get a number; kept names are not given again; only new ids are named
WITH m AS (SELECT kmeans(feature_set(c.*), 4) AS m
           FROM (SELECT CASE WHEN i < 70 THEN 0 ELSE i / 10 * 10 END AS a, i % 2 AS b FROM generate_series(0, 99) AS i) AS c)
SELECT (SELECT array_agg(segment) FROM segments(propose_segment_names(m))) AS named,
       (SELECT array_agg(segment) FROM segments(propose_segment_names(propose_segment_names(m)))) AS again,
       (SELECT array_agg(segment) FROM segments(propose_segment_names(rename_segment(m, 'Segment 1', 'high a')))) AS renamed,
       (SELECT array_agg(segment) FROM segments(propose_segment_names(m, 4))) AS new_only
FROM m \gx
DROP VIEW clh_source;
DROP TABLE clh, clh_snapshot, clh_old, clh_problem, clh_model, clh_pair;
DROP PROCEDURE clh_change, clh_check;
