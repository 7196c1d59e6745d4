/** A forgotten password. */
import { api } from "@/api/client";

export async function ask(email: string): Promise<void> {
  await api.POST("/api/v1/password/forgot", { body: { email } });
}

export async function choose(token: string, password: string): Promise<void> {
  await api.POST("/api/v1/password/reset", { body: { token, password } });
}
