/** What an account is, and what can be changed of it. */
import { useInfiniteQuery } from "@tanstack/react-query";
import { $api, api, call } from "@/api/client";
import { keepToken } from "@/api/session";
import { queries } from "@/app/Providers";
import { day } from "@/words/format";

export type Self = {
  id: string;
  name: string;
  operator: boolean;
  email: string | undefined;
  emailConfirmed: boolean;
  totp: boolean;
  hasPassword: boolean;
  /** Whether this page is logged in by a password, not by a token. */
  session: boolean;
  scopes: string[];
};

export const useSelf = () =>
  $api.useQuery(
    "get",
    "/api/v1/me",
    {},
    {
      select: (me): Self => ({
        id: me.id,
        name: me.name,
        operator: me.role === "operator",
        email: me.email ?? undefined,
        emailConfirmed: me.email_confirmed ?? false,
        totp: me.totp ?? false,
        hasPassword: me.has_password ?? false,
        session: me.session ?? false,
        scopes: me.scopes,
      }),
    },
  );

const again = (path: string) => queries.invalidateQueries({ queryKey: ["get", path] });

export async function rename(name: string): Promise<void> {
  await api.PATCH("/api/v1/me", { body: { name } });
  await again("/api/v1/me");
}

export async function changeEmail(email: string, password: string): Promise<void> {
  await api.POST("/api/v1/me/email", { body: { email, password } });
  await again("/api/v1/me");
}

export async function changePassword(current: string, next: string): Promise<void> {
  await api.POST("/api/v1/password", { body: { current, new: next } });
  await again("/api/v1/sessions");
}

export async function beginTotp(password: string): Promise<{ secret: string; url: string }> {
  const { data } = await api.POST("/api/v1/totp", { body: { password } });
  return data ?? { secret: "", url: "" };
}

export async function confirmTotp(code: string): Promise<string[]> {
  const { data } = await api.POST("/api/v1/totp/confirm", { body: { code } });
  await again("/api/v1/me");
  return data?.recovery ?? [];
}

export async function removeTotp(password: string, code: string): Promise<void> {
  await api.POST("/api/v1/totp/remove", { body: { password, code } });
  await again("/api/v1/me");
}

export const useSessions = () => $api.useQuery("get", "/api/v1/sessions", {});

export async function endSession(id: string): Promise<void> {
  await api.DELETE("/api/v1/sessions/{id}", { params: { path: { id } } });
  await again("/api/v1/sessions");
}

export async function endOthers(): Promise<void> {
  await api.DELETE("/api/v1/sessions", {});
  await again("/api/v1/sessions");
}

/** Log out here. The page forgets everything that it knew. */
export async function logOut(session: boolean): Promise<void> {
  if (session) await api.DELETE("/api/v1/session", {});
  keepToken(undefined);
  queries.clear();
}

export const useTokens = () => $api.useQuery("get", "/api/v1/tokens", {});

export async function makeToken(name: string, scopes: string[], days: number): Promise<string> {
  const { data } = await api.POST("/api/v1/tokens", { body: { name, scopes, days } });
  await again("/api/v1/tokens");
  return data?.token ?? "";
}

export async function endToken(id: string): Promise<void> {
  await api.DELETE("/api/v1/tokens/{id}", { params: { path: { id } } });
  await again("/api/v1/tokens");
}

export const useKeys = () => $api.useQuery("get", "/api/v1/keys", {});

export async function addKey(key: string, name: string): Promise<void> {
  await api.POST("/api/v1/keys", { body: { key, name } });
  await again("/api/v1/keys");
}

export async function removeKey(key: string): Promise<void> {
  await api.DELETE("/api/v1/keys/{key}", { params: { path: { key } } });
  await again("/api/v1/keys");
}

/** All that is kept of the account, as a file for its owner. */
export async function download(name: string): Promise<void> {
  const response = await call("/api/v1/me/export");
  const url = URL.createObjectURL(await response.blob());
  const link = document.createElement("a");
  link.href = url;
  link.download = `fallow-${name.replace(/[^a-zA-Z0-9_-]/g, "_")}-${day(Date.now()).replaceAll(" ", "-")}.json`;
  link.click();
  URL.revokeObjectURL(url);
}

export async function forget(password: string, code: string): Promise<void> {
  await api.POST("/api/v1/me/delete", { body: { password, ...(code ? { code } : {}) } });
  keepToken(undefined);
  queries.clear();
}

/** What was done by and to the account, newest first. */
export const useRecord = () =>
  useInfiniteQuery({
    queryKey: ["get", "/api/v1/me/audit", "pages"],
    initialPageParam: "",
    queryFn: async ({ pageParam }) => {
      const query = { limit: 50, ...(pageParam ? { cursor: pageParam } : {}) };
      const { data } = await api.GET("/api/v1/me/audit", { params: { query } });
      return data ?? { items: [] };
    },
    getNextPageParam: (last) => last.next ?? undefined,
  });
