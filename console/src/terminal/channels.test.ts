import { describe, expect, it } from "vitest";
import { endOfInput, failure, input, read, resize } from "./channels";

const frame = (channel: number, text: string) => new Uint8Array([channel, ...new TextEncoder().encode(text)]).buffer;

describe("frames of exec", () => {
  it("tell output from errors, and pass over empty ones", () => {
    expect(read(frame(1, ""))).toEqual({ kind: "nothing" });
    expect(read(frame(1, "é"))).toEqual({ kind: "output", error: false, bytes: new Uint8Array([0xc3, 0xa9]) });
    expect(read(frame(2, "x"))).toMatchObject({ error: true });
    expect(read(new ArrayBuffer(0))).toEqual({ kind: "nothing" });
  });

  it("tell how the program ended", () => {
    const ended = { status: "Failure", reason: "NonZeroExitCode", message: "…", details: { causes: [{ reason: "ExitCode", message: "3" }] } };
    const found = read(frame(3, JSON.stringify(ended)));
    expect(found).toEqual({ kind: "end", status: ended });
    expect(found.kind === "end" && failure(found.status)).toBe("command terminated with exit code 3");
    expect(failure({ status: "Success" })).toBeUndefined();
    expect(read(frame(3, "not JSON"))).toEqual({ kind: "end", status: { status: "Failure", message: "not JSON" } });
  });

  it("carry input, the size of the window, and the end of the input where there is a word for it", () => {
    expect([...input("a\n")]).toEqual([0, 97, 10]);
    expect(new TextDecoder().decode(resize(80, 24))).toBe('\u0004{"Width":80,"Height":24}');
    expect([...(endOfInput("v5.channel.k8s.io") ?? [])]).toEqual([255, 0]);
    expect(endOfInput("v4.channel.k8s.io")).toBeUndefined();
  });
});
