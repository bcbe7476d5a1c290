const hues = 10, most = 200;

// Kept by the browser, so that a resource has one colour on all pages and in all tabs.
const known = new Map(JSON.parse(localStorage.getItem("resource-colors") ?? "[]").slice(-most));

/** The class that carries the colour of a resource; no two alike while there are enough. */
export function colorOf(resource) {
    let color = known.get(resource);
    if (color === undefined) {
        const uses = Array.from({ length: hues }, (_, hue) => [...known.values()].filter(other => other === hue).length);
        color = uses.indexOf(Math.min(...uses));
        known.set(resource, color);
        localStorage.setItem("resource-colors", JSON.stringify([...known]));
    }
    return `c${color}`;
}
