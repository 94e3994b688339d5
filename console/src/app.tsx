import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { lazy, Suspense } from "react";
import { BrowserRouter, Navigate, Route, Routes } from "react-router";
import { ApiError } from "./api/http";
import { Loading } from "./components/Problem";
import { Shell } from "./components/Shell";
import { WordsProvider } from "./i18n";
import { ClustersPage } from "./pages/clusters/ClustersPage";
import { SignInPage } from "./pages/SignInPage";

// These two pages, the frame and what stands in for a page do without antd: components/plain.
const ThemedPages = lazy(() => import("./components/Themed"));
const ChoosePage = lazy(() => import("./pages/create/ChoosePage"));
const OnPremisesPage = lazy(() => import("./pages/create/OnPremisesPage"));
const ImportPage = lazy(() => import("./pages/create/ImportPage"));
const RegisterPage = lazy(() => import("./pages/create/RegisterPage"));
const ProgressPage = lazy(() => import("./pages/clusters/ProgressPage"));
const ClusterPage = lazy(() => import("./pages/cluster/ClusterPage"));
const CredentialsPage = lazy(() => import("./pages/CredentialsPage"));
const ProjectsPage = lazy(() => import("./pages/projects/ProjectsPage"));
const ProjectPage = lazy(() => import("./pages/projects/ProjectPage"));
const UsersPage = lazy(() => import("./pages/users/UsersPage"));
const FeatureGatesPage = lazy(() => import("./pages/FeatureGatesPage"));
const AuditPage = lazy(() => import("./pages/AuditPage"));
const ReleasesPage = lazy(() => import("./pages/ReleasesPage"));
const RegistryPage = lazy(() => import("./pages/RegistryPage"));
const HelpPage = lazy(() => import("./pages/HelpPage"));
const MissingPage = lazy(() => import("./pages/MissingPage"));

const client = new QueryClient({
  defaultOptions: {
    queries: {
      refetchOnWindowFocus: false,
      retry: (failures, error) => failures < 2 && error instanceof ApiError && error.kind === "unreachable",
    },
  },
});

export function App() {
  return (
    <WordsProvider>
      <QueryClientProvider client={client}>
        <BrowserRouter basename="/console">
          <Suspense fallback={<Loading />}>
            <Routes>
              <Route path="/sign-in" element={<SignInPage />} />
              <Route element={<Shell />}>
                <Route index element={<Navigate to="/clusters" replace />} />
                <Route path="clusters" element={<ClustersPage />} />
                <Route element={<ThemedPages />}>
                  <Route path="clusters/new" element={<ChoosePage />} />
                  <Route path="clusters/new/on-premises" element={<OnPremisesPage />} />
                  <Route path="clusters/new/import" element={<ImportPage />} />
                  <Route path="clusters/new/register" element={<RegisterPage />} />
                  <Route path="clusters/:namespace/:name/progress" element={<ProgressPage />} />
                  <Route path="clusters/:namespace/:name/:tab?" element={<ClusterPage />} />
                  <Route path="credentials" element={<CredentialsPage />} />
                  <Route path="projects" element={<ProjectsPage />} />
                  <Route path="projects/:name" element={<ProjectPage />} />
                  <Route path="users" element={<UsersPage />} />
                  <Route path="feature-gates" element={<FeatureGatesPage />} />
                  <Route path="audit" element={<AuditPage />} />
                  <Route path="releases" element={<ReleasesPage />} />
                  <Route path="registry" element={<RegistryPage />} />
                  <Route path="help/:page?" element={<HelpPage />} />
                  <Route path="*" element={<MissingPage />} />
                </Route>
              </Route>
            </Routes>
          </Suspense>
        </BrowserRouter>
      </QueryClientProvider>
    </WordsProvider>
  );
}
