import { h } from "./lib/dom.js";
import { icon } from "./lib/icons.js";
import { info } from "./lib/info.js";
import { button, dialog, toast } from "./lib/ui.js";
import * as live from "./lib/live.js";
import * as router from "./lib/router.js";
import { resourcesPage } from "./pages/resources.js";
import { consolePage } from "./pages/console.js";
import { logsPage } from "./pages/logs.js";
import { tracesPage } from "./pages/traces.js";
import { tracePage } from "./pages/trace.js";
import { metricsPage } from "./pages/metrics.js";

const places = [
    ["/", "resources", "Resources", "r", /^\/($|parameters|graph)/],
    ["/consolelogs", "console", "Console", "c"],
    ["/structuredlogs", "logs", "Structured", "s"],
    ["/traces", "traces", "Traces", "t"],
    ["/metrics", "metrics", "Metrics", "m"],
];
const links = places.map(([path, name, text, key]) => h("a", { href: path, title: `${text} (${key})` }, icon(name), h("span", null, text)));
const name = h("a", { class: "brand", href: "/" }, h("img", { src: "/favicon.svg", alt: "", width: 20, height: 20 }), h("span", null, "Dashboard"));
const pause = h("button", { type: "button", class: "live", onclick: () => live.setPaused(!live.state.paused) });
const main = h("main");

function toggleTheme() {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    localStorage.setItem("theme", root.dataset.theme);
}

const keys = [["r c s t m", "Resources, console, structured logs, traces, metrics"], ["p", "Pause or go on"], ["/", "Search; ↓ leaves it for the list"], ["↑ ↓ Enter", "Move in a list, open"],
    ["← →", "Close or open a span or resource"], ["z Z", "Zoom to the span, to the whole trace"], ["n N", "Next or last match in a trace"], ["Esc", "Close the details"], ["?", "These keys"]];
const help = () => dialog("Keys", h("dl", { class: "keys" }, keys.map(([key, text]) => h("div", null, h("dt", null, h("kbd", null, key)), h("dd", null, text)))));

document.body.append(
    h("header", { class: "top" }, name, h("nav", { "aria-label": "Pages" }, links), h("span", { class: "grow" }), pause,
        button("theme", "Dark or light", toggleTheme), button("help", "Keys (?)", help)),
    main);

live.onState(() => {
    const { paused, connected } = live.state;
    pause.className = `live ${!connected ? "lost" : paused ? "paused" : ""}`;
    pause.title = !connected ? "The dashboard does not answer" : paused ? "Go on (p)" : "Pause (p)";
    pause.setAttribute("aria-pressed", paused);
    pause.replaceChildren(icon(paused ? "play" : "pause"), h("span", null, !connected ? "Not connected" : paused ? "Paused" : "Live"));
});
live.onError(error => toast(error.message, "error"));

const moves = ["ArrowDown", "ArrowUp", "PageDown", "PageUp", "Home", "End"];

document.addEventListener("keydown", event => {
    if (event.ctrlKey || event.metaKey || event.altKey)
        return;
    const list = document.querySelector("main .virtual"), inSearch = event.target.matches?.("main input[type=search]");
    if (list && (event.target === document.body ? moves.includes(event.key) : inSearch && (event.key === "ArrowDown" || (event.key === "Escape" && event.target.value === "")))) {
        event.preventDefault();
        list.focus();
        if (!inSearch)
            list.dispatchEvent(new KeyboardEvent("keydown", { key: event.key }));
        return;
    }
    if (event.target.closest?.("input:not([type=checkbox]), select, textarea, dialog"))
        return;
    const place = places.find(([, , , key]) => key === event.key);
    if (place)
        router.go(place[0]);
    else if (event.key === "p")
        live.setPaused(!live.state.paused);
    else if (event.key === "?")
        help();
    else if (event.key === "/") {
        event.preventDefault();
        document.querySelector("main input[type=search]")?.focus();
    }
});

const table = [
    ["/(?:parameters|graph)?", resourcesPage],
    ["/consolelogs(?:/resource/:resource)?", consolePage],
    ["/structuredlogs(?:/resource/:resource)?", logsPage],
    ["/traces(?:/resource/:resource)?", tracesPage],
    ["/traces/detail/:trace", tracePage],
    ["/metrics(?:/resource/:resource)?(?:/meter/:meter)?(?:/instrument/:instrument)?", metricsPage],
];

live.start();
router.start(main, table, () => places.forEach(([path, , , , pattern], index) => {
    const here = pattern ? pattern.test(location.pathname) : location.pathname.startsWith(path);
    here ? links[index].setAttribute("aria-current", "page") : links[index].removeAttribute("aria-current");
    if (here)
        document.title = `${places[index][2]} - ${name.textContent}`;
}));

info.then(({ applicationName }) => {
    name.lastChild.textContent = applicationName;
    document.title = `${document.title.split(" - ")[0]} - ${applicationName}`;
}, error => toast(error.message, "error"));
