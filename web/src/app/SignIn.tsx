import { Alert, Anchor, Button, PasswordInput, TextInput } from "@mantine/core";
import { type FormEvent, useEffect, useState } from "react";
import { choose } from "../shared/language";
import styles from "./SignIn.module.css";
import { type SignInOutcome, signIn, signOut, useSession } from "./session";
import { useLanguage } from "./text";
import { useAppText } from "./texts";
import { Modal } from "./ui/Modal";

export function SignInPage() {
  const t = useAppText();
  useEffect(() => {
    document.title = `${t("signIn.title")} · ${t("product")}`;
  }, [t]);
  return (
    <main className={styles.page}>
      <section className={styles.card}>
        <img src="/app/icon.svg" alt="" width={48} height={48} />
        <h1>{t("product")}</h1>
        <p>{t("signIn.welcome")}</p>
        <SignInForm />
      </section>
      <LanguageButton />
    </main>
  );
}

/** Opens over the page when the session has ended; what is on the page stays as it is. */
export function SignInAgain() {
  const t = useAppText();
  const session = useSession();
  if (session.is !== "ended") return null;
  const { user } = session;
  return (
    <Modal
      opened
      onClose={() => undefined}
      withCloseButton={false}
      closeOnEscape={false}
      closeOnClickOutside={false}
      zIndex={1000}
      title={t("signIn.ended")}
      centered
    >
      <p className={styles.why}>{t("signIn.endedWhy", { name: user.name })}</p>
      <SignInForm email={user.email} />
      <p className={styles.why}>
        <Anchor component="button" type="button" onClick={() => void signOut()}>
          {t("signIn.other")}
        </Anchor>
      </p>
    </Modal>
  );
}

/** Shows the page in the other language; says so in that one. */
function LanguageButton() {
  const other = useLanguage() === "fa" ? "en" : "fa";
  return (
    <Button variant="subtle" color="gray" lang={other} onClick={() => void choose(other)}>
      {other === "fa" ? "فارسی" : "English"}
    </Button>
  );
}

function SignInForm({ email: known }: { email?: string }) {
  const t = useAppText();
  const [email, setEmail] = useState(known ?? "");
  const [password, setPassword] = useState("");
  const [isBusy, setBusy] = useState(false);
  const [outcome, setOutcome] = useState<SignInOutcome>();

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setOutcome(undefined);
    const came = await signIn(email, password);
    setBusy(false);
    setOutcome(came);
  };

  return (
    <form onSubmit={submit} className={styles.form}>
      <TextInput
        label={t("signIn.email")}
        type="email"
        name="email"
        autoComplete="username"
        dir="ltr"
        required
        withAsterisk={false}
        readOnly={known !== undefined}
        value={email}
        onChange={(event) => setEmail(event.currentTarget.value)}
      />
      <PasswordInput
        label={t("signIn.password")}
        name="password"
        autoComplete="current-password"
        dir="ltr"
        required
        withAsterisk={false}
        data-autofocus={known !== undefined || undefined}
        value={password}
        onChange={(event) => setPassword(event.currentTarget.value)}
        visibilityToggleButtonProps={{ "aria-hidden": true }}
      />
      <div role="alert">
        {outcome !== undefined && outcome !== "signedIn" && (
          <Alert color="red" variant="light">
            {t(`signIn.${outcome}`)}
          </Alert>
        )}
      </div>
      <Button type="submit" loading={isBusy} fullWidth>
        {t("signIn.button")}
      </Button>
    </form>
  );
}
