/** Everybody's jobs, and the programs that they run. */
import { Table } from "@mantine/core";
import { Link, useSearch } from "@tanstack/react-router";
import { Age, StateBadge } from "@/pictures/small";
import { bytes, count, fuel, short } from "@/words/format";
import { Frame, Listing, Narrow, Suspending, Why } from "./Frame";
import { restoreModule, suspendModule, useJobs, useModules } from "./query";

const Owner = ({ name }: { name: string }) => (
  <Link to="/grid/users" search={{ q: name }} className="foreign">
    {name}
  </Link>
);

export function JobsView() {
  const { q } = useSearch({ from: "/inside/grid/jobs" });
  const jobs = useJobs(q);
  return (
    <Frame title="Jobs">
      <Narrow at="/grid/jobs" fields={[{ name: "q", label: "Name, author or id", value: q }]} />
      <Listing
        query={jobs}
        label="Jobs"
        empty={q ? "No job is called so" : "No jobs yet"}
        heads={["Job", "Author", "Phase", "Units done", "Fuel", "Submitted", "Program"]}
        row={(job) => (
          <Table.Tr key={job.id}>
            <Table.Td>
              <span className="foreign">{job.name}</span>
              {job.error && <div className="dim small foreign">{job.error}</div>}
              <Why of={job.suspended} />
            </Table.Td>
            <Table.Td>
              <Owner name={job.owner.name} />
            </Table.Td>
            <Table.Td>
              <StateBadge state={job.phase} />
            </Table.Td>
            <Table.Td className="num">
              {count(job.done)} of {count(job.units)}
              {job.failed > 0 && <div className="dim small">{count(job.failed)} failed</div>}
            </Table.Td>
            <Table.Td className="num">{fuel(job.fuel)}</Table.Td>
            <Table.Td className="dim">
              <Age at={job.created_at_ms} />
            </Table.Td>
            <Table.Td>
              <Link to="/grid/modules" search={{ q: job.module }} className="mono">
                {short(job.module, 8, 4)}
              </Link>
            </Table.Td>
          </Table.Tr>
        )}
      />
    </Frame>
  );
}

export function ModulesView() {
  const { q } = useSearch({ from: "/inside/grid/modules" });
  const modules = useModules(q);
  return (
    <Frame title="Modules">
      <Narrow at="/grid/modules" fields={[{ name: "q", label: "Author or digest", value: q }]} />
      <Listing
        query={modules}
        label="Modules"
        empty={q ? "There is no such module" : "No modules yet"}
        heads={["Module", "Author", "Size", "Jobs", "Registered", ""]}
        row={(module) => (
          <Table.Tr key={module.module}>
            <Table.Td>
              <span className="mono" title={module.module}>
                {short(module.module, 16, 8)}
              </span>
              <Why of={module.suspended} />
            </Table.Td>
            <Table.Td>
              <Owner name={module.owner.name} />
            </Table.Td>
            <Table.Td className="num">{bytes(module.bytes)}</Table.Td>
            <Table.Td className="num">{count(module.jobs)}</Table.Td>
            <Table.Td className="dim">
              <Age at={module.created_at_ms} />
            </Table.Td>
            <Table.Td ta="right">
              <Suspending
                name={module.module.slice(0, 8)}
                suspended={module.suspended}
                says="It stops on every node within a minute. Its author and lenders see the reason."
                suspend={(reason) => suspendModule(module.module, reason)}
                restore={() => restoreModule(module.module)}
              />
            </Table.Td>
          </Table.Tr>
        )}
      />
    </Frame>
  );
}
