import { svg } from "./dom.js";

const paths = {
    resources: "M2 3h5v4H2zM9 3h5v4H9zM2 9h5v4H2zM9 9h5v4H9z",
    console: "M2 3h12v10H2zM4.5 6l2 2-2 2M8.5 10h3",
    logs: "M2 4h2M2 8h2M2 12h2M6 4h8M6 8h8M6 12h5",
    traces: "M2 4h7M5 8h6M8 12h6",
    metrics: "M2 13V3M2 13h12M4.5 10l3-4 2.5 2.5L13.5 4",
    pause: "M5.5 3v10M10.5 3v10",
    play: "M5 3l7 5-7 5z",
    stop: "M4 4h8v8H4z",
    restart: "M13 8a5 5 0 1 1-1.6-3.7M13 2v3h-3",
    theme: "M8 2a6 6 0 1 0 0 12zM8 2a6 6 0 0 1 0 12",
    close: "M4 4l8 8M12 4l-8 8",
    search: "M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10zM11 11l3 3",
    filter: "M2 3h12l-4.5 5.5V13l-3-1.5v-3z",
    download: "M8 2v8M4.5 7L8 10.5 11.5 7M3 13.5h10",
    upload: "M8 11V3M4.5 6L8 2.5 11.5 6M3 13.5h10",
    trash: "M3 4h10M6 4V2.5h4V4M4.5 4l.5 9.5h6l.5-9.5",
    eye: "M1.5 8s2.5-4.5 6.5-4.5S14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8zM8 10a2 2 0 1 0 0-4 2 2 0 0 0 0 4z",
    copy: "M5.5 5.5V2.5h8v8h-3M2.5 5.5h8v8h-8z",
    right: "M6 3.5L10.5 8 6 12.5",
    down: "M3.5 6L8 10.5 12.5 6",
    more: "M3.5 8h.01M8 8h.01M12.5 8h.01",
    help: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM6.3 6.3a1.8 1.8 0 1 1 2.5 1.7c-.6.3-.8.6-.8 1.2M8 11.4v.01",
    wrench: "M13.5 4.5a3.5 3.5 0 0 1-4.7 4.3L4.5 13a1.4 1.4 0 0 1-2-2l4.3-4.3A3.5 3.5 0 0 1 11 2.3L9 4.5l.3 2 2 .3z",
    expand: "M4 6.5L8 2.5l4 4M4 9.5l4 4 4-4",
    collapse: "M4 2.5l4 4 4-4M4 13.5l4-4 4 4",
    back: "M10 3.5L5.5 8l4.5 4.5",
    link: "M6.5 9.5l3-3M7 5l1.5-1.5a2.8 2.8 0 0 1 4 4L11 9M9 11l-1.5 1.5a2.8 2.8 0 0 1-4-4L5 7",
};

export const icon = name => svg("svg", { class: "icon", viewBox: "0 0 16 16", "aria-hidden": "true" }, svg("path", { d: paths[name] }));
