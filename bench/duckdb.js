/*
 * duckdb.js: the first refresh of a segmentation against the way out to DuckDB
 * and back, by hand: node bench/duckdb.js [RUNS]
 *
 * Needs a server with the extension and the table orders of bench/run (what
 * KEEP=1 make bench leaves), reached by PGHOST, PGPORT, ... as a superuser, and
 * DuckDB's npm package, installed outside of this repository:
 *
 *	 npm install --prefix /tmp/duckdb @duckdb/node-api
 *	 NODE_PATH=/tmp/duckdb/node_modules node bench/duckdb.js
 *
 * DuckDB's way: COPY the orders to a CSV file, read it with the column types
 * given and reduce it to one row per customer with three ntile(5), write that
 * as CSV, COPY it into a new table and add the primary key.  Both ways do what
 * bench/run compares, in turn; the first run of each is not counted.
 */
'use strict';

const { spawnSync } = require('child_process');
const fs = require('fs');
const os = require('os');
const path = require('path');
const { DuckDBInstance } = require('@duckdb/node-api');

const runs = Number(process.argv[2] || 5);
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'segment-duckdb-'));
const orders = path.join(folder, 'orders.csv');
const members = path.join(folder, 'members.csv');

function psql(...commands) {
	const args = ['-XqAt', '-v', 'ON_ERROR_STOP=1', ...commands.flatMap((c) => ['-c', c])];
	const result = spawnSync('psql', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });

	if (result.status !== 0)
		throw new Error(`psql ended with status ${result.status}`);
	return result.stdout.trim();
}

async function seconds(steps, name, work) {
	const start = process.hrtime.bigint();

	await work();
	(steps[name] ||= []).push(Number(process.hrtime.bigint() - start) / 1e9);
}

/* the first run fills caches */
function median(values) {
	const counted = values.slice(1).sort((a, b) => a - b);

	return (counted[(counted.length - 1) >> 1] + counted[counted.length >> 1]) / 2;
}

async function by_duckdb(steps) {
	psql('DROP TABLE IF EXISTS from_duckdb', 'CHECKPOINT');
	await seconds(steps, 'COPY orders out', () =>
		psql(`\\copy (SELECT customer_id, ordered_at, amount FROM orders) TO '${orders}' (FORMAT csv)`));
	await seconds(steps, 'read, group, ntile, write', async () => {
		const instance = await DuckDBInstance.create(':memory:');
		const connection = await instance.connect();

		await connection.run(`
			COPY (SELECT customer_id, ntile(5) OVER (ORDER BY max(ordered_at)) AS r,
					ntile(5) OVER (ORDER BY count(*)) AS f, ntile(5) OVER (ORDER BY sum(amount)) AS m,
					max(ordered_at) AS last_order_at, count(*) AS frequency, sum(amount) AS monetary
				FROM read_csv('${orders}', header = false, auto_detect = false, columns = {
					'customer_id': 'BIGINT', 'ordered_at': 'TIMESTAMPTZ', 'amount': 'DECIMAL(18, 2)'})
				WHERE ordered_at < '2026-01-01 00:00:00+00'::TIMESTAMPTZ GROUP BY customer_id)
			TO '${members}' (FORMAT csv, HEADER false)`);
		connection.closeSync();
		instance.closeSync();
	});
	await seconds(steps, 'COPY back, primary key', () =>
		psql('CREATE TABLE from_duckdb (customer_id bigint, r int, f int, m int, last_order_at timestamptz, frequency bigint, monetary numeric)',
			`\\copy from_duckdb FROM '${members}' (FORMAT csv)`,
			'ALTER TABLE from_duckdb ADD PRIMARY KEY (customer_id)'));
}

async function by_segment(steps) {
	psql('SELECT count(segment.drop_segmentation(name)) FROM segment.segmentation',
		"SELECT segment.create_rfm_segmentation('bench', 'SELECT customer_id, ordered_at, amount FROM orders')",
		'CHECKPOINT');
	await seconds(steps, 'first refresh', () =>
		psql("SELECT (segment.refresh_segmentation('bench', '2026-01-01')).outcome"));
}

/* Both summaries must be the same, or the times say nothing. */
function check() {
	const differ = psql("SELECT count(*) FROM from_duckdb AS d FULL JOIN segment.rfm_summary(NULL::bigint, 'SELECT customer_id, ordered_at, amount FROM orders', '2026-01-01', refunds => 'order') AS s ON d.customer_id = s.customer WHERE (d.frequency, d.monetary, d.last_order_at) IS DISTINCT FROM (s.frequency, s.monetary, s.last_order_at)");

	if (differ !== '0')
		throw new Error(`${differ} customers differ`);
}

async function main() {
	const steps = {};

	process.env.PGTZ = 'UTC';
	process.env.PGOPTIONS = '-c client_min_messages=warning';
	try {
		for (let i = 0; i <= runs; i++) {
			await by_duckdb(steps);
			await by_segment(steps);
		}
		check();
	} finally {
		fs.rmSync(folder, { recursive: true });
	}
	for (const [name, values] of Object.entries(steps))
		console.log(`${name.padEnd(30)} ${median(values).toFixed(2)} s`);
}

main();
