/**
 * Server-sent events over `fetch`, because an `EventSource` can send no token. A broken stream is taken up again
 * after a growing pause, with the id of the last event that came.
 */
import { createParser, type EventSourceMessage } from "eventsource-parser";

/** First and longest pause before the next try, milliseconds. */
const PAUSE_FIRST_MS = 500;
const PAUSE_MAX_MS = 20_000;
/** The server says something every 15 s; what is silent for longer is dead. */
const SILENCE_MAX_MS = 45_000;
/** Longest event that is taken, characters. */
const EVENT_MAX = 8 << 20;

export type StreamState = "connecting" | "live" | "broken";

export type StreamOptions = {
  /** Where from; called for each try. */
  open: (lastId: string | undefined, signal: AbortSignal) => Promise<Response>;
  onEvent: (event: EventSourceMessage) => void;
  onState?: (state: StreamState) => void;
  /** Whether an error ends it all, as a refusal does. */
  isFinal?: (error: unknown) => boolean;
  signal: AbortSignal;
  pauseFirstMs?: number;
  silenceMaxMs?: number;
};

/** Pause before try number `failures` (1 is the first again), milliseconds; `chance` in 0..1 spreads the crowd. */
export function pauseMs(failures: number, chance: number, firstMs = PAUSE_FIRST_MS): number {
  const whole = Math.min(PAUSE_MAX_MS, firstMs * 2 ** Math.min(failures - 1, 16));
  return Math.round(whole * (0.5 + chance / 2));
}

/** Follows a stream until `signal` aborts or an error is final (which it throws). */
export async function follow(options: StreamOptions): Promise<void> {
  const { signal, onState } = options;
  let lastId: string | undefined;
  let failures = 0;
  while (!signal.aborted) {
    onState?.("connecting");
    try {
      await once(options, lastId, (event) => {
        if (event.id !== undefined) lastId = event.id;
        failures = 0;
        options.onEvent(event);
      });
    } catch (error) {
      if (signal.aborted) return;
      if (options.isFinal?.(error)) throw error;
    }
    if (signal.aborted) return;
    onState?.("broken");
    failures += 1;
    await sleep(pauseMs(failures, Math.random(), options.pauseFirstMs), signal);
  }
}

async function once(
  options: StreamOptions,
  lastId: string | undefined,
  onEvent: (event: EventSourceMessage) => void,
): Promise<void> {
  const silence = watchdog(options.signal, options.silenceMaxMs ?? SILENCE_MAX_MS);
  try {
    const response = await options.open(lastId, silence.signal);
    const reader = response.body?.getReader();
    if (!reader) throw new TypeError("a stream without a body");
    options.onState?.("live");
    const parser = createParser({ onEvent, maxBufferSize: EVENT_MAX });
    const decoder = new TextDecoder();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      silence.alive();
      parser.feed(decoder.decode(value, { stream: true }));
    }
  } finally {
    silence.end();
  }
}

function watchdog(outer: AbortSignal, patienceMs: number) {
  const inner = new AbortController();
  const stop = () => inner.abort();
  outer.addEventListener("abort", stop, { once: true });
  let timer = setTimeout(stop, patienceMs);
  return {
    signal: inner.signal,
    alive() {
      clearTimeout(timer);
      timer = setTimeout(stop, patienceMs);
    },
    end() {
      clearTimeout(timer);
      outer.removeEventListener("abort", stop);
      inner.abort();
    },
  };
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    function done() {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    }
    signal.addEventListener("abort", done, { once: true });
  });
}
