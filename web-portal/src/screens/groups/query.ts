/** Groups: people who lend each other their devices. */
import { $api, api } from "@/api/client";
import { queries } from "@/app/Providers";

const again = async () => {
  await Promise.all([
    queries.invalidateQueries({ queryKey: ["get", "/api/v1/groups"] }),
    queries.invalidateQueries({ queryKey: ["get", "/api/v1/groups/{name}"] }),
    queries.invalidateQueries({ queryKey: ["get", "/api/v1/invitations"] }),
  ]);
};

export const useGroups = () => $api.useQuery("get", "/api/v1/groups", {});
export const useInvitations = () => $api.useQuery("get", "/api/v1/invitations", {});
export const useGroup = (name: string) =>
  $api.useQuery("get", "/api/v1/groups/{name}", { params: { path: { name } } });

export async function make(name: string): Promise<void> {
  await api.POST("/api/v1/groups", { body: { name } });
  await again();
}

export async function invite(name: string, account_name: string): Promise<void> {
  await api.POST("/api/v1/groups/{name}/invitations", { params: { path: { name } }, body: { account_name } });
  await again();
}

export async function answer(group: string, yes: boolean): Promise<void> {
  const params = { path: { name: group } };
  if (yes) await api.POST("/api/v1/invitations/{name}/accept", { params });
  else await api.POST("/api/v1/invitations/{name}/decline", { params });
  await again();
}

/** Somebody leaves, or is removed by the owner. */
export async function leave(name: string, account: string): Promise<void> {
  await api.DELETE("/api/v1/groups/{name}/members/{account}", { params: { path: { name, account } } });
  await again();
}

export async function end(name: string): Promise<void> {
  await api.DELETE("/api/v1/groups/{name}", { params: { path: { name } } });
  await again();
}
