/** A new account: asked for here, made by the link in the mail. */
import { api } from "@/api/client";

export async function ask(name: string, email: string, password: string): Promise<void> {
  await api.POST("/api/v1/register", { body: { name, email, password } });
}
