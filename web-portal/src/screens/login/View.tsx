/** The log-in: name and password, then a code where the account asks for one; or an API token. */
import { Anchor, Button, PasswordInput, Stack, TextInput } from "@mantine/core";
import { useRouter, useSearch } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { safeNext } from "@/api/session";
import { Page } from "@/parts/Page";
import { Failure } from "@/parts/States";
import { byPassword, byToken, type LogIn } from "./query";

export function LoginView() {
  const router = useRouter();
  const { next } = useSearch({ from: "/alone/login" });
  const [way, setWay] = useState<"password" | "token">("password");
  const [code, setCode] = useState<string>();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    const field = (name: string) => String(fields.get(name) ?? "");
    setBusy(true);
    setError(undefined);
    try {
      const came: LogIn =
        way === "token"
          ? await byToken(field("token"))
          : await byPassword(field("login"), field("password"), code);
      if (came === "code") setCode("");
      else router.history.replace(safeNext(next));
    } catch (failed) {
      setError(failed);
    } finally {
      setBusy(false);
    }
  };

  return (
    <Page title="Log in">
      <form onSubmit={submit}>
        <Stack gap="sm">
          {way === "password" ? (
            <>
              <TextInput
                name="login"
                label="E-mail or name"
                autoComplete="username"
                required
                maxLength={320}
                autoFocus
              />
              <PasswordInput
                name="password"
                label="Password"
                autoComplete="current-password"
                required
                maxLength={1024}
              />
              {code !== undefined && (
                <TextInput
                  label="Code"
                  description="From your authenticator, or one of your recovery codes"
                  autoComplete="one-time-code"
                  required
                  maxLength={32}
                  value={code}
                  onChange={(event) => setCode(event.currentTarget.value)}
                  autoFocus
                />
              )}
            </>
          ) : (
            <PasswordInput
              name="token"
              label="API token"
              description="Kept in this page's memory only; gone when it is closed or loaded again"
              autoComplete="off"
              required
              maxLength={200}
              autoFocus
            />
          )}
          {error ? <Failure error={error} /> : null}
          <Button type="submit" variant="filled" size="sm" loading={busy}>
            Log in
          </Button>
          <Anchor
            component="button"
            type="button"
            size="sm"
            onClick={() => setWay(way === "token" ? "password" : "token")}
          >
            {way === "token" ? "Log in with a password" : "Log in with a token"}
          </Anchor>
        </Stack>
      </form>
    </Page>
  );
}
