/** Projects: jobs that belong together. */
import { api } from "@/api/client";
import { usePages } from "@/api/pages";
import type { ProjectInfo } from "@/api/types";

export const useProjects = () =>
  usePages<ProjectInfo>(["get", "/api/v1/projects", "pages"], (page) =>
    api.GET("/api/v1/projects", { params: { query: { limit: 60, ...page } } }),
  );
