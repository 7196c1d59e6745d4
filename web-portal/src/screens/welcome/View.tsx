/** The first run: the grid is there, and its operator chooses how to come back. */
import { useRouter, useSearch } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { useOnce } from "@/app/link";
import { email, newPassword } from "@/parts/form/checks";
import { Form, Secret, Text } from "@/parts/form/Form";
import { Page } from "@/parts/Page";
import { Failure, Loading } from "@/parts/States";
import { enterOnce, setFirst } from "./query";

export function WelcomeView() {
  const token = useOnce(useSearch({ from: "/alone/welcome" }).token);
  const router = useRouter();
  const [name, setName] = useState<string>();
  const [error, setError] = useState<unknown>();
  useEffect(() => {
    enterOnce(token).then((me) => setName(me.name), setError);
  }, [token]);
  if (error)
    return (
      <Page title="This link does not work">
        <Failure error={error} />
        <p className="dim" style={{ marginTop: 12 }}>
          It is good once. `fallow-server operator-link` prints another one.
        </p>
      </Page>
    );
  if (name === undefined)
    return (
      <Page title="One moment">
        <Loading lines={2} />
      </Page>
    );
  return (
    <Page title="Your grid is there">
      <p style={{ marginBottom: 18 }}>
        You are its operator, as <b className="foreign">{name}</b>. Choose how to log in from now on; this
        link will not work again.
      </p>
      <Form
        action="Begin"
        checks={{ email, password: newPassword }}
        fieldOf={{ "bad-email": "email", "bad-password": "password" }}
        submit={async ({ email = "", password = "" }) => {
          await setFirst(email.trim(), password);
          await router.navigate({ to: "/jobs", replace: true });
        }}
      >
        <Text name="email" type="email" label="E-mail" autoComplete="username" maxLength={254} autoFocus />
        <Secret
          name="password"
          label="Password"
          description="10 characters at least"
          autoComplete="new-password"
        />
      </Form>
    </Page>
  );
}
