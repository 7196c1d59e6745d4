/** What an operator sees and does. */
import { useInfiniteQuery } from "@tanstack/react-query";
import { $api, api } from "@/api/client";
import type { Page } from "@/api/types";
import { queries } from "@/app/Providers";

const PAGE = 50;

/** A list with pages: `fetch` gets the cursor, which is empty at first. */
export const useList = <T>(
  key: readonly unknown[],
  fetch: (cursor: { cursor?: string; limit: number }) => Promise<Page<T> | undefined>,
) =>
  useInfiniteQuery({
    queryKey: ["operator", ...key],
    initialPageParam: "",
    queryFn: async ({ pageParam }): Promise<Page<T>> =>
      (await fetch({ limit: PAGE, ...(pageParam ? { cursor: pageParam } : {}) })) ?? { items: [] },
    getNextPageParam: (last) => last.next ?? undefined,
    placeholderData: (before) => before,
  });

const search = (q: string | undefined) => (q ? { query: q } : {});

export const useUsers = (q: string | undefined) =>
  useList(["users", q], async (page) => {
    const { data } = await api.GET("/api/v1/admin/users", { params: { query: { ...search(q), ...page } } });
    return data;
  });

export const useNodes = (q: string | undefined) =>
  useList(["nodes", q], async (page) => {
    const { data } = await api.GET("/api/v1/admin/nodes", { params: { query: { ...search(q), ...page } } });
    return data;
  });

export const useJobs = (q: string | undefined) =>
  useList(["jobs", q], async (page) => {
    const { data } = await api.GET("/api/v1/admin/jobs", { params: { query: { ...search(q), ...page } } });
    return data;
  });

export const useModules = (q: string | undefined) =>
  useList(["modules", q], async (page) => {
    const { data } = await api.GET("/api/v1/admin/modules", { params: { query: { ...search(q), ...page } } });
    return data;
  });

export const useDisputes = () =>
  useList(["disputes"], async (page) => {
    const { data } = await api.GET("/api/v1/disputes", { params: { query: page } });
    return data;
  });

export const useReports = () =>
  useList(["reports"], async (page) => {
    const { data } = await api.GET("/api/v1/admin/reports", { params: { query: page } });
    return data;
  });

export const useLedger = (narrow: { account?: string; job?: string; cause?: string }) =>
  useList(["ledger", narrow], async (page) => {
    const { data } = await api.GET("/api/v1/admin/ledger", { params: { query: { ...narrow, ...page } } });
    return data;
  });

export const useAudit = (narrow: { actor?: string; action?: string }) =>
  useList(["audit", narrow], async (page) => {
    const { data } = await api.GET("/api/v1/admin/audit", { params: { query: { ...narrow, ...page } } });
    return data;
  });

export const useTrial = () => $api.useQuery("get", "/api/v1/ledger/trial", {});
export const useHealth = () => $api.useQuery("get", "/api/v1/admin/health", {}, { refetchInterval: 10_000 });

const again = () => queries.invalidateQueries({ queryKey: ["operator"] });
const id = (id: string) => ({ params: { path: { id } } });

export async function suspendUser(user: string, reason: string): Promise<void> {
  await api.POST("/api/v1/admin/users/{id}/suspend", { ...id(user), body: { reason } });
  await again();
}

export async function restoreUser(user: string): Promise<void> {
  await api.POST("/api/v1/admin/users/{id}/restore", id(user));
  await again();
}

export async function suspendNode(node: string, reason: string): Promise<void> {
  await api.POST("/api/v1/admin/nodes/{id}/suspend", { ...id(node), body: { reason } });
  await again();
}

export async function restoreNode(node: string): Promise<void> {
  await api.POST("/api/v1/admin/nodes/{id}/restore", id(node));
  await again();
}

export async function suspendModule(digest: string, reason: string): Promise<void> {
  const params = { path: { digest } };
  await api.POST("/api/v1/admin/modules/{digest}/suspend", { params, body: { reason } });
  await again();
}

export async function restoreModule(digest: string): Promise<void> {
  await api.POST("/api/v1/admin/modules/{digest}/restore", { params: { path: { digest } } });
  await again();
}

/** What is missing stays as it is. */
export type Limits = { fuel_quota?: number; role?: string; jobs_max?: number };

export async function limit(user: string, limits: Limits): Promise<void> {
  const { fuel_quota = null, role = null, jobs_max = null } = limits;
  await api.PATCH("/api/v1/admin/users/{id}", { ...id(user), body: { fuel_quota, role, jobs_max } });
  await again();
}

/** Credits for an account. The key makes a second try the same grant. */
export async function grant(user: string, amount: number, note: string, key: string): Promise<void> {
  await api.POST("/api/v1/accounts/{id}/grants", {
    params: { path: { id: user }, header: { "idempotency-key": key } },
    body: { amount, note: note || null },
  });
  await again();
}
