import { type CatalogueEntry, ERROR_CATALOGUE, type ErrorCode, type ErrorKind, EXIT_CODES } from '#shared/errors';
import { table } from './table';

/** `docs/errors.md`, written from the catalogue: every error that a user can meet. */
export function errorReference(): string {
  return [INTRODUCTION, exitCodes(), ...KINDS.map(section)].join('\n\n').concat('\n');
}

const INTRODUCTION = `# Errors

<!-- Generated from shared/src/errors.ts by ./scripts/docs. Do not edit: a test fails when they differ. -->

Every error has a code that does not change: scripts may match on it. Its message says what was wrong and where; with it
comes what to do next. On the command line, \`--json\` prints all of it as an object with \`code\`, \`message\`, \`next\` and
\`details\`; logs carry \`code\` and \`error\`.

*Passes by itself* means that the same work may succeed later without anybody changing anything: a job that fails with
such an error is tried again while it has attempts left.`;

interface KindText {
  readonly kind: ErrorKind;
  readonly title: string;
  readonly means: string;
}

/** In the order of the page. */
const KINDS: readonly KindText[] = [
  { kind: 'input', title: 'Something that was given is wrong', means: 'Something that was given is wrong; mend it.' },
  { kind: 'unavailable', title: 'A server cannot be reached', means: 'Redis or PostgreSQL cannot be reached.' },
  { kind: 'notFound', title: 'There is no such thing', means: 'What was asked for is not there.' },
  {
    kind: 'refused',
    title: 'It was refused',
    means: 'It cannot be done as things are now, here or in the deployment.',
  },
  { kind: 'internal', title: 'Something went wrong', means: 'Something went wrong while Forewarm worked.' },
];

function exitCodes(): string {
  const rows = KINDS.map(({ kind, means }) => [EXIT_CODES[kind], means] as const);
  const all = [[EXIT_CODES.ok, 'It worked.'] as const, ...rows].sort(([a], [b]) => a - b);
  const lines = all.map(([code, means]) => [String(code), means]);
  return `## Exit codes\n\n${table(['Exit code', 'What it means'], lines)}`;
}

function section({ kind, title }: KindText): string {
  const entries = (Object.entries(ERROR_CATALOGUE) as [ErrorCode, CatalogueEntry][]).filter(
    ([, entry]) => entry.kind === kind,
  );
  const rows = entries.map(([code, { means, next, retryable }]) => [
    `\`${code}\``,
    means,
    next,
    retryable ? 'yes' : 'no',
  ]);
  const head = ['Code', 'What it means', 'What to do next', 'Passes by itself'];
  return `## ${title}\n\nExit code ${EXIT_CODES[kind]}.\n\n${table(head, rows)}`;
}
