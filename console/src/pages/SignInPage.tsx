import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState, type SyntheticEvent } from "react";
import { useNavigate, useSearchParams } from "react-router";
import { ApiError } from "../api/http";
import { providersQuery, sessionQuery, signIn } from "../api/session";
import { Field } from "../components/Field";
import { Brand, LanguageAndTheme } from "../components/Brand";
import { ButtonLink, PlainButton, PlainInput, PlainPassword } from "../components/plain";
import { useWords, type Say } from "../i18n";

function words(error: unknown, t: Say): string {
  if (!(error instanceof ApiError)) return String(error);
  if (error.kind === "unauthorized") return t("signIn.wrong");
  if (error.code === 429) return t("signIn.slower", { seconds: error.retryAfter ?? 30 });
  if (error.kind === "unreachable") return t("problem.unreachable.text");
  return error.message;
}

export function SignInPage() {
  const t = useWords();
  const client = useQueryClient();
  const navigate = useNavigate();
  const [search] = useSearchParams();
  const [user, setUser] = useState("");
  const [password, setPassword] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const { data: providers } = useQuery(providersQuery);
  const asked = search.get("to") ?? "/clusters";
  // Only places inside the console.
  const to = asked.startsWith("/") && !asked.startsWith("//") ? asked : "/clusters";
  useEffect(() => {
    document.title = `${t("signIn.title")} · roost`;
  }, [t]);

  const send = async (event: SyntheticEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    try {
      client.setQueryData(sessionQuery.queryKey, await signIn(user, password));
      void navigate(to, { replace: true });
    } catch (refused) {
      setError(refused);
      setPassword("");
    } finally {
      setBusy(false);
    }
  };

  return (
    <div className="sign-in">
      <header className="sign-in-top">
        <LanguageAndTheme />
      </header>
      <main className="sign-in-card">
        <Brand />
        <h1>{t("signIn.title")}</h1>
        <form onSubmit={(event) => void send(event)}>
          <Field label={t("signIn.user")} id="user">
            <PlainInput
              id="user"
              name="username"
              autoComplete="username"
              autoFocus
              required
              value={user}
              onChange={setUser}
            />
          </Field>
          <Field label={t("signIn.password")} id="password">
            <PlainPassword
              id="password"
              name="password"
              autoComplete="current-password"
              required
              value={password}
              onChange={setPassword}
              show={t("signIn.show")}
              hide={t("signIn.hide")}
            />
          </Field>
          {error !== undefined && (
            <p className="field-error" role="alert">
              {words(error, t)}
            </p>
          )}
          <PlainButton primary submit busy={busy} disabled={!user || !password}>
            {t("signIn.go")}
          </PlainButton>
        </form>
        {providers && providers.length > 0 && (
          <>
            <p className="or">{t("signIn.or")}</p>
            {providers.map((provider) => (
              <ButtonLink key={provider.name} href={`/roost/v1/oidc/${encodeURIComponent(provider.name)}/start`}>
                {t("signIn.with", { provider: provider.displayName || provider.name })}
              </ButtonLink>
            ))}
          </>
        )}
      </main>
    </div>
  );
}
