/** Lists that come page by page. */
import { useInfiniteQuery } from "@tanstack/react-query";
import type { Page } from "./coming";

/**
 * All pages of a list that were loaded so far. `key` begins with `"get"` and the path, as those of other queries do;
 * `ask` gets the cursor, which the first page has none of.
 */
export function usePages<T>(
  key: readonly ["get", string, ...unknown[]],
  ask: (page: { cursor?: string }) => Promise<{ data?: Page<T> }>,
) {
  return useInfiniteQuery({
    queryKey: key,
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page: Page<T>) => page.next ?? undefined,
    queryFn: async ({ pageParam }) => {
      const { data } = await ask(pageParam === undefined ? {} : { cursor: pageParam });
      if (!data) throw new TypeError("no answer");
      return data;
    },
    staleTime: 5000,
  });
}
