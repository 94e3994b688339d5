/** Who is signed in, and the way out. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { useNavigate } from "react-router";
import { infoQuery, sessionQuery, signOut } from "../api/session";
import { forgetAll } from "../api/watch";
import { useWords } from "../i18n";
import { Icon } from "./icons";

export function PersonMenu() {
  const t = useWords();
  const { data: session } = useQuery(sessionQuery);
  const { data: info } = useQuery(infoQuery);
  const client = useQueryClient();
  const navigate = useNavigate();
  const [open, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!open) return;
    const outside = (event: MouseEvent | FocusEvent) => {
      if (event.target instanceof Node && !box.current?.contains(event.target)) setOpen(false);
    };
    document.addEventListener("mousedown", outside);
    document.addEventListener("focusin", outside);
    return () => {
      document.removeEventListener("mousedown", outside);
      document.removeEventListener("focusin", outside);
    };
  }, [open]);
  if (!session) return null;
  const person = session.user;
  const leave = async () => {
    await signOut().catch(() => undefined);
    forgetAll();
    client.clear();
    void navigate("/sign-in");
  };
  return (
    <div
      className="person"
      ref={box}
      onKeyDown={(event) => {
        if (event.key === "Escape") setOpen(false);
      }}
    >
      <button type="button" className="bar-button" aria-expanded={open} onClick={() => setOpen(!open)}>
        <span className="avatar" aria-hidden="true">
          {(person.displayName || person.name).slice(0, 1).toUpperCase()}
        </span>
        <span>{person.displayName || person.name}</span>
        <Icon name="down" size={12} />
      </button>
      {open && (
        <div className="person-menu">
          <p className="mono small">{person.name}</p>
          {person.groups && person.groups.length > 0 && (
            <p className="quiet small">{t("shell.groups", { groups: person.groups.join(", ") })}</p>
          )}
          {info?.version && <p className="quiet small">{t("shell.version", { version: info.version })}</p>}
          <button type="button" className="menu-button" onClick={() => void leave()}>
            {t("shell.signOut")}
          </button>
        </div>
      )}
    </div>
  );
}
