// Before anything is painted: the theme and the language that were chosen here, or the system's.
(function () {
  var root = document.documentElement;
  var kept = function (key) {
    try {
      return localStorage.getItem(key);
    } catch (refused) {
      return null;
    }
  };
  var theme = kept("roost.theme");
  if (theme !== "light" && theme !== "dark") {
    theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  }
  root.dataset.theme = theme;
  var language = kept("roost.language");
  if (language !== "en" && language !== "zh") language = /^zh\b/i.test(navigator.language) ? "zh" : "en";
  root.lang = language === "zh" ? "zh-CN" : "en";
  // Absent where the console is served from its source.
  var words = document.querySelector('meta[name="words-' + language + '"]');
  if (words) {
    var link = document.createElement("link");
    link.rel = "modulepreload";
    link.crossOrigin = "";
    link.href = words.content;
    document.head.appendChild(link);
  }

  // The list of clusters is where most begin: what it will ask for is asked while its script is still on its way.
  // Who is not signed in asks for no list.
  if (!/^\/console\/(clusters\/?)?$/.test(location.pathname)) return;
  var ask = function (path) {
    return fetch(path, { headers: { Accept: "application/json" }, credentials: "same-origin", redirect: "error", cache: "no-store" });
  };
  var who = "/roost/v1/session";
  var first = "/apis/cluster.alauda.io/v1alpha1/clusters?limit=50";
  var session = ask(who);
  var list = session.then(function (answer) {
    return answer.ok ? ask(first) : undefined;
  });
  list.catch(function () {});
  window.roostEarly = new Map([
    [who, session],
    [first, list],
  ]);
})();
