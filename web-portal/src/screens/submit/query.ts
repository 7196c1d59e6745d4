/** What the wizard asks of the grid: known modules, a signature's draft, a job's draft, and the job itself. */
import { useQuery } from "@tanstack/react-query";
import { $api, api } from "@/api/client";
import { Problem } from "@/api/problem";
import type { JobDraft, ModuleListed, Submission } from "@/api/types";
import { queries } from "@/app/Providers";
import type { Program } from "./form";
import { authorKey, isAbout, sign } from "./key";
import { type Step, upload } from "./upload";

export const useKnownModules = () =>
  $api.useQuery("get", "/api/v1/modules", { params: { query: { limit: 100 } } }, { staleTime: 30_000 });
export const useGridInfo = () => $api.useQuery("get", "/api/v1/grid", {}, { staleTime: 600_000 });
export const useOldJob = (id: string | undefined) =>
  $api.useQuery(
    "get",
    "/api/v1/jobs/{id}",
    { params: { path: { id: id ?? "" } } },
    { enabled: id !== undefined },
  );

export const programOf = (module: ModuleListed): Program => ({
  module: module.module,
  name: module.name || module.module.slice(0, 10),
  can: module.exports,
  limits: module.limits,
});

/** Upload a component, sign it with this browser's key, and register it. */
export async function addProgram(
  file: File,
  onStep: (words: string) => void,
  signal: AbortSignal,
): Promise<Program> {
  const { data: me } = await api.GET("/api/v1/me", {});
  if (!me) throw new TypeError("no answer");
  const told = ({ step, done }: Step) =>
    onStep(`${step} ${Math.round((done / Math.max(1, file.size)) * 100)} %`);
  const component = await upload(file, told, signal);
  onStep("signing");
  const key = await authorKey(me.id);
  await api.POST("/api/v1/keys", { body: { key: key.hex, name: `browser of ${me.name}` } });
  const name = file.name.slice(0, 100);
  const { data: draft } = await api.POST("/api/v1/modules/draft", {
    body: { component, name, author: key.hex },
  });
  if (!draft) throw new TypeError("no answer");
  const manifest = Uint8Array.from(atob(draft.manifest), (letter) => letter.charCodeAt(0));
  if (!isAbout(manifest, component, key.hex)) {
    throw new Problem({
      code: "strange-manifest",
      status: 0,
      message: "The grid gave a manifest of something else to sign; it was not signed.",
      help: "Tell the grid's operator.",
    });
  }
  const author_signature = await sign(key, manifest);
  const { data: module } = await api.POST("/api/v1/modules", {
    body: { manifest: draft.manifest, author_signature, name },
  });
  if (!module) throw new TypeError("no answer");
  void queries.invalidateQueries({ queryKey: ["get", "/api/v1/modules"] });
  return { module: module.module, name, can: module.exports, limits: undefined };
}

/** Units and price of a submission, before anything is paid. */
export function useDraft(submission: Submission | undefined) {
  return useQuery<JobDraft>({
    queryKey: ["draft", submission],
    enabled: submission !== undefined,
    staleTime: 60_000,
    placeholderData: (before) => before,
    queryFn: async ({ signal }): Promise<JobDraft> => {
      if (!submission) throw new TypeError("nothing to ask");
      const { data } = await api.POST("/api/v1/jobs/draft", { body: submission, signal });
      if (!data) throw new TypeError("no answer");
      return data;
    },
  });
}

/** Hand it over. The key makes a repeat harmless: the same job comes back. */
export async function submitJob(submission: Submission, key: string): Promise<string> {
  const { data } = await api.POST("/api/v1/jobs", {
    params: { header: { "idempotency-key": key } },
    body: submission,
  });
  if (!data) throw new TypeError("no answer");
  void queries.invalidateQueries({ queryKey: ["get", "/api/v1/jobs"] });
  void queries.invalidateQueries({ queryKey: ["get", "/api/v1/credits"] });
  return data.id;
}
