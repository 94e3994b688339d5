import { useEffect, type ReactNode } from "react";
import { Link } from "react-router";

interface Crumb {
  readonly to: string;
  readonly text: string;
}

/** A page's heading; the window's title says the same. */
export function Page({
  title,
  lead,
  above,
  actions,
  children,
}: {
  title: string;
  lead?: ReactNode;
  above?: readonly Crumb[];
  actions?: ReactNode;
  children: ReactNode;
}) {
  useEffect(() => {
    document.title = `${title} · roost`;
  }, [title]);
  return (
    <div className="page">
      <div className="page-head">
        <div>
          {above && above.length > 0 && (
            <p className="crumbs">
              {above.map((crumb) => (
                <span key={crumb.to}>
                  <Link to={crumb.to}>{crumb.text}</Link>
                  <span aria-hidden="true"> / </span>
                </span>
              ))}
            </p>
          )}
          <h1>{title}</h1>
          {lead && <p className="lead">{lead}</p>}
        </div>
        {actions && <div className="page-actions">{actions}</div>}
      </div>
      {children}
    </div>
  );
}
