/** A status message ends with when it is tried again; the console shows that in the reader's own time. Pure. */

const RETRY = / \(attempt (\d+); next at ([^)]+)\)$/;

export function withoutRetry(message: string): string {
  return message.replace(RETRY, "");
}

/** The time of the next attempt as an ISO time of today, in UTC; undefined when the message has none. */
export function retryTime(message: string, today = new Date()): string | undefined {
  const found = RETRY.exec(message)?.[2];
  if (!found) return undefined;
  const whole = found.includes("T") ? found : `${today.toISOString().slice(0, 10)}T${found}`;
  const time = Date.parse(whole.endsWith("Z") ? whole : `${whole}Z`);
  return Number.isNaN(time) ? undefined : new Date(time).toISOString();
}
