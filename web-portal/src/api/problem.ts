/** What went wrong, in words for the person at the screen: what, where, and what to do. */

/** A refusal of the server, or that it could not be reached. */
export class Problem extends Error {
  /** Stable word, as `not-enough-credits`; `unreachable` where no answer came. */
  readonly code: string;
  /** HTTP status; 0 where no answer came. */
  readonly status: number;
  /** What to do about it, where that is known. */
  readonly help: string | undefined;
  /** Field of the request that was wrong. */
  readonly field: string | undefined;
  /** Seconds to wait before trying again, where the server said so. */
  readonly retryAfterSecs: number | undefined;

  constructor(parts: {
    code: string;
    status: number;
    message: string;
    help?: string | undefined;
    field?: string | undefined;
    retryAfterSecs?: number | undefined;
  }) {
    super(parts.message);
    this.name = "Problem";
    this.code = parts.code;
    this.status = parts.status;
    this.help = parts.help;
    this.field = parts.field;
    this.retryAfterSecs = parts.retryAfterSecs;
  }
}

/** No answer at all: the server is away, or the network is. */
export function unreachable(): Problem {
  return new Problem({
    code: "unreachable",
    status: 0,
    message: "The grid does not answer.",
    help: "Nothing is lost: jobs go on without this page. It tries again by itself.",
  });
}

const text = (value: unknown): string | undefined =>
  typeof value === "string" && value !== "" ? value.slice(0, 2000) : undefined;

/** Reads `application/problem+json`, however broken it is. */
export function problemOf(status: number, body: unknown, retryAfter?: string | null): Problem {
  const fields = (typeof body === "object" && body !== null ? body : {}) as Record<string, unknown>;
  const wait = retryAfter && /^\d{1,6}$/.test(retryAfter) ? Number(retryAfter) : undefined;
  return new Problem({
    code: text(fields.code) ?? text(fields.type) ?? `http-${status}`,
    status,
    message: sentence(text(fields.detail) ?? text(fields.title) ?? bare(status)),
    help: asSentence(text(fields.help)) ?? helpFor(status, wait),
    field: text(fields.field),
    retryAfterSecs: wait,
  });
}

/** The server's messages are lower-case fragments; on a page they are sentences. */
export function sentence(fragment: string): string {
  const first = fragment.charAt(0).toUpperCase() + fragment.slice(1);
  return /[.!?…]$/.test(first) ? first : `${first}.`;
}

const asSentence = (fragment: string | undefined) =>
  fragment === undefined ? undefined : sentence(fragment);

function bare(status: number): string {
  if (status === 401) return "You are not logged in";
  if (status === 403) return "This is not allowed to you";
  if (status === 404) return "There is nothing here, or it is not yours";
  if (status === 413) return "This is larger than the grid takes";
  if (status === 429) return "That was too often";
  if (status >= 500) return "The grid failed to answer";
  return `The grid refused this (status ${status})`;
}

function helpFor(status: number, wait: number | undefined): string | undefined {
  if (status === 429) return wait ? `Try again in ${wait} s.` : "Try again in a minute.";
  if (status >= 500) return "Try again; if it stays, tell the grid's operator what you did.";
  return undefined;
}

/** Any thrown thing as a problem. */
export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof TypeError) return unreachable();
  const message = error instanceof Error ? error.message : String(error);
  return new Problem({
    code: "page-failed",
    status: 0,
    message: sentence(message),
    help: "Load the page again.",
  });
}
