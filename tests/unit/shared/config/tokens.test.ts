import { stringify } from 'yaml';
import { resolvedView } from '#shared/config/show';
import { minimal, Workspace } from './workspace';

const workspace = new Workspace();
afterAll(() => workspace.remove());

const OLD = 'hunter2-hunter2-hunter2';
const NEW = `${'A-b_c.9~+/'.repeat(3)}==`;

test('several tokens, as a list or as text with commas', () => {
  expect(workspace.load(minimal(`http: { tokens: [${OLD}, "${NEW}"] }`)).http.tokens).toEqual([OLD, NEW]);
  const environment = { FOREWARM_HTTP__TOKENS: `${OLD}, ${NEW}` };
  expect(workspace.load(minimal(), { environment }).http.tokens).toEqual([OLD, NEW]);
  expect(workspace.load(minimal(`http: { tokens: ${OLD} }`)).http.tokens).toEqual([OLD]);
});

test('they are shown nowhere', () => {
  const config = workspace.load(minimal(`http: { tokens: [${OLD}, "${NEW}"] }`));
  const view = resolvedView(config);
  expect(stringify(view)).not.toContain('hunter2');
  expect(view.settings).toMatchObject({ http: { tokens: ['***', '***'] } });
});

test.each([
  ['too short', '[hunter2]', 'a list of 1', 1],
  ['too short, by itself', 'hunter2', '***', 1],
  ['with a space', '"hunter2 hunter2 hunter2"', '***', 1],
  ['twice the same', `[${OLD}, ${OLD}]`, 'a list of 2', 2],
  ['a number', `[${OLD}, 12345678901234567]`, 'a list of 2', 2],
])('a token that is %s is refused by its place, and not shown', (_, tokens, given, place) => {
  const problems = workspace.problems(minimal(`http: { tokens: ${tokens} }`));
  expect(problems).toMatchObject([
    { path: 'http.tokens', given, expected: expect.stringMatching(`number ${place} is`) },
  ]);
  expect(JSON.stringify(problems)).not.toMatch(/hunter2|12345/);
});

test('a single number is refused and not shown', () => {
  const problems = workspace.problems(minimal('http: { tokens: 12345678901234567 }'));
  expect(problems).toMatchObject([{ path: 'http.tokens', given: '***' }]);
});
