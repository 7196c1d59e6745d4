/** Routes of accounts and groups that the server's document does not describe yet; see `coming.ts`. */
import type { Get, Me, None, Page, Paged, Send } from "./coming";

export type SessionInfo = {
  id: string;
  created_at_ms: number;
  seen_at_ms: number;
  address: string;
  agent: string;
  current: boolean;
};
export type AuditEvent = {
  at_ms: number;
  actor?: string | null;
  action: string;
  object: string;
  address: string;
  details: string;
};
export type DeviceRequest = {
  client: string;
  name: string;
  scopes: string[];
  address: string;
  expires_at_ms: number;
  root_fingerprint: string;
};
export type TotpSecret = { secret: string; url: string };
export type RecoveryCodes = { recovery: string[] };
export type GroupInfo = {
  name: string;
  role: "owner" | "member";
  members: number;
  nodes: number;
  created_at_ms: number;
};
export type GroupMember = { account: string; name: string; role: "owner" | "member"; since_ms: number };
export type Invitation = { group: string; by: string; members: number; at_ms: number };
export type GroupInvitation = { account: string; name: string; at_ms: number };
export type GroupDevice = { id?: string | null; name: string; owner: string; state: string; slots: number };
export type GroupDetail = {
  name: string;
  role: "owner" | "member";
  created_at_ms: number;
  members: GroupMember[];
  invitations: GroupInvitation[];
  devices: GroupDevice[];
};

type Code = { path: { user_code: string } };
type Name = { path: { name: string } };

export interface People {
  "/api/v1/register": { post: Send<{ name: string; email: string; password: string }, None> };
  "/api/v1/confirm": { post: Send<{ token: string }, Me> };
  "/api/v1/session/link": { post: Send<{ token: string }, Me> };
  "/api/v1/sessions": { get: Get<Page<SessionInfo>, Paged>; delete: Get<None> };
  "/api/v1/sessions/{id}": { delete: Get<None, { path: { id: string } }> };
  "/api/v1/password": { post: Send<{ current: string; new: string }, None> };
  "/api/v1/password/first": { post: Send<{ email: string; password: string }, None> };
  "/api/v1/password/forgot": { post: Send<{ email: string }, None> };
  "/api/v1/password/reset": { post: Send<{ token: string; password: string }, None> };
  "/api/v1/totp": { post: Send<{ password: string }, TotpSecret> };
  "/api/v1/totp/confirm": { post: Send<{ code: string }, RecoveryCodes> };
  "/api/v1/totp/remove": { post: Send<{ password: string; code: string }, None> };
  "/api/v1/me/email": { post: Send<{ email: string; password: string }, None> };
  "/api/v1/me/delete": { post: Send<{ password: string; code?: string }, None> };
  "/api/v1/me/audit": { get: Get<Page<AuditEvent>, Paged> };
  "/api/v1/device/{user_code}": { get: Get<DeviceRequest, Code> };
  "/api/v1/device/{user_code}/approve": { post: Get<None, Code> };
  "/api/v1/device/{user_code}/deny": { post: Get<None, Code> };
  "/api/v1/groups": { get: Get<Page<GroupInfo>, Paged>; post: Send<{ name: string }, GroupInfo> };
  "/api/v1/groups/{name}": { get: Get<GroupDetail, Name>; delete: Get<None, Name> };
  "/api/v1/groups/{name}/invitations": { post: Send<{ account_name: string }, None, Name> };
  "/api/v1/groups/{name}/members/{account}": {
    delete: Get<None, { path: { name: string; account: string } }>;
  };
  "/api/v1/invitations": { get: Get<Page<Invitation>, Paged> };
  "/api/v1/invitations/{group}/accept": { post: Get<None, { path: { group: string } }> };
  "/api/v1/invitations/{group}/decline": { post: Get<None, { path: { group: string } }> };
}
