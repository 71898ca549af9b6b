import { modelSchema, settingsSchema } from '#shared/config/schema';
import { sectionRegistry } from '#shared/config/setting';
import { GLOBAL_SETTINGS, type GlobalSetting, MODEL_SETTINGS, type Setting } from '#shared/config/settings';
import { table } from './table';

/** `docs/configuration.md`, written from the schema: the reference of every setting. */
export function configurationReference(): string {
  return [INTRODUCTION, ...globalTables(), MODELS, modelTable(), NOTES].join('\n\n').concat('\n');
}

const INTRODUCTION = `# Configuration

<!-- Generated from shared/src/config/schema.ts by ./scripts/docs. Do not edit: a test fails when they differ. -->

Forewarm reads one YAML file: \`--config PATH\`, else the variable \`FOREWARM_CONFIG\`, else \`forewarm.yaml\` in the
current folder. Everything in it is checked before anything starts, and all problems are reported at once, each with
its place. \`forewarm config check\` does only that; \`forewarm config show\` prints what results.

A setting is taken from the first of these that has it:

1. the command line, \`--set http.port=0\`;
2. the environment, with the variable that the tables name;
3. the file;
4. its default.

The name of a variable follows from the path of the setting: \`FOREWARM_\`, then the parts of the path in capitals,
joined by two underscores, with one underscore between words: \`postgres.poolSize\` is \`FOREWARM_POSTGRES__POOL_SIZE\`.
The three connection URLs have shorter names. A list is written with commas, \`FOREWARM_ROLES=scheduler,worker\`. An
empty variable counts as not set. Any other variable whose name begins with \`FOREWARM_\` is refused, because it is most
likely a slip of the pen; excepted are \`FOREWARM_CONFIG\`, all that begin with \`FOREWARM_TEST_\`, and those that
Kubernetes adds for services (\`FOREWARM_..._SERVICE_HOST\` and the like).

Durations are a number and a unit, \`500ms\`, \`20s\`, \`5m\`, \`2h\`, \`7d\`. Sizes are \`512B\`, \`64KiB\`, \`512MiB\`, \`2GiB\`,
\`1TiB\`. Passwords in URLs are never printed or logged.`;

const MODELS = `## models

A map of name to model; at least one. A name has 1 to 64 lower-case letters, digits, \`-\` and \`_\`, the first a letter
or digit. Paths are relative to the folder of the configuration file. Models are set in the file only; those of their
settings that are not lists or maps can also be given on the command line, \`--set models.calls.every=5s\`.`;

const NOTES = `### Axes

\`\`\`yaml
axes:
  day: { from: 0, to: 6 }               # 0, 1, 2, 3, 4, 5, 6
  dose: { from: 0, to: 1, step: 0.25 }  # 0, 0.25, 0.5, 0.75, 1
  region: [north, south]
\`\`\`

The last axis varies fastest in a row. An axis has numbers or texts, not both, and each value once. Its name has 1 to 64
letters, digits, \`-\` and \`_\`, the first a letter or \`_\`; \`category\` is taken.

### Categories

A category is any text of 1 to 512 bytes of UTF-8, and may be listed once. Many of them are kept in a file of their own:

\`\`\`yaml
categories: { file: data/stations.csv, column: name }
\`\`\`

| File | Content |
|---|---|
| \`.csv\` | A header line, then one category in each record, in the column \`column\` (default \`category\`). Quoting as in RFC 4180; blank lines are ignored. |
| \`.json\` | An array of strings, or an array of objects of which \`column\` (default \`category\`) is taken. |
| \`.txt\` | One category in each line; blank lines are ignored. |

The file is read again by a cycle that finds it changed: added categories appear, removed ones go with their rows. One that cannot be read, has fewer
than \`minCategories\` or lacks more than \`maxRemovedShare\` of those that are served leaves those of before in use, and cycles are degraded.

A list that is in a database is asked for at the start of each cycle, by a query in a transaction that only reads:

\`\`\`yaml
categories:
  query: select name from stations where open
  column: name
  file: data/stations.json
\`\`\`

\`file\` is where its last good answer is kept: commands, readers and the next start take the categories from there, and the first start writes it. \`url\`
and \`timeLimit\` (10s) are as those of \`features\`. A query that fails, takes too long or gives a category twice is like a file that cannot be read. Several
daemons keep a file each, or share one.

### Inputs

An input of the model that is named like an axis is fed with the values of that axis, and one named \`category\` with the
category. Where the names differ, say what each input is fed with:

\`\`\`yaml
inputs:
  hour_of_day: { axis: hour }
  station_name: { category: true }
  temperature: { constant: 20.5 }
\`\`\`

A category that is written as a decimal number, such as \`4711\`, can feed a numeric input.

An input that takes a matrix, \`[N, F]\`, is given a list of sources, whose columns follow one another in this order:

\`\`\`yaml
inputs:
  float_input:
    - { axis: day }
    - { axis: hour, transform: cyclic }
    - { category: index, vocabulary: { file: data/stations.csv, column: name } }
    - { clock: month, timezone: Europe/Berlin, transform: onehot }
    - { constant: 1 }
\`\`\`

| Source | Columns |
|---|---|
| \`{ axis: NAME }\` | The value of the axis. |
| \`{ category: true }\` | The category: text, or a number that is written as one. |
| \`{ category: index, vocabulary: LIST }\` | Its place in the vocabulary, from 0: the categories that the model was trained with, in their order, as a list or as \`{ file, column }\`. A category that is not among them is refused, where the model would answer with something. |
| \`{ category: onehot, vocabulary: LIST }\` | One column for each entry of the vocabulary: 1 where it is the category, else 0. |
| \`{ constant: VALUE }\` | A number, a text, \`true\` or \`false\`. |
| \`{ clock: FIELD, timezone: ZONE }\` | What the clock said when the cycle began: \`year\`, \`month\` (1 to 12), \`day\` (1 to 31), \`dayOfYear\` (1 to 366), \`weekday\` (0 is Monday), \`hour\`, \`minute\`, \`unixTime\` in seconds. The time zone is UTC where none is given. |
| \`{ feature: NAME }\` | What \`features\` have of the category: a number, a text, \`true\` or \`false\`. |

With \`transform: onehot\` an axis or a field of the clock becomes one column for each value that it can have, and with \`transform: cyclic\` two:
the sine and the cosine of 2π · value / number of values (of the position, for an axis of texts). All columns are converted to the element
type of the input: float, double, int64, int32, bool or string. A model whose first dimension is fixed is fed in groups of that size, the last
one filled up.

### Features

What is known of each category beside its name, and changes while the model does not, comes from a file, from a query, or from the configuration itself:

\`\`\`yaml
inputs:
  population: { feature: population }
  float_input: [{ axis: hour }, { feature: area }, { feature: is_urban }]
features:
  query: select station as category, population, area, is_urban, updated_at from stations
  time: updated_at
\`\`\`

| Setting | Content |
|---|---|
| \`features.file\` | A \`.csv\` file with a header line, or a \`.json\` file with an array of objects. |
| \`features.query\` | A query on PostgreSQL, run in a transaction that only reads. |
| \`features.rows\` | A list of maps, one for each category. |
| \`features.column\` | The column with the category; \`category\` unless it is named. |
| \`features.time\` | The column that says when a record was made: a time, or seconds since 1970. The newest one is the age of the data, which \`forewarm status\`, \`/v1/models\` and \`forewarm_data_timestamp_seconds\` tell apart from the age of the predictions. |
| \`features.url\` | Of a query: the database, where it is not that of \`postgres.url\`. |
| \`features.timeLimit\` | Of a query: what it may take, 10s unless it is set. |
| \`features.missing\` | What happens where a category is not in the table, or a value is empty, null, NaN or infinite: \`reject\`, the default, leaves the category out of the cycle, so that it keeps its old row, and the cycle is degraded; with \`default\` the value under \`defaults\` stands for it. |
| \`features.defaults\` | With \`missing: default\`: a value for each feature that inputs take. |

They are read at the start of each cycle, all its batches use the same ones, and with \`refresh: changed\` a row is computed anew when its features have changed. A
source that fails, takes too long, or gives no rows, a category twice, or not the columns that are needed leaves those of before in use, also after a restart:
cycles are degraded, and the alert \`features-refused\` says why until it is good again. Of what a column holds, text that is written as a number, \`true\`
or \`false\` is that for an input that is no text, and numbers are rounded to the nearest float32.

Readers that have the model itself as their last tier read the same source.

### Outputs

Of a model with one output that is a number, or some, per row nothing needs to be said. \`output\` chooses one, or several in a list, of a model that has more;
\`outputs\` names the values. The values of a classifier are named after its classes, where the graph tells them, and \`classes\` chooses some:

\`\`\`yaml
output: probabilities
classes: [fire, flood]
\`\`\`

\`ZipMap\`, with which scikit-learn's exporter ends a classifier by default, is taken out as the model is loaded. Whole numbers are stored as
float32 as long as that holds them exactly. \`forewarm model inspect FILE\` tells what a file has, and proposes a configuration.`;

function globalTables(): string[] {
  const loose = GLOBAL_SETTINGS.filter(({ path }) => path.length === 1);
  const sections = Object.entries(settingsSchema.shape).flatMap(([name, schema]) => {
    const about = sectionRegistry.get(schema)?.about;
    const settings = GLOBAL_SETTINGS.filter(({ path }) => path.length > 1 && path[0] === name);
    return about === undefined ? [] : [`## ${name}\n\n${about}`, globalTable(settings)];
  });
  return ['## General', globalTable(loose), ...sections];
}

function globalTable(settings: readonly GlobalSetting[]): string {
  return table(
    ['Setting', 'Type', 'Default', 'Environment variable', 'What it does'],
    settings.map((setting) => [...leading(setting), `\`${setting.variable}\``, setting.about]),
  );
}

function modelTable(): string {
  if (Object.keys(modelSchema.shape).length !== MODEL_SETTINGS.length) throw new Error('a model has no sections');
  return table(
    ['Setting', 'Type', 'Default', 'What it does'],
    MODEL_SETTINGS.map((setting) => [...leading(setting), setting.about]),
  );
}

function leading(setting: Setting): string[] {
  return [`\`${setting.key}\``, setting.type.label, defaultOf(setting)];
}

function defaultOf(setting: Setting): string {
  if (setting.required) return '(required)';
  if (setting.defaultText !== undefined) return setting.defaultText;
  if (setting.default === undefined) return '(none)';
  return `\`${Array.isArray(setting.default) ? `[${setting.default.join(', ')}]` : String(setting.default)}\``;
}
