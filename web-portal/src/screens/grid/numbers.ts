/** Numbers that an operator types. Pure. */

const POWERS: Record<string, number> = { "": 1, k: 1e3, m: 1e6, g: 1e9, t: 1e12, p: 1e15 };

/** `500 G` as fuel; none where it is no amount. */
export function parseFuel(text: string): number | undefined {
  const match = /^(\d{1,15}(?:\.\d{1,6})?)\s*([kmgtp]?)$/i.exec(text.trim().replaceAll(",", ""));
  if (!match) return undefined;
  const value = Math.round(Number(match[1]) * (POWERS[(match[2] ?? "").toLowerCase()] ?? 1));
  return Number.isSafeInteger(value) ? value : undefined;
}

/** A whole number from 0 to `most`. */
export function wholeUpTo(text: string, most: number): number | undefined {
  const plain = text.trim().replaceAll(",", "");
  if (!/^\d{1,12}$/.test(plain)) return undefined;
  return Number(plain) <= most ? Number(plain) : undefined;
}
