/** A link is good once: however often the page asks, it is sent once. */
import { api } from "@/api/client";
import type { Me } from "@/api/types";
import { queries } from "@/app/Providers";

const sent = new Map<string, Promise<Me>>();

export function confirmOnce(token: string): Promise<Me> {
  const running = sent.get(token);
  if (running) return running;
  const begun = (async () => {
    const { data } = await api.POST("/api/v1/confirm", { body: { token } });
    queries.clear();
    return data as Me;
  })();
  sent.set(token, begun);
  return begun;
}
