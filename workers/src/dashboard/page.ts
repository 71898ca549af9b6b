/** What Forewarm changes in bull-board's page. */

/** Where the style sheet below is, from the page. */
export const STYLE_SHEET = 'static/forewarm.css';

/** Everything from another host, such as the web font: on a closed network the page would wait for it in vain. */
const FOREIGN = /<(?:link|script)\b[^>]*\s(?:href|src)="(?:https?:)?\/\/[^"]*"[^>]*>(?:<\/script>)?/g;

export function rewritePage(html: string): string {
  return html.replace(FOREIGN, '').replace('</head>', `<link href="${STYLE_SHEET}" rel="stylesheet"></head>`);
}

/**
 * bull-board shows all its buttons for a queue that takes a job. Here such a queue takes a job and nothing else: what the server
 * refuses is not shown. Icons and the lasting parts of class names tell the buttons; bull-board's own styles come later, hence
 * `!important`. Its web font has no thin letters, but other fonts do.
 */
export const STYLE = `
[role='menuitem']:has(.lucide-ban, .lucide-chart-no-axes-gantt, .lucide-gauge, .lucide-pause, .lucide-play,
  .lucide-refresh-cw, .lucide-trash-2),
[class*='dropdown-'] > [role='separator'],
[class*='jobActions-'],
[class*='queueActions-'],
[class*='actionsCell-'] button,
[class*='editButton-'],
#add-job-form > :has([name='queueName'], #job-name, #job-options) { display: none !important; }

[class*='description-'], [class*='timeline-'], [class*='progress-'] text, [class*='redisStats-'] { font-weight: 400 !important; }
`;
