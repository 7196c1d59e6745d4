/** The log-in: name and password, then a code where the account asks for one; or an API token. */
import { Anchor } from "@mantine/core";
import { Link, useRouter, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { safeNext } from "@/api/session";
import { filled, type Values } from "@/parts/form/checks";
import { Code, Form, Secret, Text } from "@/parts/form/Form";
import { Page } from "@/parts/Page";
import styles from "./login.module.css";
import { byPassword, byToken, mayRegister, useGrid } from "./query";

type Way = "password" | "code" | "token";

export function LoginView() {
  const router = useRouter();
  const { next } = useSearch({ from: "/alone/login" });
  const [way, setWay] = useState<Way>("password");
  const grid = useGrid();

  const submit = async ({ login = "", password = "", code = "", token = "" }: Values) => {
    const came =
      way === "token" ? await byToken(token) : await byPassword(login.trim(), password, code.trim());
    if (came === "code") setWay("code");
    else router.history.replace(safeNext(next));
  };

  return (
    <Page title={grid.data ? `Log in to ${grid.data.name}` : "Log in"} name="Log in">
      <Form
        key={way === "token" ? "token" : "password"}
        action="Log in"
        submit={submit}
        checks={
          way === "token"
            ? { token: filled("A token") }
            : {
                login: filled("Your address or name"),
                password: filled("Your password"),
                ...(way === "code" ? { code: filled("The code") } : {}),
              }
        }
        fieldOf={{ "second-factor": "code", "wrong-credentials": way === "token" ? "token" : "password" }}
        beside={
          way === "password" && (
            <Anchor component={Link} to="/forgot" size="sm">
              Forgotten password
            </Anchor>
          )
        }
      >
        {way === "token" ? (
          <Secret
            name="token"
            label="API token"
            description="Kept in this page's memory only; gone when it is closed or loaded again"
            autoComplete="off"
            maxLength={200}
            autoFocus
          />
        ) : (
          <>
            <Text name="login" label="E-mail or name" autoComplete="username" autoFocus />
            <Secret name="password" label="Password" autoComplete="current-password" />
            {way === "code" && <Code autoFocus />}
          </>
        )}
      </Form>
      <p className={styles.others}>
        {mayRegister(grid.data) && (
          <span>
            New here?{" "}
            <Anchor component={Link} to="/register" size="sm">
              Make an account
            </Anchor>
          </span>
        )}
        <Anchor
          component="button"
          type="button"
          size="sm"
          onClick={() => setWay(way === "token" ? "password" : "token")}
        >
          {way === "token" ? "Log in with a password" : "Log in with a token"}
        </Anchor>
      </p>
    </Page>
  );
}
