/** Name and address; one's data; the end of the account. */
import { Button } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { email, exactly, filled, name } from "@/parts/form/checks";
import { Code, Form, Secret, Text } from "@/parts/form/Form";
import { Secure } from "@/parts/form/Secure";
import { Columns, Panel, Stack } from "@/parts/Page";
import { Sent } from "@/parts/Sent";
import { Failure } from "@/parts/States";
import { changeEmail, download, forget, rename, type Self } from "./query";

export function You({ self }: { self: Self }) {
  return (
    <Columns>
      <Stack>
        <Name self={self} />
        <Email self={self} />
      </Stack>
      <Stack>
        <Data self={self} />
        <End self={self} />
      </Stack>
    </Columns>
  );
}

function Name({ self }: { self: Self }) {
  const [saved, setSaved] = useState(false);
  return (
    <Panel title="Name" note={self.operator ? "operator" : undefined}>
      <Form
        action="Rename"
        checks={{ name }}
        fieldOf={{ "name-taken": "name", "bad-name": "name" }}
        submit={async ({ name = "" }) => {
          await rename(name.trim());
          setSaved(true);
        }}
        beside={
          saved && (
            <span className="dim" role="status">
              Saved.
            </span>
          )
        }
      >
        <Text
          name="name"
          aria-label="Name"
          description="Others see it beside your programs and in groups"
          defaultValue={self.name}
          autoComplete="nickname"
          maxLength={64}
        />
      </Form>
    </Panel>
  );
}

function Email({ self }: { self: Self }) {
  const [sentTo, setSentTo] = useState<string>();
  const now = self.email ? (
    <span>
      <span className="foreign">{self.email}</span>
      {self.emailConfirmed ? "" : ", not confirmed yet"}
    </span>
  ) : (
    "none yet"
  );
  return (
    <Panel title="E-mail" note={now}>
      {sentTo ? (
        <Sent to={sentTo}>
          Follow the link in it, and the address is yours. Until then the old one stays.
        </Sent>
      ) : !self.hasPassword ? (
        <p className="dim">
          This account has no password yet, so no address can be given here. Whoever runs the server can make
          a link for it.
        </p>
      ) : (
        <Form
          action="Change the address"
          checks={{ email, password: filled("Your password") }}
          fieldOf={{ "bad-email": "email", "wrong-credentials": "password" }}
          submit={async ({ email = "", password = "" }) => {
            await changeEmail(email.trim(), password);
            setSentTo(email.trim());
          }}
        >
          <Text name="email" type="email" label="New address" autoComplete="email" maxLength={254} />
          <Secret name="password" label="Password" autoComplete="current-password" />
        </Form>
      )}
    </Panel>
  );
}

function Data({ self }: { self: Self }) {
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const fetch = async () => {
    setBusy(true);
    setError(undefined);
    await download(self.name).catch(setError);
    setBusy(false);
  };
  return (
    <Panel title="Your data">
      <p className="dim">
        One file with all that this grid keeps of you: account, jobs, devices, credits, the record.
      </p>
      {error ? <Failure error={error} /> : null}
      <Button mt="sm" onClick={fetch} loading={busy}>
        Download
      </Button>
    </Panel>
  );
}

function End({ self }: { self: Self }) {
  const navigate = useNavigate();
  return (
    <Panel title="End of the account">
      <p className="dim" style={{ marginBottom: 12 }}>
        Your name, address, jobs and devices are forgotten. What moved in the ledger stays, without a name.
        Credits are lost.
      </p>
      <Secure
        label="Delete the account"
        danger
        says={
          <>
            This cannot be undone. Running jobs are cancelled, devices leave the grid. Type <b>{self.name}</b>{" "}
            to go on.
          </>
        }
        checks={{ word: exactly(self.name), password: filled("Your password") }}
        fieldOf={{ "wrong-credentials": "password", "second-factor": "code" }}
        act={async ({ password = "", code = "" }) => {
          await forget(password, code.trim());
          await navigate({ to: "/login", replace: true });
        }}
      >
        <Text name="word" label="Your name" autoComplete="off" />
        <Secret name="password" label="Password" autoComplete="current-password" />
        {self.totp && <Code />}
      </Secure>
    </Panel>
  );
}
