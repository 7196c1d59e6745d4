/** The list of modules. */

import { Button, Table } from "@mantine/core";
import type { ModuleListed } from "@/api/types";
import { LinkButton } from "@/parts/LinkButton";
import { Page, Panel } from "@/parts/Page";
import { Empty, Failure, Loading } from "@/parts/States";
import { Wide } from "@/parts/Wide";
import { Age, StateBadge } from "@/pictures/small";
import { bytes, count, duration, fuel, short } from "@/words/format";
import { exportWords, useModules } from "./query";

export function ModulesView() {
  const list = useModules();
  const modules = list.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <Page
      title="Modules"
      actions={
        <LinkButton to="/submit" variant="filled">
          New job
        </LinkButton>
      }
    >
      {list.error ? <Failure error={list.error} retry={() => void list.refetch()} /> : null}
      {list.data === undefined && !list.error && <Loading lines={4} height={36} />}
      {list.data && modules.length === 0 && (
        <Empty title="No modules yet" commands={["fallow new hello && cd hello", "fallow build"]}>
          A module is a program as a WebAssembly component, signed by you and checked by the grid. These
          commands build one; a new job uploads and signs it.
        </Empty>
      )}
      {modules.length > 0 && (
        <Panel>
          <Wide label="Modules">
            <Table>
              <Table.Thead>
                <Table.Tr>
                  {["Module", "Can", "Size", "A unit at most", "Jobs", "Signed", ""].map((head) => (
                    <Table.Th key={head}>{head || <span className="hidden">State</span>}</Table.Th>
                  ))}
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {modules.map((module) => (
                  <Row key={module.module} module={module} />
                ))}
              </Table.Tbody>
            </Table>
          </Wide>
        </Panel>
      )}
      {list.hasNextPage && (
        <Button mt="md" onClick={() => void list.fetchNextPage()} loading={list.isFetchingNextPage}>
          Older modules
        </Button>
      )}
    </Page>
  );
}

function Row({ module }: { module: ModuleListed }) {
  const { limits } = module;
  return (
    <Table.Tr className="num">
      <Table.Td>
        <span className="foreign">{module.name || "without a name"}</span>
        <div className="dim mono" title={module.module}>
          {short(module.module, 10, 4)}
        </div>
      </Table.Td>
      <Table.Td>{exportWords(module.exports)}</Table.Td>
      <Table.Td>{bytes(module.bytes)}</Table.Td>
      <Table.Td>
        {bytes(limits.memory_bytes ?? 0)}, {fuel(limits.fuel ?? 0)} fuel, {duration(limits.wall_ms ?? 0)}
      </Table.Td>
      <Table.Td>{count(module.jobs)}</Table.Td>
      <Table.Td>
        <Age at={module.created_at_ms} />
      </Table.Td>
      <Table.Td>
        {module.suspended ? (
          <>
            <StateBadge state="suspended" />
            <p className="small foreign">{module.suspended}</p>
          </>
        ) : (
          <LinkButton to="/submit" search={{ module: module.module }}>
            Use
          </LinkButton>
        )}
      </Table.Td>
    </Table.Tr>
  );
}
