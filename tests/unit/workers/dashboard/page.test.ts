import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { rewritePage, STYLE_SHEET } from '#workers/dashboard/page';

const page = readFileSync(join(dirname(require.resolve('@bull-board/ui/package.json')), 'dist/index.ejs'), 'utf8');

test("bull-board's page names another host, and what is served does not", () => {
  expect(page).toMatch(/<link[^>]*href="https:\/\//);
  const served = rewritePage(page);
  expect(served).not.toMatch(/(?:href|src)="(?:https?:)?\/\//);
  // All else is there.
  expect(served.match(/<script\b/g)).toEqual(page.match(/<script\b/g));
  expect(served).toContain('<link href="static/css/main.');
  expect(served).toContain(`<link href="${STYLE_SHEET}" rel="stylesheet"></head>`);
});

test.each([
  '<link href="https://fonts.example/css2?family=A&amp;display=swap" rel="stylesheet">',
  '<link rel="stylesheet" href="//fonts.example/a.css" />',
  '<script defer src="http://cdn.example/a.js"></script>',
])('%s goes', (element) => {
  expect(rewritePage(`<head>${element}<link href="static/a.css"></head>`)).toBe(
    `<head><link href="static/a.css"><link href="${STYLE_SHEET}" rel="stylesheet"></head>`,
  );
});
