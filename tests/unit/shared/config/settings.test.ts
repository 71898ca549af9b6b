import { modelSchema, settingsSchema } from '#shared/config/schema';
import { GLOBAL_SETTINGS, MODEL_SETTINGS, variableOf } from '#shared/config/settings';

test.each([
  [['keyPrefix'], 'FOREWARM_KEY_PREFIX'],
  [['http', 'port'], 'FOREWARM_HTTP__PORT'],
  [['postgres', 'poolSize'], 'FOREWARM_POSTGRES__POOL_SIZE'],
])('%j has the variable %s', (path, variable) => expect(variableOf(path)).toBe(variable));

test('every leaf of the schema is a setting that says what it does', () => {
  const leaves = (value: object): string[] =>
    Object.entries(value).flatMap(([name, below]) =>
      typeof below === 'object' && !Array.isArray(below) ? leaves(below).map((leaf) => `${name}.${leaf}`) : [name],
    );
  const names = leaves(settingsSchema.parse({}));
  const keys = GLOBAL_SETTINGS.map(({ key }) => key);
  expect(keys).toEqual(expect.arrayContaining(names));
  expect(MODEL_SETTINGS.map(({ key }) => key)).toEqual(Object.keys(modelSchema.shape));
  for (const { about } of [...GLOBAL_SETTINGS, ...MODEL_SETTINGS]) expect(about).toMatch(/^.{10,}\.$/);
});

test('no two settings share a variable, and each can be given as text', () => {
  const variables = GLOBAL_SETTINGS.map(({ variable }) => variable);
  expect(new Set(variables).size).toBe(variables.length);
  for (const { type, key } of GLOBAL_SETTINGS) expect([key, type.fromText]).toEqual([key, expect.any(Function)]);
});

test('every default is a value that the setting accepts', () => {
  for (const { default: value, type, key } of [...GLOBAL_SETTINGS, ...MODEL_SETTINGS]) {
    if (value === undefined) continue;
    const refused: string[] = [];
    type.read(value, (expected) => {
      refused.push(expected);
      return undefined;
    });
    expect([key, refused]).toEqual([key, []]);
  }
});
