import access from "./access.json";
import attach from "./attach.json";
import audit from "./audit.json";
import choice from "./choice.json";
import choose from "./choose.json";
import cluster from "./cluster.json";
import clusters from "./clusters.json";
import common from "./common.json";
import conditions from "./conditions.json";
import create from "./create.json";
import credentials from "./credentials.json";
import deleteWords from "./delete.json";
import events from "./events.json";
import form from "./form.json";
import gates from "./gates.json";
import importWords from "./import.json";
import kind from "./kind.json";
import machine from "./machine.json";
import machines from "./machines.json";
import missing from "./missing.json";
import nav from "./nav.json";
import overview from "./overview.json";
import paste from "./paste.json";
import plan from "./plan.json";
import problem from "./problem.json";
import progress from "./progress.json";
import projects from "./projects.json";
import register from "./register.json";
import registry from "./registry.json";
import releases from "./releases.json";
import review from "./review.json";
import role from "./role.json";
import shell from "./shell.json";
import signIn from "./signIn.json";
import state from "./state.json";
import stateNote from "./stateNote.json";
import step from "./step.json";
import terminal from "./terminal.json";
import things from "./things.json";
import type from "./type.json";
import users from "./users.json";
import yaml from "./yaml.json";

export default {
  access,
  attach,
  audit,
  choice,
  choose,
  cluster,
  clusters,
  common,
  conditions,
  create,
  credentials,
  delete: deleteWords,
  events,
  form,
  gates,
  import: importWords,
  kind,
  machine,
  machines,
  missing,
  nav,
  overview,
  paste,
  plan,
  problem,
  progress,
  projects,
  register,
  registry,
  releases,
  review,
  role,
  shell,
  signIn,
  state,
  stateNote,
  step,
  terminal,
  things,
  type,
  users,
  yaml,
};
