/** Projects: jobs that belong together. */
import { $api } from "@/api/client";
import type { Page, ProjectInfo } from "@/api/types";

export const useProjects = () =>
  $api.useInfiniteQuery(
    "get",
    "/api/v1/projects",
    { params: { query: { limit: 60 } } },
    {
      pageParamName: "cursor",
      initialPageParam: undefined as unknown as string,
      getNextPageParam: (page: Page<ProjectInfo>) => page.next ?? undefined,
    },
  );
