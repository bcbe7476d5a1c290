// Every text that comes from outside goes in as a text node; there is no innerHTML anywhere.

const svgNamespace = "http://www.w3.org/2000/svg";

function fill(element, properties, children) {
    for (const [name, value] of Object.entries(properties ?? {})) {
        if (name.startsWith("aria-") && typeof value === "boolean")
            element.setAttribute(name, String(value));
        else if (value === null || value === undefined || value === false)
            continue;
        else if (name.startsWith("on"))
            element.addEventListener(name.slice(2), value);
        else if (name === "style")
            for (const [property, text] of Object.entries(value))
                element.style.setProperty(property, text);
        else if (name === "value" || name === "checked" || name === "disabled" || name === "selected")
            element[name] = value;
        else
            element.setAttribute(name, value === true ? "" : value);
    }
    element.append(...children.flat(Infinity).filter(child => child !== null && child !== undefined && child !== false));
    return element;
}

export const h = (tag, properties, ...children) => fill(document.createElement(tag), properties, children);

export const svg = (tag, properties, ...children) => fill(document.createElementNS(svgNamespace, tag), properties, children);

/** Only addresses of the web become links; "javascript:" and the like stay text. */
export const safeUrl = url => /^https?:\/\//i.test(url) ? url : null;

export const externalLink = (url, text) => safeUrl(url)
    ? h("a", { href: url, target: "_blank", rel: "noopener noreferrer", title: url }, text ?? url)
    : h("span", null, text ?? url);

/** Runs once a frame however often it is called. */
export function perFrame(action) {
    let asked = false;
    return () => {
        if (asked)
            return;
        asked = true;
        requestAnimationFrame(() => {
            asked = false;
            action();
        });
    };
}

export function debounce(action, milliseconds = 200) {
    let timer;
    return (...values) => {
        clearTimeout(timer);
        timer = setTimeout(() => action(...values), milliseconds);
    };
}
