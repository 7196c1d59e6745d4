/** The operator's first way in: a link that is good once, then an address and a password of one's own. */
import { api } from "@/api/client";
import type { Me } from "@/api/types";
import { queries } from "@/app/Providers";

const sent = new Map<string, Promise<Me>>();

/** A session for the link's account. */
export function enterOnce(token: string): Promise<Me> {
  const running = sent.get(token);
  if (running) return running;
  const begun = (async () => {
    const { data } = await api.POST("/api/v1/session/link", { body: { token } });
    queries.clear();
    return data as Me;
  })();
  sent.set(token, begun);
  return begun;
}

export async function setFirst(email: string, password: string): Promise<void> {
  await api.POST("/api/v1/password/first", { body: { email, password } });
  queries.clear();
}
