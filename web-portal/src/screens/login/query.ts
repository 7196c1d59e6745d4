/** Ways in. */

import { $api, api } from "@/api/client";
import { asProblem, Problem } from "@/api/problem";
import { keepToken } from "@/api/session";
import { queries } from "@/app/Providers";

/** What a visitor may know of the grid. */
export type Door = { name: string; registration?: string };

export const useGrid = () =>
  $api.useQuery("get", "/api/v1/grid", {}, { staleTime: 600_000, select: (grid): Door => grid });

/** Whether somebody without an account may make one. A server that does not say lets everybody try. */
export const mayRegister = (grid: Door | undefined): boolean => grid?.registration !== "closed";

/** Result of a try: in, or a code of the second factor is asked for. */
export type LogIn = "in" | "code";

export async function byPassword(login: string, password: string, code?: string): Promise<LogIn> {
  try {
    await api.POST("/api/v1/session", { body: { login, password, ...(code ? { code } : {}) } });
  } catch (error) {
    if (asProblem(error).code === "second-factor" && !code) return "code";
    throw error;
  }
  queries.clear();
  return "in";
}

/** A token is tried before it is kept; it is kept in memory only. */
export async function byToken(token: string): Promise<LogIn> {
  keepToken(token.trim());
  try {
    await api.GET("/api/v1/me", {});
  } catch (error) {
    keepToken(undefined);
    const problem = asProblem(error);
    if (problem.status !== 401) throw problem;
    throw new Problem({
      code: "wrong-credentials",
      status: 401,
      message: "This token is not known here, or it has ended.",
      help: "`fallow token` makes a new one.",
    });
  }
  queries.clear();
  return "in";
}
