// A process that supervises the embedded servers of one folder, to be killed by tests.
// usage: node supervise.cjs FOLDER STORE   (writes one line of JSON when the servers run)
const { EmbeddedServices } = require('#workers/embedded/embedded-services');

const [folder, store] = process.argv.slice(2);
const services = new EmbeddedServices({
  folder,
  stores: [store],
  environment: { PATH: process.env.PATH },
  log: () => undefined,
});
const say = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);

process.on('SIGINT', () => say({ signal: 'SIGINT' }));
process.on('SIGUSR2', () => process.exit(0));
process.on('SIGTERM', () => services.stop());

services.start().then(
  () => say({ pids: services.pids, redisUrl: services.redisUrl, postgresUrl: services.postgresUrl }),
  (error) => {
    say({ code: error.code, message: error.message });
    process.exitCode = 1;
  },
);
