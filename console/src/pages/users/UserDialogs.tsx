/** Dialogs about one person or service: make, change, remove, give a token, see the rights. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Input, InputNumber, Select } from "antd";
import { useState } from "react";
import { Link } from "react-router";
import { changeUser, createToken, createUser, removeUser, type User } from "../../api/people";
import { projects } from "../../api/resources";
import { bindings, rightsOf, type Right } from "../../api/rights";
import { useLive } from "../../api/watch";
import { Code } from "../../components/Copy";
import { Dialog } from "../../components/Dialog";
import { Field } from "../../components/Field";
import { TextLine, Toggle } from "../../components/inputs";
import { Loading, Refused } from "../../components/Problem";
import { useWords } from "../../i18n";

const GROUPS = ["administrators", "auditors"];

/** What is told once and kept nowhere. */
function Once(props: { title: string; text: string; secret: string; onClose: () => void }) {
  return (
    <Dialog title={props.title} onClose={props.onClose} holds>
      <p>{props.text}</p>
      <p>
        <Code>{props.secret}</Code>
      </p>
    </Dialog>
  );
}

export function UserDialog({ user, onClose }: { user: User | undefined; onClose: () => void }) {
  const t = useWords();
  const client = useQueryClient();
  const [name, setName] = useState(user?.name ?? "");
  const [displayName, setDisplayName] = useState(user?.displayName ?? "");
  const [groups, setGroups] = useState<string[]>([...(user?.groups ?? [])]);
  const [service, setService] = useState(user?.service ?? false);
  const [disabled, setDisabled] = useState(user?.disabled ?? false);
  const [password, setPassword] = useState("");
  const [made, setMade] = useState<User>();
  if (made) {
    const title = t("users.made", { name: made.name });
    return <Once title={title} text={t("users.passwordOnce")} secret={made.password ?? ""} onClose={onClose} />;
  }
  const go = async () => {
    const given = password ? ({ password } as Partial<User>) : {};
    const answer = user
      ? await changeUser(user.name, { displayName, groups, disabled, ...given })
      : await createUser({ name, displayName, groups, service, ...given });
    await client.invalidateQueries({ queryKey: ["users"] });
    if (!answer.password) return undefined;
    setMade(answer);
    return "stay";
  };
  return (
    <Dialog
      holds
      title={user ? t("users.editTitle", { name: user.name }) : t("users.create")}
      onClose={onClose}
      act={{ text: user ? t("common.save") : t("users.create"), go, ready: name !== "" }}
    >
      {!user && (
        <TextLine
          id="u-name"
          label={t("users.name")}
          help={t("users.nameHelp")}
          needed
          autoComplete="off"
          value={name}
          onChange={setName}
          trim
        />
      )}
      <TextLine id="u-display" label={t("form.displayName")} value={displayName} onChange={setDisplayName} />
      <Field id="u-groups" label={t("users.groups")} help={t("users.groupsHelp")}>
        <Select
          id="u-groups"
          aria-describedby="u-groups-notes"
          mode="tags"
          value={groups}
          options={GROUPS.map((value) => ({ value, label: value }))}
          onChange={(value: string[]) => setGroups(value)}
        />
      </Field>
      {!user && (
        <Toggle id="u-service" label={t("users.isService")} help={t("users.isServiceHelp")} checked={service} onChange={setService} />
      )}
      {!service && (
        <Field
          id="u-password"
          label={t(user ? "users.newPassword" : "signIn.password")}
          help={t(user ? "users.newPasswordHelp" : "users.passwordHelp")}
        >
          <Input.Password
            id="u-password"
            aria-describedby="u-password-notes"
            autoComplete="new-password"
            value={password}
            onChange={(event) => setPassword(event.target.value)}
          />
        </Field>
      )}
      {user && (
        <Toggle id="u-disabled" label={t("users.disable")} help={t("users.disableHelp")} checked={disabled} onChange={setDisabled} />
      )}
    </Dialog>
  );
}

export function RemoveUser({ user, onClose }: { user: User; onClose: () => void }) {
  const t = useWords();
  const client = useQueryClient();
  const go = async () => {
    await removeUser(user.name);
    await client.invalidateQueries({ queryKey: ["users"] });
  };
  return (
    <Dialog
      title={t("users.removeTitle", { name: user.name })}
      onClose={onClose}
      act={{ text: t("common.delete"), go, danger: true }}
    >
      <p>{t("users.removeText")}</p>
    </Dialog>
  );
}

export function TokenDialog({ user, onClose }: { user: User; onClose: () => void }) {
  const t = useWords();
  const client = useQueryClient();
  const [name, setName] = useState("");
  const [days, setDays] = useState(90);
  const [made, setMade] = useState("");
  const title = t("users.tokenFor", { name: user.name });
  if (made) return <Once title={title} text={t("users.tokenOnce")} secret={made} onClose={onClose} />;
  const go = async () => {
    const answer = await createToken(name, user.name, days);
    await client.invalidateQueries({ queryKey: ["tokens"] });
    setMade(answer.token ?? "");
    return "stay";
  };
  return (
    <Dialog title={title} onClose={onClose} act={{ text: t("users.tokenMake"), go, ready: name !== "" }}>
      <TextLine
        id="t-name"
        label={t("users.tokenName")}
        needed
        value={name}
        onChange={setName}
        trim
      />
      <Field id="t-days" label={t("users.tokenDays")}>
        <InputNumber<number> id="t-days" min={1} max={365} precision={0} value={days} onChange={(value) => setDays(value ?? 90)} />
      </Field>
    </Dialog>
  );
}

export function RightsDialog({ user, onClose }: { user: User; onClose: () => void }) {
  const t = useWords();
  const live = useLive(projects);
  const known = useQuery({ queryKey: ["bindings"], queryFn: bindings });
  const rights = rightsOf(user, live.items?.values() ?? [], known.data ?? []);
  return (
    <Dialog title={t("users.rightsOf", { name: user.name })} onClose={onClose} width={620}>
      <p className="quiet">{t("users.rightsText")}</p>
      {known.isPending && <Loading />}
      <Refused error={known.error} />
      {known.data && rights.length === 0 && <p>{t("users.rightsNone")}</p>}
      <ul className="lines">
        {rights.map((right) => (
          <li key={`${right.kind}${right.where}${right.role}${right.group}`}>
            <RightLine right={right} />
          </li>
        ))}
      </ul>
    </Dialog>
  );
}

function RightLine({ right }: { right: Right }) {
  const t = useWords();
  return (
    <>
      <strong>{right.kind === "project" ? t(`projects.role_${right.role}`) : <code>{right.role}</code>}</strong>{" "}
      {right.kind === "project" ? (
        <>
          {t("users.inProject")} <Link to={`/projects/${right.where}`}>{right.where}</Link>
        </>
      ) : (
        t(`users.in_${right.kind}`, { where: right.where })
      )}
      {right.group && <span className="quiet"> · {t("users.byGroup", { group: right.group })}</span>}
    </>
  );
}
