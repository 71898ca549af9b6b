import { CONDITIONS, type ConditionName } from '#shared/alerts/conditions';
import { formatDuration } from '#shared/config/duration';
import { GLOBAL_SETTINGS, MODEL_SETTINGS, type Setting } from '#shared/config/settings';

/** What the catalogue says of a condition, as the first lines of its run book have it. */
export function runBookFacts(name: ConditionName): string {
  const { severity, scope, fireAfterMs, settings, causes, byJobs } = CONDITIONS[name];
  const about = { model: 'one model', deployment: 'the deployment', host: 'one machine' }[scope];
  const when = byJobs
    ? 'fires when a job meets it'
    : fireAfterMs === 0
      ? 'fires at once'
      : `fires when it has been so for ${formatDuration(fireAfterMs)} (\`alerts.fireAfter\`)`;
  const bounds = settings.map((path) => {
    const setting = settingAt(path);
    const model = path.startsWith('models.*.') ? ' of the model' : '';
    return `\`${path.replace('models.*.', '')}\`${model} (${defaultOf(setting)})`;
  });
  return [
    `*${severity === 'critical' ? 'Critical' : 'Warning'}, about ${about}; ${when}.*`,
    ...(bounds.length === 0 ? [] : ['', `Bounds: ${bounds.join(', ')}.`]),
    ...(causes.length === 0
      ? []
      : [
          '',
          `Not told while one of these explains it: ${causes.map((cause) => `[${cause}](${cause}.md)`).join(', ')}.`,
        ]),
  ].join('\n');
}

/** @throws Error where there is no such setting */
export function settingAt(path: string): Setting {
  const model = /^models\.\*\.(.+)$/.exec(path)?.[1];
  const found =
    model === undefined
      ? GLOBAL_SETTINGS.find(({ key }) => key === path)
      : MODEL_SETTINGS.find(({ key }) => key === model);
  if (found === undefined) throw new Error(`there is no setting ${path}`);
  return found;
}

function defaultOf({ default: value, defaultText }: Setting): string {
  if (defaultText !== undefined) return defaultText;
  return value === undefined ? 'none unless set' : String(value);
}
