-- ---- metrics: a figure that people agree on, with its goal, by segment and period ----

CREATE TABLE metric (
    name text PRIMARY KEY CHECK (name <> ''),
    owner regrole NOT NULL,
    query text NOT NULL,
    query_types text[] NOT NULL,
    kind text NOT NULL CHECK (kind IN ('rate', 'mean', 'total', 'ratio')),
    unit text,
    better text NOT NULL DEFAULT 'up' CHECK (better IN ('up', 'down')),
    period interval NOT NULL DEFAULT '1 month' CHECK (period > '0'),
    target double precision,
    due timestamptz,
    min_customers integer NOT NULL DEFAULT 10 CHECK (min_customers >= 1),
    purpose text,
    time_zone text NOT NULL,
    search_path text NOT NULL,
    settings jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    CHECK (cardinality(query_types) = CASE kind WHEN 'ratio' THEN 4 ELSE 3 END)
);
COMMENT ON TABLE metric IS
$$Metrics: what customers did, as one figure: an indicator, a goal, the outcome of an experiment; see create_metric.$$;
COMMENT ON COLUMN metric.name IS 'Name of the metric, unique in the database.';
COMMENT ON COLUMN metric.owner IS 'Whose it is: who created it; the query runs with his rights.';
COMMENT ON COLUMN metric.query IS
'Query that yields customer, at, value and for ratios denominator, a row for each time a customer did something.';
COMMENT ON COLUMN metric.query_types IS
'Types of these columns, in this order; a query that has others by now is an error that says so.';
COMMENT ON COLUMN metric.kind IS
$$'rate': the share of customers with a value that is true or above 0; 'mean': the sum of the values of a customer, on
average; 'total': the sum over all customers; 'ratio': the sum of values by the sum of denominators.$$;
COMMENT ON COLUMN metric.unit IS 'Unit of the value, for people.';
COMMENT ON COLUMN metric.better IS '''up'': more is better; ''down'': less is.';
COMMENT ON COLUMN metric.period IS 'How long the time before an instant is that snapshot_metrics looks at.';
COMMENT ON COLUMN metric.target IS 'The goal: the value to be reached; NULL: none.';
COMMENT ON COLUMN metric.due IS 'The instant by which it is to be reached; NULL: at any time.';
COMMENT ON COLUMN metric.min_customers IS
'Segments of fewer customers are not kept by themselves: they are put together with the next smallest.';
COMMENT ON COLUMN metric.purpose IS 'What it is for.';
COMMENT ON COLUMN metric.time_zone IS 'Time zone of periods, and of times of the query that have none.';
COMMENT ON COLUMN metric.search_path IS 'search_path under which the query runs: that of the creator.';
COMMENT ON COLUMN metric.settings IS
'Other settings that change what the query means, as the creator''s session had them; see segmentation.settings.';
COMMENT ON COLUMN metric.created_at IS 'When it was created.';

CREATE TABLE metric_snapshot (
    metric text NOT NULL REFERENCES metric ON DELETE CASCADE ON UPDATE CASCADE,
    segmentation text NOT NULL REFERENCES segmentation ON DELETE CASCADE ON UPDATE CASCADE,
    period tstzrange NOT NULL CHECK (NOT isempty(period) AND lower_inc(period) AND NOT upper_inc(period)),
    segment_id integer NOT NULL,
    outcome outcome NOT NULL,
    PRIMARY KEY (metric, segmentation, period, segment_id)
);
CREATE INDEX metric_snapshot_segmentation ON metric_snapshot (segmentation);
COMMENT ON TABLE metric_snapshot IS
$$Metrics by segment and period, as snapshot_metrics found them: values that can be added up (outcome_merge), so that
totals are those of all customers. No keys of customers are kept.$$;
COMMENT ON COLUMN metric_snapshot.metric IS 'Name of the metric.';
COMMENT ON COLUMN metric_snapshot.segmentation IS 'Name of the segmentation.';
COMMENT ON COLUMN metric_snapshot.period IS 'The time that was looked at: from its beginning until before its end.';
COMMENT ON COLUMN metric_snapshot.segment_id IS
$$Id of the segment that customers were in at the beginning of the period; 0: customers who were in none;
-1: segments of fewer than min_customers, together.$$;
COMMENT ON COLUMN metric_snapshot.outcome IS 'What they did.';

SELECT pg_catalog.pg_extension_config_dump('metric', '');
SELECT pg_catalog.pg_extension_config_dump('metric_snapshot', '');

ALTER TABLE metric ENABLE ROW LEVEL SECURITY;
ALTER TABLE metric_snapshot ENABLE ROW LEVEL SECURITY;
CREATE POLICY reader ON metric_snapshot FOR SELECT
    USING (EXISTS (SELECT FROM segmentation AS s WHERE s.name = segmentation));
CREATE POLICY owner ON metric FOR SELECT USING (segment_internal.acts_as(pg_catalog.pg_get_userbyid(owner)));
CREATE POLICY reader ON metric FOR SELECT USING (EXISTS (SELECT FROM metric_snapshot AS p WHERE p.metric = name));
COMMENT ON POLICY reader ON metric_snapshot IS 'Visible with the segmentation.';
COMMENT ON POLICY owner ON metric IS 'The owner sees it.';
COMMENT ON POLICY reader ON metric IS 'Who sees figures of a metric sees what it is.';
