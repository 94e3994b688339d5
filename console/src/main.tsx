import { createRoot } from "react-dom/client";
import { App } from "./app";
import { startWords } from "./i18n";
import "./index.css";

const root = document.getElementById("root");
if (root) void startWords().then(() => createRoot(root).render(<App />));
