import { CronExpressionParser } from 'cron-parser';
import { messageOf } from '../errors';
import type { ValueType } from './values';

/** Settings that say when something happens. */

/** Five fields of cron, as the queue's scheduler understands them. */
export const cron: ValueType<string> = {
  label: 'five fields of cron',
  fromText: (text) => text,
  read(raw, refuse) {
    const example = 'the five fields of cron, such as "15 3 * * *"';
    if (typeof raw !== 'string' || raw.trim().split(/\s+/).length !== 5) return refuse(example);
    try {
      CronExpressionParser.parse(raw);
      return raw;
    } catch (error) {
      return refuse(`${example} (${messageOf(error)})`);
    }
  },
};

/** The name of a time zone. */
export const timezone: ValueType<string> = {
  label: 'name of a time zone',
  fromText: (text) => text,
  read(raw, refuse) {
    const expected = 'the name of a time zone, such as UTC or Europe/Berlin';
    if (typeof raw !== 'string' || raw === '') return refuse(expected);
    try {
      new Intl.DateTimeFormat('en', { timeZone: raw });
      return raw;
    } catch {
      return refuse(expected);
    }
  },
};
