let counter = 0;

/** A key for a row of the form, for React alone. */
export function nextKey(): string {
  counter += 1;
  return `m${counter}`;
}
