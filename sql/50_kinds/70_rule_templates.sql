-- ---- templates: rules to begin with ----

CREATE TABLE rule_template (
    name text PRIMARY KEY CHECK (name <> ''),
    description text,
    columns jsonb NOT NULL CHECK (jsonb_typeof(columns) = 'object'),
    rules json NOT NULL CHECK (json_typeof(rules) = 'object'),
    exclusive boolean NOT NULL DEFAULT true,
    rest text CHECK (rest <> ''),
    keep text[] NOT NULL DEFAULT '{}',
    shipped boolean NOT NULL DEFAULT false,
    owner regrole NOT NULL DEFAULT quote_ident(current_user)::regrole
);
COMMENT ON TABLE rule_template IS
$$Templates: rules that a segmentation can begin with.
Add your own with create_rule_template().$$;
COMMENT ON COLUMN rule_template.name IS 'Name of the template, as given to create_segmentation_from_template.';
COMMENT ON COLUMN rule_template.description IS 'What the template is for.';
COMMENT ON COLUMN rule_template.columns IS
'The columns that the rules read, and what each has to hold: an object of names and descriptions.';
COMMENT ON COLUMN rule_template.rules IS 'The rules, as create_rule_segmentation takes them, in the order of priority.';
COMMENT ON COLUMN rule_template.exclusive IS
'Whether a customer is in the first segment only, or in all whose rule holds.';
COMMENT ON COLUMN rule_template.rest IS 'Segment of those that no rule takes; NULL: they are in none.';
COMMENT ON COLUMN rule_template.keep IS 'Columns that the member table keeps.';
COMMENT ON COLUMN rule_template.shipped IS 'Whether the template came with the extension.';
COMMENT ON COLUMN rule_template.owner IS
$$Role that made the template and may drop it, under the name that it has now.
REASSIGN OWNED and DROP ROLE do not know of it; whoever owns the extension may UPDATE it.$$;
ALTER TABLE rule_template ENABLE ROW LEVEL SECURITY;
CREATE POLICY reader ON rule_template FOR SELECT USING (true);
COMMENT ON POLICY reader ON rule_template IS 'Templates are for all.';

-- Whoever writes a row of rule_template, the same checks hold.
CREATE FUNCTION segment_internal.check_rule_template() RETURNS trigger
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    rules jsonb := segment_internal.rules_from_json(NEW.rules);
BEGIN
    IF jsonb_typeof(NEW.columns) IS DISTINCT FROM 'object'
       OR EXISTS (SELECT FROM jsonb_each(NEW.columns) AS c WHERE jsonb_typeof(c.value) <> 'string') THEN
        RAISE EXCEPTION 'columns of template "%" must be an object of names and descriptions, not %', NEW.name,
                        coalesce(NEW.columns::text, 'NULL')
            USING ERRCODE = 'invalid_parameter_value', HINT = 'For instance {"orders": "number of orders"}.';
    END IF;
    IF NEW.name = '' OR NEW.rest = '' THEN
        RAISE EXCEPTION '% of a template must not be empty', CASE NEW.name WHEN '' THEN 'name' ELSE 'rest' END
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF rules @> jsonb_build_array(jsonb_build_object('segment', NEW.rest)) THEN
        RAISE EXCEPTION 'the segment of the rest is named "%", which has a rule', NEW.rest
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN NEW;
END;
$$;
COMMENT ON FUNCTION segment_internal.check_rule_template() IS
$$Trigger function of rule_template: rules and columns must be well formed.
What a rule says is checked with the source that it is used on.$$;
CREATE TRIGGER check_rule_template BEFORE INSERT OR UPDATE ON rule_template
    FOR EACH ROW EXECUTE FUNCTION segment_internal.check_rule_template();
COMMENT ON TRIGGER check_rule_template ON rule_template IS 'Keeps malformed templates out.';

CREATE FUNCTION create_rule_template(
    name text, columns jsonb, rules json, exclusive boolean DEFAULT true, rest text DEFAULT NULL,
    keep text[] DEFAULT '{}', description text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    made bigint;
BEGIN
    IF name IS NULL THEN
        RAISE EXCEPTION 'a template needs a name' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    -- assigned, because PERFORM would be shown in the context of an error
    made := segment_internal.change_catalogue('create_template', name, columns, rules, coalesce(exclusive, true), rest,
                                              coalesce(keep, '{}'), description);
END;
$$;
COMMENT ON FUNCTION create_rule_template(text, jsonb, json, boolean, text, text[], text) IS
$$Adds a template of your own for create_segmentation_from_template.
columns: the columns that a source must have for it, and what they hold, such as {"orders": "number of orders"}.
rules, exclusive, rest, keep: as of create_rule_segmentation.
Rules are checked with a source, when the template is used.
NULL exclusive and keep mean their defaults.
Errors: invalid_parameter_value and invalid_name for what is malformed, duplicate_object for a segment with two rules,
unique_violation for a taken name.$$;

CREATE FUNCTION segment_internal.template_row(template text) RETURNS rule_template
    LANGUAGE sql STABLE PARALLEL SAFE
RETURN segment_internal.named_row(NULL::rule_template, 'template', template);
COMMENT ON FUNCTION segment_internal.template_row(text) IS
$$A template by name.
Error (undefined_object) when there is none.$$;

CREATE FUNCTION drop_rule_template(name text) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    dropped segment.rule_template := segment_internal.template_row(name);
    n bigint;
BEGIN
    n := segment_internal.change_catalogue('drop_template', dropped.name);
END;
$$;
COMMENT ON FUNCTION drop_rule_template(text) IS
$$Drops a template of your own.
Segmentations that were made from it keep their rules.
Errors: undefined_object, insufficient_privilege for shipped templates and those of others.$$;

CREATE FUNCTION segment_internal.create_segmentation_from_template(
    template text, name text, source text, key text, schema name, search_path text) RETURNS regclass
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    t segment.rule_template := segment_internal.template_row(template);
    there text[];
    missing text;
    example CONSTANT text := 'create_segmentation_from_template(''lifecycle'', ''lifecycle'', ''customers'')';
BEGIN
    schema := segment_internal.check_new_segmentation(name, source, schema, example);
    -- no text runs with more rights than its author had
    IF NOT t.shipped AND NOT pg_has_role(t.owner, current_user, 'USAGE') THEN
        RAISE EXCEPTION 'template "%" is of role %, which has not your rights, and its rules would run with them',
                        template, t.owner
            USING ERRCODE = 'insufficient_privilege',
                  HINT = 'Read its rules in rule_template; what you find good, make your own by '
                      'create_rule_template().';
    END IF;
    SELECT array_agg(c.name) INTO there
    FROM segment_internal.query_columns(segment_internal.source_query(source, search_path), search_path,
                                        permanent => true) AS c;
    SELECT string_agg(format('%s (%s)', c.key, c.value), ', ' ORDER BY c.key) INTO missing
    FROM jsonb_each_text(t.columns) AS c WHERE c.key <> ALL (there);
    IF missing IS NOT NULL THEN
        RAISE EXCEPTION 'the source has not all columns that template "%" reads', template
            USING ERRCODE = 'undefined_column', DETAIL = format('Missing: %s.', missing),
                  HINT = 'Name them so in the source: SELECT ... AS name.';
    END IF;
    RETURN segment_internal.create_rule_segmentation(
        name, source, t.rules, t.exclusive, t.rest, t.keep, key, schema, t.description, search_path, NULL,
        format('from template "%s"', template));
END;
$$;
COMMENT ON FUNCTION segment_internal.create_segmentation_from_template(text, text, text, text, name, text) IS
$$The work of create_segmentation_from_template, which fills in what only the caller's session knows:
schema and search_path.$$;

-- without a search_path of its own, which would hide that of the session
CREATE FUNCTION create_segmentation_from_template(
    template text, name text, source text, key text DEFAULT NULL, schema name DEFAULT current_schema(),
    search_path text DEFAULT current_setting('search_path')) RETURNS regclass
    LANGUAGE sql VOLATILE PARALLEL UNSAFE
RETURN segment_internal.create_segmentation_from_template(
    template, name, source, key, coalesce(schema, current_schema()),
    coalesce(search_path, current_setting('search_path')));
COMMENT ON FUNCTION create_segmentation_from_template(text, text, text, text, name, text) IS
$$Creates a segmentation by rules with the rules of a template, which are yours from then on:
segment_rules() shows them, set_segment_rule() changes them; returns the member table.
template: a row of rule_template, whose columns say what the source has to have.
name, source, key, schema, search_path: as of create_rule_segmentation.
Errors: undefined_object for an unknown template,
insufficient_privilege for one of somebody who has not your rights,
undefined_column with the columns that the source lacks, and those of create_rule_segmentation.$$;
