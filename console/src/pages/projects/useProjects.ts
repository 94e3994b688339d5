/** The projects that a person sees: all of them for whoever may list them, their own for everybody else. */
import { useQuery } from "@tanstack/react-query";
import { ApiError, json } from "../../api/http";
import { projects } from "../../api/resources";
import { useLive, type Live } from "../../api/watch";
import type { Project } from "../../generated/api";

const AGAIN_MS = 15_000;

export interface Projects {
  readonly live: Live<Project>;
  /** Whether these are the person's own alone. */
  readonly mine: boolean;
}

export function useProjects(): Projects {
  const live = useLive(projects);
  const mine = live.error?.kind === "forbidden" && !live.items;
  const own = useQuery({
    queryKey: ["my-projects"],
    enabled: mine,
    refetchInterval: AGAIN_MS,
    queryFn: () => json<{ items: Project[] }>("/roost/v1/projects").then((found) => found.items),
  });
  if (!mine) return { live, mine };
  const error = own.error instanceof ApiError ? own.error : undefined;
  return {
    mine,
    live: {
      items: own.data && new Map(own.data.map((one) => [one.metadata.name, one])),
      coming: 0,
      error,
      staleSince: error && own.data ? own.dataUpdatedAt : undefined,
      again: () => void own.refetch(),
    },
  };
}
