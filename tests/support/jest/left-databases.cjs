/** The databases that a test file made on the shared PostgreSQL (see `createDatabase`) and did not drop. */

const connectMs = 10_000;

/**
 * One line for each database of the test file, with its connections; they are dropped. Call it when every process of the file
 * has ended. Empty where there is no shared server.
 * @param file value of FOREWARM_TEST_FILE while the test file ran
 */
async function leftDatabases(file) {
  const url = process.env.FOREWARM_TEST_POSTGRES_URL;
  if (url === undefined) return [];
  // Loaded where it is needed only.
  const { Client } = require('pg');
  const client = new Client({ connectionString: url, connectionTimeoutMillis: connectMs });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query(
      `SELECT datname AS name, (SELECT count(*) FROM pg_stat_activity WHERE datname = d.datname) AS connections
       FROM pg_database d WHERE starts_with(datname, $1) ORDER BY datname`,
      [`test_${file.slice(0, 8)}_`],
    );
    for (const { name } of rows) await client.query(`DROP DATABASE ${name} WITH (FORCE)`);
    return rows.map(
      ({ name, connections }) => `database ${name} on the shared PostgreSQL, with ${connections} connections`,
    );
  } catch (error) {
    return [`the shared PostgreSQL, which cannot be asked any more: ${error.message}`];
  } finally {
    await client.end().catch(() => undefined);
  }
}

module.exports = { leftDatabases };
