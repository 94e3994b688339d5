import { hasWord, useWords } from "../i18n";
import type { State as StateOf, Tone } from "../states";

/** A dot and a word: never colour alone. The dot moves only while something is being done. */
export function Dot({ tone }: { tone: Tone }) {
  return <span className={`dot dot-${tone}`} aria-hidden="true" />;
}

export function State({ state }: { state: StateOf }) {
  const t = useWords();
  const key = `state.${state.word}`;
  return (
    <span className={`state state-${state.tone}`}>
      <Dot tone={state.tone} />
      <span>{hasWord(key) ? t(key) : state.word}</span>
    </span>
  );
}
