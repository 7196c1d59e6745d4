/** Accounts: who has what, credits for one, limits, and a stop. */
import { NativeSelect, Table } from "@mantine/core";
import { useSearch } from "@tanstack/react-router";
import { useState } from "react";
import type { AdminUser } from "@/api/operating";
import { Text } from "@/parts/form/Form";
import { Secure } from "@/parts/form/Secure";
import { Age, Money, StateBadge } from "@/pictures/small";
import { count, fuel, parseCredits } from "@/words/format";
import { Frame, Listing, Narrow, Suspending, Why } from "./Frame";
import styles from "./grid.module.css";
import { parseFuel, wholeUpTo } from "./numbers";
import { grant, type Limits, limit, restoreUser, suspendUser, useUsers } from "./query";

export function UsersView() {
  const { q } = useSearch({ from: "/inside/grid/users" });
  const users = useUsers(q);
  return (
    <Frame title="Users">
      <Narrow at="/grid/users" fields={[{ name: "q", label: "Name or address", value: q }]} />
      <Listing
        query={users}
        label="Users"
        empty={q ? "Nobody is called so" : "No accounts yet"}
        heads={["User", "Made", "Jobs", "Nodes", "Fuel used", "Credits", ""]}
        row={(user) => <User key={user.id} user={user} />}
      />
    </Frame>
  );
}

function User({ user }: { user: AdminUser }) {
  return (
    <Table.Tr>
      <Table.Td>
        <span className="foreign">{user.name}</span>{" "}
        {user.role === "operator" && <StateBadge state="checking" word="operator" />}
        {user.email && <div className="dim small foreign">{user.email}</div>}
        <Why of={user.suspended} />
      </Table.Td>
      <Table.Td className="dim">
        <Age at={user.created_at_ms} />
      </Table.Td>
      <Table.Td className="num">{count(user.jobs)}</Table.Td>
      <Table.Td className="num">{count(user.nodes)}</Table.Td>
      <Table.Td className="num">
        {fuel(user.fuel_used)}
        <div className="dim small">of {fuel(user.fuel_quota)}</div>
      </Table.Td>
      <Table.Td>
        <Money micro={user.available} />
      </Table.Td>
      <Table.Td>
        <div className={styles.deeds}>
          <Grant user={user} />
          <Limit user={user} />
          <Suspending
            name={user.name}
            suspended={user.suspended}
            says="Log-in and tokens are refused with the reason, jobs wait, nodes get no work."
            suspend={(reason) => suspendUser(user.id, reason)}
            restore={() => restoreUser(user.id)}
          />
        </div>
      </Table.Td>
    </Table.Tr>
  );
}

function Grant({ user }: { user: AdminUser }) {
  const [key, setKey] = useState(() => crypto.randomUUID());
  return (
    <Secure
      label="Grant"
      aria={`Grant credits to ${user.name}`}
      compact
      says={
        <>
          New credits for <b className="foreign">{user.name}</b>, who has <Money micro={user.available} />. It
          stands in the ledger for good.
        </>
      }
      checks={{
        amount: (value) => (parseCredits(value) ? undefined : "An amount of credits, as 25 or 0.5."),
      }}
      act={async ({ amount = "", note = "" }) => {
        await grant(user.id, parseCredits(amount) ?? 0, note.trim(), key);
        setKey(crypto.randomUUID());
      }}
    >
      <Text
        name="amount"
        label="Credits"
        inputMode="decimal"
        autoComplete="off"
        maxLength={17}
        data-autofocus
      />
      <Text
        name="note"
        label="What for"
        description="shown in the statement"
        autoComplete="off"
        maxLength={200}
      />
    </Secure>
  );
}

function Limit({ user }: { user: AdminUser }) {
  return (
    <Secure
      label="Limits"
      aria={`Limits of ${user.name}`}
      compact
      says={
        <>
          What <b className="foreign">{user.name}</b> may use in all. Empty stays as it is.
        </>
      }
      checks={{
        fuel: (value) =>
          value.trim() === "" || parseFuel(value) !== undefined ? undefined : "An amount of fuel, as 500 G.",
        jobs: (value) =>
          value.trim() === "" || wholeUpTo(value, 1_000_000) !== undefined
            ? undefined
            : "A number, 1,000,000 at most.",
      }}
      act={({ fuel = "", jobs = "", role = user.role }) => {
        const change: Limits = {};
        const [quota, most] = [parseFuel(fuel), wholeUpTo(jobs, 1_000_000)];
        if (quota !== undefined) change.fuel_quota = quota;
        if (most !== undefined) change.jobs_max = most;
        if (role !== user.role) change.role = role;
        return limit(user.id, change);
      }}
    >
      <Text
        name="fuel"
        label="Fuel in all"
        placeholder={fuel(user.fuel_quota)}
        autoComplete="off"
        data-autofocus
      />
      <Text
        name="jobs"
        label="Jobs at once"
        placeholder={user.jobs_max == null ? "as the grid's" : count(user.jobs_max)}
        inputMode="numeric"
        autoComplete="off"
      />
      <NativeSelect
        name="role"
        label="Role"
        description="An operator may do everything that is on these pages"
        defaultValue={user.role}
        data={["user", "operator"]}
      />
    </Secure>
  );
}
