/** Frame of an operator's pages: their list of parts, a search, lists that go on. */
import { Button, Table, TextInput } from "@mantine/core";
import type { InfiniteData } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { Page as Rows } from "@/api/types";
import { filled } from "@/parts/form/checks";
import { Text } from "@/parts/form/Form";
import { Secure } from "@/parts/form/Secure";
import { Page, Panel } from "@/parts/Page";
import { Asked, Empty } from "@/parts/States";
import { Wide } from "@/parts/Wide";
import styles from "./grid.module.css";

const PARTS = [
  ["/grid", "Health"],
  ["/grid/users", "Users"],
  ["/grid/nodes", "Nodes"],
  ["/grid/jobs", "Jobs"],
  ["/grid/modules", "Modules"],
  ["/grid/disputes", "Disputes"],
  ["/grid/reports", "Reports"],
  ["/grid/ledger", "Ledger"],
  ["/grid/audit", "Audit"],
] as const;

export function Frame({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Page title={title} crumbs={[{ text: "Grid", to: "/grid" }, { text: title }]}>
      <nav aria-label="Parts of the grid" className={styles.parts}>
        {PARTS.map(([to, text]) => (
          <Link key={to} to={to} activeOptions={{ exact: true, includeSearch: false }}>
            {text}
          </Link>
        ))}
      </nav>
      {children}
    </Page>
  );
}

type Here = "/grid/users" | "/grid/nodes" | "/grid/jobs" | "/grid/modules" | "/grid/ledger" | "/grid/audit";

/** Fields that narrow a list; what is in them stands in the address. */
export function Narrow(props: {
  at: Here;
  fields: { name: string; label: string; value: string | undefined }[];
}) {
  const navigate = useNavigate();
  return (
    <search>
      <form
        className={styles.narrow}
        onSubmit={(event) => {
          event.preventDefault();
          const search: Record<string, string> = {};
          new FormData(event.currentTarget).forEach((value, name) => {
            if (typeof value === "string" && value.trim()) search[name] = value.trim();
          });
          void navigate({ to: props.at, search, replace: true });
        }}
      >
        {props.fields.map(({ name, label, value }) => (
          <TextInput
            key={`${name} ${value}`}
            size="xs"
            name={name}
            placeholder={label}
            aria-label={label}
            defaultValue={value ?? ""}
            maxLength={200}
          />
        ))}
        <Button type="submit">Find</Button>
      </form>
    </search>
  );
}

type Pages<T> = {
  data: InfiniteData<Rows<T>> | undefined;
  error: unknown;
  isFetching: boolean;
  refetch: () => unknown;
  hasNextPage: boolean;
  isFetchingNextPage: boolean;
  fetchNextPage: () => unknown;
};

/** A table that goes on. */
export function Listing<T>(props: {
  query: Pages<T>;
  label: string;
  empty: string;
  heads: ReactNode[];
  row: (item: T) => ReactNode;
}) {
  const { query } = props;
  return (
    <Asked query={query}>
      {({ pages }) => {
        const items = pages.flatMap((page) => page.items);
        if (items.length === 0) return <Empty title={props.empty} />;
        return (
          <Panel>
            <Wide label={props.label}>
              <Table className={styles.list}>
                <Table.Thead>
                  <Table.Tr>
                    {props.heads.map((head, n) => (
                      // biome-ignore lint/suspicious/noArrayIndexKey: heads stay where they are
                      <Table.Th key={n}>{head}</Table.Th>
                    ))}
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>{items.map(props.row)}</Table.Tbody>
              </Table>
            </Wide>
            {query.hasNextPage && (
              <Button mt="sm" onClick={() => void query.fetchNextPage()} loading={query.isFetchingNextPage}>
                More
              </Button>
            )}
          </Panel>
        );
      }}
    </Asked>
  );
}

const reason = (value: string) =>
  filled("A reason")(value) ?? (value.trim().length > 500 ? "500 characters at most." : undefined);

/** Stop it with a reason, or let it go on. The object's name is typed, so that nothing is stopped by a slip. */
export function Suspending(props: {
  /** Its name, which is typed to confirm. */
  name: string;
  suspended: { reason: string } | null | undefined;
  /** What will happen. */
  says: ReactNode;
  suspend: (reason: string) => Promise<unknown>;
  restore: () => Promise<unknown>;
}) {
  if (props.suspended)
    return (
      <Secure
        key="restore"
        label="Restore"
        aria={`Restore ${props.name}`}
        compact
        says={
          <>
            It goes on as before. It was suspended: <span className="foreign">{props.suspended.reason}</span>
          </>
        }
        act={props.restore}
      />
    );
  return (
    <Secure
      key="suspend"
      label="Suspend"
      aria={`Suspend ${props.name}`}
      compact
      danger
      says={
        <>
          {props.says} Type <b className="foreign">{props.name}</b> to go on.
        </>
      }
      checks={{
        reason,
        word: (value) => (value.trim() === props.name ? undefined : `Type ${props.name} to go on.`),
      }}
      act={({ reason = "" }) => props.suspend(reason.trim())}
    >
      <Text
        name="reason"
        label="Reason"
        description="shown to whom it concerns"
        autoComplete="off"
        maxLength={500}
        data-autofocus
      />
      <Text name="word" label="Its name" autoComplete="off" spellCheck={false} />
    </Secure>
  );
}

/** Why something is stopped, below its name. */
export const Why = ({ of }: { of: { reason: string } | null | undefined }) =>
  of ? <div className={`small foreign ${styles.why}`}>suspended: {of.reason}</div> : null;
