/** The part of Markdown that the console's help pages use: headings, paragraphs, lists, code, tables and links. */
import { Fragment, type ReactNode } from "react";
import { Link } from "react-router";

function inline(text: string): ReactNode[] {
  return text.split(/(`[^`]+`|\*\*[^*]+\*\*|\*[^*]+\*|\[[^\]]+\]\([^)]+\))/g).map((part, index) => {
    if (part.startsWith("`")) return <code key={index}>{part.slice(1, -1)}</code>;
    if (part.startsWith("**")) return <strong key={index}>{part.slice(2, -2)}</strong>;
    if (/^\*.+\*$/.test(part)) return <em key={index}>{part.slice(1, -1)}</em>;
    const link = /^\[([^\]]+)\]\(([^)]+)\)$/.exec(part);
    if (!link) return <Fragment key={index}>{part}</Fragment>;
    const [, words = "", to = ""] = link;
    const page = /^([\w-]+)\.md(#.*)?$/.exec(to)?.[1];
    if (page) return <Link key={index} to={`/help/${page}`}>{words}</Link>;
    return <Fragment key={index}>{words}</Fragment>;
  });
}

function block(lines: readonly string[], key: number): ReactNode {
  const first = lines[0] ?? "";
  if (first.startsWith("```")) return <pre key={key}>{lines.slice(1).join("\n")}</pre>;
  if (/^#{2,3} /.test(first)) return <h2 key={key}>{inline(first.replace(/^#+ /, ""))}</h2>;
  // Pictures belong to the printed documentation; here the page itself is at hand.
  if (first.startsWith("![")) return null;
  if (first.startsWith("|")) {
    const rows = lines.map((line) => line.replace(/^\||\|$/g, "").split("|").map((cell) => cell.trim()));
    const [head = [], , ...body] = rows;
    return (
      <table key={key}>
        <thead>
          <tr>{head.map((cell, at) => <th key={at} scope="col">{inline(cell)}</th>)}</tr>
        </thead>
        <tbody>{body.map((row, at) => <tr key={at}>{row.map((cell, to) => <td key={to}>{inline(cell)}</td>)}</tr>)}</tbody>
      </table>
    );
  }
  if (/^(-|\d+\.) /.test(first)) {
    const items: string[] = [];
    for (const line of lines) {
      if (/^(-|\d+\.) /.test(line)) items.push(line.replace(/^(-|\d+\.) /, ""));
      else items.push(`${items.pop() ?? ""} ${line.trim()}`);
    }
    return <ul key={key}>{items.map((item, at) => <li key={at}>{inline(item)}</li>)}</ul>;
  }
  return <p key={key}>{inline(lines.join(" "))}</p>;
}

export function blocks(text: string): string[][] {
  const found: string[][] = [];
  let current: string[] = [];
  let fenced = false;
  const close = () => {
    if (current.length > 0) found.push(current);
    current = [];
  };
  for (const line of text.split("\n")) {
    if (line.startsWith("```")) {
      if (fenced) close();
      else {
        close();
        current.push(line);
      }
      fenced = !fenced;
    } else if (fenced) current.push(line);
    else if (line.trim() === "") close();
    else current.push(line);
  }
  close();
  return found;
}

export function Markdown({ text }: { text: string }) {
  return <>{blocks(text).map((lines, index) => block(lines, index))}</>;
}
