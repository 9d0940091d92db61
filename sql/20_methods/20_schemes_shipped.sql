-- ---- the schemes that come with the extension ----

INSERT INTO rfm_scheme (name, description, source, bins, lowest_score, thresholds, rest, no_orders,
                        ranking, shipped, rules) VALUES
('default',
 'Eleven segments of recency and FM = (F + M) / 2, and of tenure for New: no name lies, none moves against a score',
 'docs/rfm.md of this extension', 5, 1, '{"tenure": [90, 180, 365, 730]}', NULL, 'Prospect',
 ARRAY['Champions', 'Loyal', 'Potential Loyalist', 'New', 'Promising', 'Need Attention', 'About To Sleep',
       'Can''t Lose', 'At Risk', 'Hibernating', 'Lost'], true, $json$[
 {"segment": "Champions", "recency": [5, 5], "fm_above": 3.5},
 {"segment": "Champions", "recency": [4, 4], "fm_above": 4},
 {"segment": "Loyal", "recency": [3, 5], "fm_above": 3},
 {"segment": "Potential Loyalist", "recency": [4, 5], "fm_above": 2},
 {"segment": "New", "recency": [4, 5], "tenure": [1, 1]},
 {"segment": "Promising", "recency": [4, 5]},
 {"segment": "Need Attention", "recency": [3, 3], "fm_above": 2},
 {"segment": "About To Sleep", "recency": [3, 3]},
 {"segment": "Can't Lose", "recency": [1, 2], "fm_above": 4},
 {"segment": "At Risk", "recency": [1, 2], "fm_above": 2},
 {"segment": "Hibernating", "recency": [2, 2]},
 {"segment": "Lost", "recency": [1, 1]}
]$json$),
('eleven_names', 'The published eleven names, every code named',
 'the eleven-name list in common use', 5, 1, NULL, NULL, 'Prospect',
 ARRAY['Champions', 'Loyal', 'Potential Loyalist', 'Promising', 'New', 'Need Attention', 'About To Sleep',
       'At Risk', 'Can''t Lose', 'Hibernating', 'Lost'], true, $json$[
 {"segment": "Champions", "codes": ["555","554","544","545","454","455","445"]},
 {"segment": "Loyal", "codes": ["543","444","435","355","354","345","344","335"]},
 {"segment": "Potential Loyalist", "codes": [
     "553","551","552","541","542","533","532","531","452","451","442","441",
     "431","453","433","432","423","353","352","351","342","341","333","323"]},
 {"segment": "New", "codes": ["512","511","422","421","412","411","311"]},
 {"segment": "Promising", "codes": [
     "525","524","523","522","521","515","514","513","425","424","413","414","415","315","314","313"]},
 {"segment": "Need Attention", "codes": ["535","534","443","434","343","334","325","324"]},
 {"segment": "About To Sleep", "codes": ["331","321","312","221","213"]},
 {"segment": "At Risk", "codes": [
     "255","254","245","244","253","252","243","242","235","234","225","224",
     "153","152","145","143","142","135","134","133","125","124"]},
 {"segment": "Can't Lose", "codes": ["155","154","144","214","215","115","114","113"]},
 {"segment": "Hibernating", "codes": [
     "332","322","231","241","251","233","232","223","222","132","123","122","212","211"]},
 {"segment": "Lost", "codes": ["111","112","121","131","141","151"]}
]$json$),
('rf_grid', 'Ten segments on the grid of recency and frequency; monetary value is scored but not used',
 'the 25-cell R x F grid in common use', 5, 1, NULL, NULL, 'Prospect',
 ARRAY['Champions', 'Loyal', 'Potential Loyalists', 'New', 'Promising', 'Need Attention',
       'About To Sleep', 'Can''t Lose', 'At Risk', 'Hibernating'], true, $json$[
 {"segment": "Champions", "recency": [5, 5], "frequency": [4, 5]},
 {"segment": "Loyal", "recency": [3, 4], "frequency": [4, 5]},
 {"segment": "Potential Loyalists", "recency": [4, 5], "frequency": [2, 3]},
 {"segment": "New", "recency": [5, 5], "frequency": [1, 1]},
 {"segment": "Promising", "recency": [4, 4], "frequency": [1, 1]},
 {"segment": "Need Attention", "recency": [3, 3], "frequency": [3, 3]},
 {"segment": "About To Sleep", "recency": [3, 3], "frequency": [1, 2]},
 {"segment": "Can't Lose", "recency": [1, 2], "frequency": [5, 5]},
 {"segment": "At Risk", "recency": [1, 2], "frequency": [3, 4]},
 {"segment": "Hibernating", "recency": [1, 2], "frequency": [1, 2]}
]$json$),
('r_rfm', 'The ten segments of the R package rfm, with its "Others" for the ten codes they leave out',
 'R package rfm 0.3.0, README', 5, 1, NULL, 'Others', 'Prospect',
 ARRAY['Champions', 'Potential Loyalist', 'Loyal Customers', 'Promising', 'New Customers', 'Can''t Lose Them',
       'At Risk', 'Need Attention', 'About To Sleep', 'Lost'], true, $json$[
 {"segment": "Champions", "recency": [5, 5], "frequency": [5, 5], "monetary": [5, 5]},
 {"segment": "Potential Loyalist", "recency": [3, 5], "frequency": [3, 5], "monetary": [2, 5]},
 {"segment": "Loyal Customers", "recency": [2, 4], "frequency": [2, 4], "monetary": [2, 4]},
 {"segment": "Promising", "recency": [3, 4], "frequency": [1, 3], "monetary": [3, 5]},
 {"segment": "New Customers", "recency": [4, 5], "frequency": [1, 3], "monetary": [1, 5]},
 {"segment": "Can't Lose Them", "recency": [1, 2], "frequency": [3, 4], "monetary": [4, 5]},
 {"segment": "At Risk", "recency": [1, 2], "frequency": [2, 5], "monetary": [4, 5]},
 {"segment": "Need Attention", "recency": [1, 3], "frequency": [3, 5], "monetary": [3, 5]},
 {"segment": "About To Sleep", "recency": [2, 3], "frequency": [1, 3], "monetary": [1, 4]},
 {"segment": "Lost", "recency": [1, 1], "frequency": [1, 5], "monetary": [1, 5]}
]$json$),
('klaviyo', 'Six segments of 27 codes; recency cut at 180 and 365 days, frequency and monetary value in thirds',
 'Klaviyo, RFM analysis', 3, 1, '{"recency": [180, 365]}', NULL, 'Prospect',
 ARRAY['Champions', 'Loyal', 'Recent', 'Needs Attention', 'At Risk', 'Inactive'], true, $json$[
 {"segment": "Champions", "codes": ["333","332","323"]},
 {"segment": "Loyal", "codes": ["321","322","331","232","233"]},
 {"segment": "Recent", "codes": ["312","313","311","222","223"]},
 {"segment": "Needs Attention", "codes": ["213","221","123","132","133"]},
 {"segment": "At Risk", "codes": ["231","212","122","131","211"]},
 {"segment": "Inactive", "codes": ["111","112","113","121"]}
]$json$),
('braze', 'Ten segments on scores 0 to 3, first match, with "Other" for the one code they leave out',
 'Braze, RFM segmentation', 4, 0, NULL, 'Other', 'Prospect',
 ARRAY['Champions', 'Loyal', 'Potential', 'Promising', 'New', 'Needing Attention',
       'Cannot Lose', 'At Risk', 'About to Sleep', 'Hibernating'], true, $json$[
 {"segment": "Champions", "recency": [3, 3], "frequency": [2, 3], "monetary": [2, 3]},
 {"segment": "Loyal", "recency": [2, 3], "frequency": [2, 3], "monetary": [1, 3]},
 {"segment": "Potential", "recency": [3, 3], "frequency": [1, 3], "monetary": [1, 3]},
 {"segment": "Promising", "recency": [3, 3], "frequency": [0, 3], "monetary": [1, 3]},
 {"segment": "New", "recency": [3, 3], "frequency": [0, 3], "monetary": [0, 3]},
 {"segment": "Needing Attention", "recency": [2, 3], "frequency": [0, 3], "monetary": [0, 3]},
 {"segment": "Cannot Lose", "recency": [0, 1], "frequency": [2, 3], "monetary": [2, 3]},
 {"segment": "At Risk", "recency": [0, 1], "frequency": [1, 3], "monetary": [1, 3]},
 {"segment": "About to Sleep", "recency": [1, 1], "frequency": [0, 3], "monetary": [0, 3]},
 {"segment": "Hibernating", "recency": [0, 0], "frequency": [0, 2], "monetary": [0, 3]}
]$json$),
('shopify', 'Ten segments of recency and FM = (F + M) / 2, in half-open bands so that no half is left out',
 'Shopify, RFM customer segments', 5, 1, NULL, NULL, 'Prospects',
 ARRAY['Champions', 'Loyal', 'Active', 'New', 'Promising', 'Needs attention',
       'Almost lost', 'Previously loyal', 'At risk', 'Dormant'], true, $json$[
 {"segment": "Champions", "recency": [5, 5], "fm_above": 3},
 {"segment": "Loyal", "recency": [3, 4], "fm_above": 3},
 {"segment": "Active", "recency": [4, 5], "fm_above": 1, "fm_to": 3},
 {"segment": "New", "recency": [5, 5], "fm_to": 1},
 {"segment": "Promising", "recency": [4, 4], "fm_to": 1},
 {"segment": "Needs attention", "recency": [3, 3], "fm_above": 2, "fm_to": 3},
 {"segment": "Almost lost", "recency": [3, 3], "fm_to": 2},
 {"segment": "Previously loyal", "recency": [1, 2], "fm_above": 4},
 {"segment": "At risk", "recency": [1, 2], "fm_above": 2, "fm_to": 4},
 {"segment": "Dormant", "recency": [1, 2], "fm_to": 2}
]$json$);

-- Rows of users, not ours, belong into a dump.
SELECT pg_catalog.pg_extension_config_dump('rfm_scheme', 'WHERE NOT shipped');
