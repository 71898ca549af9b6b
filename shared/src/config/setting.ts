import { z } from 'zod';
import type { ValueType } from './values';

/** How a schema says what a setting is: its type, default and meaning live together and nowhere else. */

export interface SettingInfo {
  readonly type: ValueType<unknown>;
  /** What it does: one line of the reference. */
  readonly about: string;
  /** As one would write it in YAML; `undefined` when there is none. */
  readonly default: unknown;
  /** How the reference shows the default where it is no plain value. */
  readonly defaultText: string | undefined;
  readonly required: boolean;
  /** Name of its environment variable where it is not the one that follows from the path. */
  readonly variable: string | undefined;
  /** Its value is masked wherever it is shown: the passwords in a URL, or the whole of it. */
  readonly secret: boolean | 'whole';
}

type Extra = Partial<Pick<SettingInfo, 'defaultText' | 'variable' | 'secret'>>;

export interface SectionInfo {
  readonly about: string;
}

export const settingRegistry = z.registry<SettingInfo>();
export const sectionRegistry = z.registry<SectionInfo>();

export function withDefault<T>(type: ValueType<T>, value: unknown, about: string, extra: Extra = {}): z.ZodType<T> {
  return described(schemaOf(type).prefault(value), type, about, { ...extra, default: value });
}

export function optional<T>(type: ValueType<T>, about: string, extra: Extra = {}): z.ZodType<T | undefined> {
  return described(schemaOf(type).optional(), type, about, extra);
}

export function required<T>(type: ValueType<T>, about: string): z.ZodType<T> {
  return described(schemaOf(type), type, about, { required: true });
}

/** A map of settings. All of them may be left out, and so may the section. */
export function section<const S extends z.ZodRawShape>(about: string, shape: S) {
  const object = z.strictObject(shape);
  const schema = object.prefault({} as z.input<typeof object>);
  schema.register(sectionRegistry, { about });
  return schema;
}

/** What is in a section; `undefined` when the schema is no section. */
export function shapeOf(schema: z.core.$ZodType): z.ZodRawShape | undefined {
  if (!(schema instanceof z.ZodPrefault)) return undefined;
  const inner = schema.unwrap();
  return inner instanceof z.ZodObject ? inner.shape : undefined;
}

/** An issue of the schema carries in `message` what was expected. */
function schemaOf<T>(type: ValueType<T>) {
  return z.unknown().transform((raw, context): T => {
    const value = type.read(raw, (expected, path = []) => {
      context.addIssue({ code: 'custom', message: expected, path: [...path], input: raw });
      return undefined;
    });
    return value === undefined ? z.NEVER : value;
  });
}

function described<S extends z.ZodType>(
  schema: S,
  type: ValueType<unknown>,
  about: string,
  extra: Partial<SettingInfo>,
): S {
  const info = { default: undefined, defaultText: undefined, required: false, variable: undefined, secret: false };
  settingRegistry.add(schema, { type, about, ...info, ...extra });
  return schema;
}
