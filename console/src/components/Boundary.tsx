/** Catches what a page could not do at all, such as fetching its own script while the platform is away. */
import { Component, type ReactNode } from "react";
import { ApiError } from "../api/http";
import { Problem } from "./Problem";

/** Words of browsers for a module that could not be fetched. */
const NOT_FETCHED = /dynamically imported module|importing a module script failed|error loading|module script/i;

interface Props {
  readonly children: ReactNode;
  /** Another place is tried anew. */
  readonly place: string;
}

interface Kept {
  readonly error: unknown;
  readonly place: string;
}

export class Boundary extends Component<Props, Kept> {
  override state: Kept = { error: undefined, place: this.props.place };

  static getDerivedStateFromError(error: unknown): Partial<Kept> {
    return { error };
  }

  static getDerivedStateFromProps(props: Props, state: Kept): Partial<Kept> | null {
    return props.place === state.place ? null : { error: undefined, place: props.place };
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (error === undefined) return this.props.children;
    const fetched = error instanceof Error && NOT_FETCHED.test(error.message);
    const told = fetched ? new ApiError(0, {}, "") : error;
    // A failed import stays failed in this page; a new release has new names for its scripts.
    return <Problem error={told} again={() => window.location.reload()} />;
  }
}
