/**
 * A form whose errors stand where they belong: at the field, or under all of them, and the first one gets the focus.
 * What a password manager or the browser filled in counts: values are read when it is sent.
 */
import {
  Button,
  PasswordInput,
  type PasswordInputProps,
  Textarea,
  type TextareaProps,
  TextInput,
  type TextInputProps,
} from "@mantine/core";
import {
  createContext,
  type FormEvent,
  type ReactNode,
  useContext,
  useEffect,
  useRef,
  useState,
} from "react";
import { asProblem } from "@/api/problem";
import { Failure } from "../States";
import { type Checks, firstWrong, type Values } from "./checks";
import styles from "./form.module.css";

type Wrong = { field?: string; text?: string; error?: unknown };
const Context = createContext<{ wrong: Wrong; named: Set<string>; forget: (field: string) => void }>({
  wrong: {},
  named: new Set(),
  forget: () => {},
});

export function Form(props: {
  /** Word on the button. */
  action: string;
  submit: (values: Values) => Promise<unknown>;
  /** What is looked at before anything is sent. */
  checks?: Checks;
  /** Fields that an error of the server belongs to, by its code. */
  fieldOf?: Record<string, string>;
  children?: ReactNode;
  /** Beside the button. */
  beside?: ReactNode;
  danger?: boolean;
  disabled?: boolean;
  /** As wide as there is room. */
  wide?: boolean;
}) {
  const form = useRef<HTMLFormElement>(null);
  const [named] = useState(() => new Set<string>());
  const [busy, setBusy] = useState(false);
  const [wrong, setWrong] = useState<Wrong>({});
  useEffect(() => {
    if (wrong.field) form.current?.querySelector<HTMLElement>(`[name="${wrong.field}"]`)?.focus();
    else if (wrong.error) form.current?.querySelector<HTMLElement>('[role="alert"]')?.focus();
  }, [wrong]);

  const send = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (busy) return;
    const values = read(new FormData(event.currentTarget));
    const first = firstWrong(values, props.checks ?? {});
    if (first) {
      setWrong(first);
      return;
    }
    setBusy(true);
    setWrong({});
    try {
      await props.submit(values);
    } catch (error) {
      const problem = asProblem(error);
      const field = props.fieldOf?.[problem.code] ?? problem.field;
      const text = problem.help ? `${problem.message} ${problem.help}` : problem.message;
      setWrong(field && named.has(field) ? { field, text } : { error });
    } finally {
      setBusy(false);
    }
  };

  const forget = (field: string) => setWrong((was) => (was.field === field ? {} : was));
  return (
    <Context.Provider value={{ wrong, named, forget }}>
      <form ref={form} onSubmit={send} noValidate className={props.wide ? styles.wide : styles.form}>
        {props.children}
        {wrong.error ? <Failure error={wrong.error} /> : null}
        <div className={styles.foot}>
          <Button
            type="submit"
            variant="filled"
            size="sm"
            loading={busy}
            disabled={props.disabled ?? false}
            {...(props.danger ? { color: "var(--t-fail)" } : {})}
          >
            {props.action}
          </Button>
          {props.beside}
        </div>
      </form>
    </Context.Provider>
  );
}

function read(data: FormData): Values {
  const values: Values = {};
  data.forEach((value, name) => {
    values[name] = typeof value === "string" ? value : "";
  });
  return values;
}

function useField(name: string) {
  const { wrong, named, forget } = useContext(Context);
  useEffect(() => {
    named.add(name);
    return () => {
      named.delete(name);
    };
  }, [named, name]);
  return {
    error: wrong.field === name ? wrong.text : undefined,
    onInput: () => forget(name),
  };
}

type Named = { name: string };

export function Text(props: TextInputProps & Named) {
  return <TextInput maxLength={320} {...props} {...useField(props.name)} />;
}

export function Secret(props: PasswordInputProps & Named) {
  return <PasswordInput size="sm" maxLength={1024} {...props} {...useField(props.name)} />;
}

/** Several lines. */
export function Area(props: TextareaProps & Named) {
  return <Textarea size="sm" {...props} {...useField(props.name)} />;
}

/** A code of an authenticator, or a recovery code. */
export function Code(props: Omit<TextInputProps, "name">) {
  return (
    <Text
      name="code"
      label="Code"
      description="Six digits from your authenticator, or one of your recovery codes"
      autoComplete="one-time-code"
      autoCapitalize="none"
      spellCheck={false}
      maxLength={40}
      {...props}
    />
  );
}
