/** The page's state is its address: what is filtered or open can be sent as a link, and "back" goes back. */

let routes = [], outlet, leave = () => {}, entered = () => {};

export function start(element, table, onEnter) {
    routes = table.map(([pattern, page]) => [new RegExp(`^${pattern.replace(/\/:(\w+)/g, "/(?<$1>[^/]+)")}$`), page]);
    outlet = element;
    entered = onEnter;
    addEventListener("popstate", show);
    document.addEventListener("click", event => {
        const link = event.target.closest?.("a[href]");
        if (!link || event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || link.target || link.hasAttribute("download") || link.origin !== location.origin)
            return;
        event.preventDefault();
        go(link.href);
    });
    show();
}

export function go(url) {
    history.pushState(null, "", url);
    show();
}

/** Changes the query without going anywhere; null and "" take a parameter away. */
export function setQuery(values) {
    const query = new URLSearchParams(location.search);
    for (const [name, value] of Object.entries(values)) {
        query.delete(name);
        for (const item of Array.isArray(value) ? value : [value])
            if (item !== null && item !== undefined && item !== "" && item !== false)
                query.append(name, item === true ? "true" : item);
    }
    const text = query.toString();
    history.replaceState(null, "", location.pathname + (text ? `?${text}` : ""));
}

function show() {
    leave();
    const controller = new AbortController();
    leave = () => controller.abort();
    for (const [pattern, page] of routes) {
        const match = pattern.exec(location.pathname);
        if (match) {
            const parameters = Object.fromEntries(Object.entries(match.groups ?? {}).map(([name, value]) => [name, decodeURIComponent(value ?? "")]));
            outlet.replaceChildren();
            entered();
            page(outlet, { parameters, query: new URLSearchParams(location.search), signal: controller.signal });
            return;
        }
    }
    go("/");
}
