import { describe, expect, it } from "vitest";
import { rowsInSight, sortRows, type Column } from "./DataTable";

describe("the rows that a long table draws", () => {
  it("are all of a short one", () => {
    expect(rowsInSight(40, 60, -5000, 900)).toEqual([0, 40]);
  });

  it("fill the window with some to spare, and move in steps", () => {
    expect(rowsInSight(2000, 60, 200, 900)).toEqual([0, 18]);
    expect(rowsInSight(2000, 60, -60 * 102, 900)).toEqual([96, 126]);
    expect(rowsInSight(2000, 60, -60 * 103, 900)).toEqual([96, 126]);
    expect(rowsInSight(2000, 60, -60 * 108, 900)).toEqual([102, 132]);
  });

  it("always hold those in sight", () => {
    for (let top = 500; top > -60 * 2000 + 900; top -= 37) {
      const [from, to] = rowsInSight(2000, 60, top, 900);
      expect(from).toBeLessThanOrEqual(Math.max(0, Math.floor(-top / 60)));
      expect(to).toBeGreaterThanOrEqual(Math.min(2000, Math.ceil((900 - top) / 60)));
    }
  });

  it("are the last ones when the table became shorter than where the window stands", () => {
    const [from, to] = rowsInSight(100, 60, -60 * 1500, 900);
    expect(to).toBe(100);
    expect(from).toBeLessThanOrEqual(85);
  });
});

describe("sorting", () => {
  const columns: readonly Column<string>[] = [{ key: "name", title: "", render: (name) => name, value: (name) => name }];

  it("takes numbers in names as numbers, either way", () => {
    expect(sortRows(["c-10", "c-9"], columns, { key: "name", down: false })).toEqual(["c-9", "c-10"]);
    expect(sortRows(["c-9", "c-10"], columns, { key: "name", down: true })).toEqual(["c-10", "c-9"]);
  });
});
