/** What a form looks at by itself before anything is sent; the server looks again. Pure. */

export type Values = Record<string, string>;
/** By field, in the order in which they stand: what is wrong with its value, if anything. */
export type Checks = Record<string, (value: string, all: Values) => string | undefined>;

/** Bytes of a password: the server's limits. */
export const PASSWORD_MIN = 10;
export const PASSWORD_MAX = 1024;

const bytes = (text: string) => new TextEncoder().encode(text).length;

/** The first field that is wrong. */
export function firstWrong(values: Values, checks: Checks): { field: string; text: string } | undefined {
  for (const [field, check] of Object.entries(checks)) {
    const text = check(values[field] ?? "", values);
    if (text) return { field, text };
  }
  return undefined;
}

export const filled =
  (what: string) =>
  (value: string): string | undefined =>
    value.trim() === "" ? `${what} is missing.` : undefined;

export function email(value: string): string | undefined {
  const text = value.trim();
  if (text === "") return "An e-mail address is missing.";
  if (!/^[^\s@]+@[^\s@]+$/.test(text) || text.length > 254) return "This is no e-mail address.";
  return undefined;
}

export function newPassword(value: string): string | undefined {
  const length = bytes(value);
  if (length === 0) return "A password is missing.";
  if (length < PASSWORD_MIN) return `It is too short: ${PASSWORD_MIN} characters at least.`;
  if (length > PASSWORD_MAX) return `It is too long: ${PASSWORD_MAX} bytes at most.`;
  return undefined;
}

/** Names that are part of addresses and commands: no `@`, which tells names from e-mail addresses. */
export function name(value: string): string | undefined {
  const text = value.trim();
  if (text === "") return "A name is missing.";
  if (text.includes("@")) return "A name has no @ in it.";
  return undefined;
}

/** The very word that a destructive action asks for. */
export const exactly =
  (word: string) =>
  (value: string): string | undefined =>
    value.trim() === word ? undefined : `Type ${word} to go on.`;
